"""The same two statements behind the same server, with no product around them: the line to stay close to.

Granian, RSGI, uvloop, asyncpg, 16 connections without a reset, a frozen heap: everything that makes ours fast. Left out is
what ours is for: no key, no limit, no check of a value, no request id, no error but a dropped connection.
"""

import asyncio
import gc
import os
import uuid
from typing import Any

import asyncpg
import msgspec
from granian import Granian
from granian.constants import Interfaces, Loops
from granian.http import HTTP1Settings

from skipcall.contacts.model import Contact, UpdateContact
from skipcall.contacts.queries import GET_CONTACT, UPDATE_CONTACT, UPDATE_CONTACT_AND_FIELDS
from skipcall.postgres.db import SESSION_SETTINGS

CONNECTIONS = 16
HEADERS = [("content-type", "application/json")]
FILE = os.environ["BARE_FILE"]
FILE_TYPE = ("content-type", "audio/wav")
WORKSPACE_IDS = [uuid.UUID(os.environ["BARE_WORKSPACE"])]
API_KEY_ID = uuid.UUID(os.environ["BARE_API_KEY"])
NAMES = [field.encode_name for field in msgspec.structs.fields(Contact)]
CUSTOM_FIELDS = NAMES.index("customFields")
COLUMNS = {field.encode_name: field.name for field in msgspec.structs.fields(UpdateContact)}

free: list[Any] = []
waiting: list[asyncio.Future[Any]] = []
encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder().decode


async def fetch_row(text: str, values: list[Any]) -> Any:
    if free:
        connection = free.pop()
    else:
        turn = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        connection = await turn
    try:
        return await connection.fetchrow(text, *values)
    finally:
        if waiting:
            waiting.pop(0).set_result(connection)
        else:
            free.append(connection)


class Bare:
    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        for _ in range(CONNECTIONS):
            url = os.environ["DATABASE_URL"]
            free.append(loop.run_until_complete(asyncpg.connect(url, server_settings=SESSION_SETTINGS)))
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        if scope.path == "/audio":
            length = ("content-length", str(os.path.getsize(FILE)))
            protocol.response_file(200, [FILE_TYPE, length], FILE)
            return
        values: dict[str, Any] = {
            "workspace_ids": WORKSPACE_IDS,
            "id": uuid.UUID(scope.path[len("/v1/contacts/") :]),
            "by_slug": False,
        }
        statement = GET_CONTACT
        if scope.method == "PATCH":
            statement = UPDATE_CONTACT
            for name, value in decode(await protocol()).items():
                values[COLUMNS[name]] = value
            if "custom_fields" in values:
                statement = UPDATE_CONTACT_AND_FIELDS
                values["custom_fields"] = encode(values["custom_fields"]).decode()
            values["source"] = "API"
            values["api_key_id"] = API_KEY_ID
        row = await fetch_row(statement.text, [values.get(name) for name in statement.names])
        contact = dict(zip(NAMES, row))
        contact["customFields"] = msgspec.Raw(contact["customFields"].encode())
        protocol.response_bytes(200, HEADERS, encode(contact))


def build() -> Bare:
    return Bare()


if __name__ == "__main__":
    Granian(
        "benchmarks.peers.bare:build",
        factory=True,
        port=int(os.environ["BARE_PORT"]),
        interface=Interfaces.RSGI,
        loop=Loops.uvloop,
        http1_settings=HTTP1Settings(header_read_timeout=5000),
        websockets=False,
    ).serve()
