"""FreeSWITCH's mod_json_cdr: every way in which it wraps a document, and what the document says."""

import base64
import json
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from skipcall.telephony import freeswitch
from skipcall.telephony.conclusion import conclude
from skipcall.telephony.merge import merge
from skipcall.telephony.model import CallReport, IncomingRequest, MalformedReport, Number
from tests.telephony.requests import FREESWITCH, PROSPECT, REP, at, freeswitch_request

A_LEG, B_LEG = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"


def micros(seconds: float) -> str:
    return str(int(at(seconds).timestamp() * 1_000_000))


VARIABLES = {
    "uuid": B_LEG,
    "call_uuid": A_LEG,
    "direction": "outbound",
    "sip_gateway_name": "trunk",
    "effective_caller_id_number": REP,
    "originate_disposition": "SUCCESS",
    "endpoint_disposition": "ANSWER",
    "hangup_cause": "NORMAL_CLEARING",
    "hangup_cause_q850": "16",
    "sip_hangup_disposition": "recv_bye",
    "sip_term_status": "200",
    "start_epoch": str(int(at(0).timestamp())),
    "start_uepoch": micros(0),
    "start_stamp": "2026-03-03 11:00:00",
    "progress_epoch": "1",  # never read beside progress_uepoch
    "progress_uepoch": micros(2),
    "answer_uepoch": micros(10),
    "bridge_uepoch": micros(10),
    "end_uepoch": micros(60.5),
    "duration": "60",
    "billsec": "50",
    "progresssec": "2",
    "answersec": "10",
    "digits_dialed": "none",
}
PROFILE = {"caller_id_number": REP, "destination_number": "0639981234", "context": "default"}


def encoded(variables: dict[str, str]) -> dict[str, str]:
    return {name: quote(value, safe="") for name, value in variables.items()}


def document(variables: dict[str, str], callflow: str | None = None) -> str:
    flow = callflow or '"callflow":' + json.dumps({"caller_profile": PROFILE})
    return f'{{"core-uuid":"c","channel_data":{{"state":"CS_REPORTING"}},"variables":{json.dumps(variables)},{flow}}}'


def read(body: bytes | str) -> CallReport:
    (one,) = freeswitch.parse(FREESWITCH, IncomingRequest("/f", {}, body.encode() if isinstance(body, str) else body))
    return one


def leg(**changes: Any) -> CallReport:
    return read(document({name: value for name, value in (VARIABLES | changes).items() if value is not None}))


def test_basic_credentials() -> None:
    assert freeswitch.is_signed(FREESWITCH, freeswitch_request(b"{}"))
    for credentials in ("", "exchange", "exchange:pass", "exchange:pass:word ", "é:é"):
        assert not freeswitch.is_signed(FREESWITCH, freeswitch_request(b"{}", credentials))
    for header in ("", "Basic", "Basic !", "Basic é", "Bearer " + base64.b64encode(b"exchange:pass:word").decode()):
        assert not freeswitch.is_signed(FREESWITCH, IncomingRequest("/f", {"authorization": header}, b"{}"))
    for secrets in ((), ("",)):
        source = msgspec.structs.replace(FREESWITCH, secrets=secrets)
        assert not freeswitch.is_signed(source, freeswitch_request(b"{}", ""))


TEXTS = (document(VARIABLES), document(encoded(VARIABLES)))


@pytest.mark.parametrize("text", TEXTS, ids=["plain values", "encoded values"])
@pytest.mark.parametrize(
    "wrap",
    [
        str.encode,
        lambda text: b"cdr=" + quote(text, safe="").encode(),
        lambda text: b"cdr=" + quote(text, safe="/?,().-_*!'~$").lower().replace("cs_reporting", "x").encode(),
        lambda text: b"cdr=" + base64.b64encode(text.encode()),
        lambda text: b"cdr=" + base64.encodebytes(text.encode()),
        lambda text: b"cdr=" + text.encode(),
    ],
    ids=["json", "form", "form in lower case", "base64", "base64 in lines", "form not encoded"],
)
def test_every_way_of_wrapping(text: str, wrap: Any) -> None:
    if wrap(text).islower() and text == TEXTS[0]:
        text = text.lower()
    one = read(wrap(text))

    assert one.provider_call_id == B_LEG
    assert one.provider_group_id == A_LEG
    assert (one.started_at, one.ringing_at, one.answered_at, one.ended_at) == (at(0), at(2), at(10), at(60.5))
    assert one.to_number == Number("0639981234", PROSPECT)
    assert one.from_number == Number(REP, REP)


def test_what_a_leg_says() -> None:
    one = leg()

    assert (one.status, one.direction, one.talk_seconds, one.sip_code) == ("completed", "outbound", 50, 200)
    assert (one.hangup_cause, one.hangup_source) == ("NORMAL_CLEARING", "callee")
    assert (one.user_leg_id, one.prospect_leg_id) == (A_LEG, B_LEG)
    assert conclude(merge(None, one)).result == "CONNECTED"


@pytest.mark.parametrize("key_twice", [True, False])
def test_of_several_steps_the_first_one_counts(key_twice: bool) -> None:
    newer = json.dumps({"caller_profile": PROFILE | {"destination_number": "0199005678"}, "times": {"x": "1"}})
    first = json.dumps({"caller_profile": PROFILE})
    third = json.dumps("odd")
    flow = f'"callflow":{newer},"callflow":{first}' if key_twice else f'"callflow":[{newer},{first},{third}]'

    assert read(document(VARIABLES, flow)).to_number == Number("0639981234", PROSPECT)


def test_times_fall_back_to_seconds_and_to_the_profile() -> None:
    assert leg(start_uepoch=None).started_at == at(0)
    times = {"created_time": micros(3), "answered_time": "0"}
    flow = '"callflow":' + json.dumps({"caller_profile": PROFILE, "times": times})
    variables = {name: value for name, value in VARIABLES.items() if not name.endswith("epoch")}
    one = read(document(variables | {"hangup_cause": "NO_ANSWER"}, flow))
    assert (one.started_at, one.answered_at, one.status) == (at(3), None, "no-answer")


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        *(("NO_ANSWER", "no-answer"), ("NO_USER_RESPONSE", "no-answer"), ("ALLOTTED_TIMEOUT", "no-answer")),
        *(("USER_BUSY", "busy"), ("ORIGINATOR_CANCEL", "canceled"), ("CALL_REJECTED", "failed")),
        *(("UNALLOCATED_NUMBER", "failed"), ("NORMAL_TEMPORARY_FAILURE", "failed"), ("NEW_CAUSE", "failed")),
        ("NORMAL_CLEARING", "no-answer"),
    ],
)
def test_how_an_unanswered_leg_ended(cause: str, status: str) -> None:
    one = leg(hangup_cause=cause, answer_uepoch="0", billsec="0")

    assert (one.status, one.answered_at, one.hangup_cause, one.cancel_reason) == (status, None, cause, None)
    assert leg(hangup_cause=cause).status == "completed"


def test_a_leg_that_lost_the_race() -> None:
    for one in (
        leg(hangup_cause="LOSE_RACE", answer_uepoch="0"),
        leg(originate_causes=f"ARRAY::{A_LEG};NONE|:{B_LEG};LOSE_RACE", answer_uepoch="0"),
    ):
        assert (one.status, one.cancel_reason) == ("canceled", "PARALLEL_RACE_LOST")
        assert conclude(merge(None, one)).result == "CANCELED"


@pytest.mark.parametrize(
    ("changes", "direction", "is_user"),
    [
        ({"direction": "inbound", "uuid": A_LEG, "sip_gateway_name": None}, "outbound", True),
        ({"direction": "inbound", "sofia_profile_name": "external", "sip_gateway_name": None}, "inbound", False),
        ({"direction": "outbound", "dialed_user": "201", "sip_gateway_name": None}, "inbound", True),
        ({"direction": "outbound", "sip_gateway_name": None}, "outbound", False),
    ],
)
def test_which_way_a_call_goes(changes: dict[str, Any], direction: str, is_user: bool) -> None:
    one = leg(**changes)

    assert one.direction == direction
    assert (one.user_leg_id == one.provider_call_id, one.prospect_leg_id is None) == (is_user, is_user)


@pytest.mark.parametrize(
    ("what", "direction", "source"),
    [
        *(("recv_bye", "outbound", "callee"), ("recv_bye", "inbound", "caller"), ("send_bye", "outbound", "caller")),
        *(
            ("send_bye", "inbound", "callee"),
            ("recv_cancel", "inbound", "caller"),
            ("send_cancel", "outbound", "system"),
        ),
        *(("recv_refuse", "outbound", "callee"), ("", "outbound", None)),
    ],
)
def test_who_hung_up(what: str, direction: str, source: str | None) -> None:
    assert leg(sip_hangup_disposition=what, direction=direction).hangup_source == source


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"cdr=", b"cdr=%7B%ff%7D", b"cdr=!!!", b"[]", b"{}", b'{"variables":[]}', b'{"variables":{}}', b"\xff"),
        b'{"a":' * 100_000,
        b'{"variables":{"uuid":"a","start_uepoch":"soon"}}',
        b'{"variables":{"uuid":"a","start_uepoch":"5"}}',
        b'{"variables":{"uuid":"a","billsec":"-1"}}',
        b'{"variables":{"uuid":"a\\u0000"}}',
        b'{"variables":{"uuid":"a\\ud800"}}',
        b'{"variables":{"uuid":"%00"}}',
        b'{"variables":' + b"9" * 5_000 + b"}",
    ],
)
def test_malformed_documents(body: bytes) -> None:
    with pytest.raises(MalformedReport):
        read(body)
