"""What providers say of an erased call is dropped; a new call with the number is simply one with a number."""

from typing import Any
from uuid import UUID

from skipcall.erasures.actions import Eraser
from skipcall.postgres.db import Database
from skipcall.settings import load
from skipcall.storage.choice import open_storage
from tests.make import Make, Team
from tests.telephony.requests import REP, iso
from tests.telephony.senders import Senders

NUMBER = "+33639981234"


def report(call: str, status: str, **more: Any) -> dict[str, Any]:
    return {
        "callId": call,
        "direction": "inbound",
        "status": status,
        "from": NUMBER,
        "to": REP,
        "startedAt": iso(0),
    } | more


def test_a_report_that_comes_again_brings_nothing_back(senders: Senders) -> None:
    team, client = senders.team, senders.team.client
    path = team.contact(phone_numbers=[NUMBER])
    senders.generic(report("A-1", "ringing"))
    senders.generic(report("A-2", "completed", answeredAt=iso(7), endedAt=iso(37)))
    assert [one["contact"]["id"] for one in client.walk("/v1/calls")] == [path.rpartition("/")[2]] * 2
    assert client.post(f"{path}/erase", None, status=200)["receipt"]["calls"] == 2
    before = client.walk("/v1/calls", include="details")
    senders.generic(report("A-1", "completed", answeredAt=iso(7), endedAt=iso(37)))
    senders.generic(report("A-2", "completed", answeredAt=iso(7), endedAt=iso(37)))
    assert client.walk("/v1/calls", include="details") == before
    senders.generic(report("A-3", "completed", answeredAt=iso(7), endedAt=iso(37)))
    [new] = [one for one in client.walk("/v1/calls") if one["phoneNumber"] is not None]
    assert (new["phoneNumber"]["value"], new["contact"]["id"]) == (NUMBER, None)


def test_a_call_that_was_being_written_meanwhile_is_erased_by_the_worker(team: Team, make: Make) -> None:
    """Its writer had found the contact, and committed after the erasure."""
    path = team.contact(phone_numbers=[NUMBER])
    erasure = team.client.post(f"{path}/erase", None, status=200)
    call = team.call(phone_number=NUMBER, notes="Zoé")
    make.rows(
        "UPDATE calls SET contact_id = :contact WHERE id = :id",
        id=UUID(call.rpartition("/")[2]),
        contact=UUID(path.rpartition("/")[2]),
    )

    async def work() -> None:
        database = Database(make.database_url, 2)
        await database.open()
        eraser = Eraser(database, open_storage(load({})))
        await eraser.reopen([team.workspace_id])
        while not await eraser.step():
            pass
        await database.close()

    make.run(work())
    shown = team.client.get(call)
    assert (shown["phoneNumber"], shown["notes"]) == (None, None)
    after = team.client.get(f"/v1/erasures/{erasure['id']}")
    assert after["status"] == "COMPLETED"
    assert (erasure["receipt"]["calls"], after["receipt"]["calls"]) == (0, 1)
