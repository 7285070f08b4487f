"""The feed under writers: nothing waits, nothing is missed, nothing comes twice."""

import asyncio
import random
import threading
import time
from uuid import UUID, uuid4

from skipcall.contacts.model import ContactView
from skipcall.contacts.queries import Written, update_contact
from skipcall.postgres.db import Session, connect
from tests.changes.reader import Reader
from tests.make import Make, Team

WRITERS = 6
SECONDS = 4.0


async def set_city(session: Session, team: Team, path: str, city: str) -> None:
    written = await update_contact(
        session,
        [team.workspace_id],
        UUID(path.rpartition("/")[2]),
        {"city": city},
        custom_fields=None,
        versions=None,
        source="API",
        api_key_id=None,
        request_id=None,
        view=ContactView(),
    )
    assert isinstance(written, Written)


def test_who_commits_late_is_not_missed_and_nobody_waits_for_them(make: Make) -> None:
    """The first of two ids commits last, or never."""
    team = make.team()
    slow, quick, undone = (team.contact() for _ in range(3))
    reader = Reader(team.client)
    reader.read()
    for _ in range(3):

        async def interleave() -> None:
            late, never = [await connect(make.database_url) for _ in range(2)]
            transactions = [one.connection.transaction() for one in (late, never)]
            for begun in transactions:
                await begun.start()
            await set_city(late, team, slow, str(uuid4()))
            await set_city(never, team, undone, "never")
            await set_city(make.db, team, quick, str(uuid4()))
            came = await asyncio.to_thread(reader.read)
            assert [one["objectId"] for one in came] == [quick.rpartition("/")[2]], "at once"
            assert await asyncio.to_thread(reader.read) == []
            await transactions[0].commit()
            came = await asyncio.to_thread(reader.read)
            assert [one["objectId"] for one in came] == [slow.rpartition("/")[2]]
            await transactions[1].rollback()
            assert await asyncio.to_thread(reader.read) == []
            for one in (late, never):
                await one.connection.close()

        make.run(interleave())
    assert reader.contacts == {one["id"]: one for one in team.client.walk("/v1/contacts")}


def test_versions_come_in_order_whichever_transaction_is_older(make: Make) -> None:
    """The older transaction waits for the younger one and writes the second version."""
    team = make.team()
    first, second = team.contact(), team.contact()
    reader = Reader(team.client, size=1)

    async def write() -> None:
        older, younger = [await connect(make.database_url) for _ in range(2)]
        begun = older.connection.transaction()
        await begun.start()
        await set_city(older, team, first, "has a number")
        await set_city(younger, team, second, "version 2")
        await set_city(older, team, second, "version 3")
        await begun.commit()
        for one in (older, younger):
            await one.connection.close()

    make.run(write())
    reader.read()  # asserts the order
    assert reader.versions[second.rpartition("/")[2]] == 3


def test_a_reader_ends_with_exactly_the_table(make: Make) -> None:
    """Writers create, change and delete over HTTP, some in long transactions, while two readers follow from the start."""
    team = make.team()
    shared = [team.contact() for _ in range(8)]
    ended = threading.Event()
    clients = [team.client_for() for _ in range(WRITERS)]
    failures: list[BaseException] = []

    def write(number: int) -> None:
        draw, client, own = random.Random(number), clients[number], list[str]()
        while not ended.is_set():
            kind = draw.randrange(5)
            if kind == 0 or not own:
                body = {"firstName": "Zoé", "lastName": str(draw.random()), "phoneNumbers": ["+33639980001"]}
                headers = {"idempotency-key": str(uuid4())} if draw.randrange(2) else {}
                own.append("/v1/contacts/" + client.post("/v1/contacts", body, headers=headers)["id"])
            elif kind == 1:
                client.delete(own.pop(draw.randrange(len(own))))
            else:
                client.patch(draw.choice([*shared, *own]), {"city": str(draw.random())})

    async def write_slowly() -> None:
        session = await connect(make.database_url)
        while not ended.is_set():
            transaction = session.connection.transaction()
            await transaction.start()
            for path in random.sample(shared[:4], 2):
                await set_city(session, team, path, str(uuid4()))
                await asyncio.sleep(0.05)
                break  # two locks in no order would meet those of another
            await (transaction.commit() if random.random() < 0.7 else transaction.rollback())
        await session.connection.close()

    def guarded(number: int) -> None:
        try:
            asyncio.run(write_slowly()) if number < 0 else write(number)
        except BaseException as failure:  # noqa: BLE001 - shown below
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(-1, WRITERS)]
    readers = [Reader(team.client_for(), size=7), Reader(team.client_for(), size=500)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        for reader in readers:
            reader.read()
    ended.set()
    for thread in threads:
        thread.join()
    assert not failures, failures
    table = {one["id"]: one for one in team.client.walk("/v1/contacts", size=500)}
    events = make.value("SELECT count(*) FROM events WHERE workspace_id = :id", id=team.workspace_id)
    for reader in readers:
        reader.read()
        assert len({one["id"] for one in reader.seen}) == len(reader.seen) == events
        assert reader.contacts == table
