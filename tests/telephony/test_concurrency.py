"""The same calls reported by several connections at once, in any order and repeatedly: one true call each."""

import random
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from tests.telephony.requests import PROSPECT, REP, iso
from tests.telephony.senders import Senders
from tests.telephony.test_ingest_reports import freeswitch_cdr
from tests.telephony.test_ingest_twilio_reports import check_story, new_story

THREADS = 8
STORIES = 6


def test_callbacks_of_calls_to_one_contact(senders: Senders) -> None:
    contact = senders.team.contact(phone_numbers=[PROSPECT])
    senders.twilio("status", {"CallSid": "CA0", "CallStatus": "busy"})  # the source exists before the threads do
    stories = [new_story() for _ in range(STORIES)]
    work = [callback for _, callbacks in stories for callback in callbacks * 3]
    random.shuffle(work)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda one: senders.twilio(*one), work))
    for sid, _ in stories:
        check_story(senders, sid)
    calls = senders.calls()
    assert len(calls) == STORIES + 1
    for call in calls:
        events = senders.events(call["id"])
        assert events.count("call.completed") == 1
        assert len(events) == call["version"]
    senders.check_counts()
    assert senders.team.client.get(contact)["callCount"] == STORIES


def test_two_legs_that_end_together(senders: Senders) -> None:
    senders.source("FREESWITCH", "exchange:pass:word")
    pairs = [f"{uuid4()}" for _ in range(20)]
    work = []
    for uuid in pairs:
        work += [
            freeswitch_cdr(uuid),
            freeswitch_cdr(
                f"b-{uuid}",
                profile={"caller_id_number": REP},
                direction="outbound",
                call_uuid=uuid,
                sip_gateway_name="trunk",
            ),
        ]
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(senders.freeswitch, work))
    calls = senders.calls()
    assert sorted(one["provider_call_id"] for one in calls) == sorted(f"b-{uuid}" for uuid in pairs)
    assert {one["user_provider_id"] for one in calls} == set(pairs)
    senders.check_counts()


def test_reports_beside_changes_by_people(senders: Senders) -> None:
    """Reports move one call along while its contact is changed to and fro."""
    contacts = [senders.team.contact(phone_numbers=[PROSPECT]) for _ in range(2)]
    senders.generic({"callId": "A", "status": "queued", "from": REP, "to": PROSPECT, "eventAt": iso(0)})
    path = f"/v1/calls/{senders.call()['id']}"

    def report(number: int) -> None:
        senders.generic({"callId": "A", "sipCode": 100 + number, "sequence": number, "status": "ringing"})

    def attach(number: int) -> None:
        senders.team.client.patch(path, {"contactId": contacts[number % 2].rpartition("/")[2]})

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda number: (attach if number % 3 == 0 else report)(number), range(60)))
    call = senders.call()
    assert (call["status"], call["sip_code"]) == ("ringing", 159)
    assert len(senders.events(call["id"])) == call["version"]
    senders.check_counts()


def test_batches_at_once(senders: Senders) -> None:
    """Arrays of reports that overlap, each in another order."""
    senders.team.contact(phone_numbers=[PROSPECT])
    senders.source("GENERIC", "a secret that we made")
    reports = [
        {"callId": f"A-{number}", "status": "completed", "direction": "outbound", "from": REP, "to": PROSPECT}
        | {
            "startedAt": iso(number * 86_400),
            "endedAt": iso(number * 86_400 + 30),
            "answeredAt": iso(number * 86_400 + 9),
        }
        for number in range(60)
    ]
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda _: senders.generic(random.sample(reports, 40)), range(24)))
    senders.generic(reports)
    calls = senders.calls()
    assert len(calls) == 60
    assert {(one["report_count"], one["version"], one["result"]) for one in calls} == {(1, 1, "CONNECTED")}
    senders.check_counts()
