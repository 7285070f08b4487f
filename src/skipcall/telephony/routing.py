"""Which calls a report is about, and what of it is kept for calls yet to come: rules, without I/O.

A call is that of one leg, the contact's. What a report says of that leg goes there. Three kinds concern other calls: what
happens in a conference concerns every call in it; a recording may be of a conference, of the legs together, or of the
user's leg; the user's leg tells whose call it is.
"""

from skipcall.calls.reports import Key
from skipcall.telephony.merge import CallState
from skipcall.telephony.model import CallReport, ConferenceEvent

# Providers that may name calls by what their legs have in common, or by the leg of the user.
GROUPING = frozenset({"TWILIO", "TELNYX", "VONAGE"})
# Providers that say everything about a call at once, so that there is nothing to merge.
TELLING_AT_ONCE = frozenset({"ASTERISK"})


def begins_call(report: CallReport) -> bool:
    """Return whether the report, of a leg that is not known, is about a call of its own.

    FreeSWITCH may be set to report the leg of the user alone (`log-b-leg`, off by default): it then stands for the call.
    A leg that a caller is connected to, of which no number is told (Twilio's <Dial>), is a user's.
    """
    if report.provider_call_id is None or report.status is None:
        return False
    if report.is_of_users_leg:
        to = report.to_number
        return (
            report.provider == "FREESWITCH"
            and report.direction == "outbound"
            and to is not None
            and to.e164 is not None
        )
    is_child = report.provider_group_id not in (None, report.provider_call_id)
    return not (is_child and report.direction == "inbound" and report.from_number is None and report.to_number is None)


def tells_user(report: CallReport) -> bool:
    """Return whether the report says which user took part: of several who were rung, one whose leg was answered."""
    return report.is_of_users_leg and report.status in ("in-progress", "completed")


def user_party(report: CallReport) -> str | None:
    """Return how the user's own leg names the user: who it is from if the user called, else whom it is to."""
    party = report.from_number if report.direction == "outbound" else report.to_number
    # A leg that the server placed to the user of an outbound call has the user at its end.
    if party is None or (party.e164 is not None and report.to_number is not None and report.to_number.e164 is None):
        party = report.to_number
    return None if party is None else party.raw


def other_keys(report: CallReport) -> list[Key]:
    """Return the keys of further calls that the report concerns."""
    event, recording = report.conference_event, report.recording
    if report.conference_id and ((event and event.kind != "start") or (recording and recording.conference_id)):
        return [("CONFERENCE", report.conference_id)]
    leg, group = report.provider_call_id, report.provider_group_id
    shared = leg or group
    keys: list[Key] = [("GROUP", shared)] if shared and (recording is not None or tells_user(report)) else []
    if tells_user(report) and group:
        keys.append(("LEG", group))
    return keys


def kept_under(report: CallReport) -> list[Key]:
    """Return the keys under which the report is kept, as a call that it concerns may not be known yet."""
    if begins_call(report):
        return []
    leg, group = report.provider_call_id, report.provider_group_id
    keys: list[Key] = [key for key in other_keys(report) if key[0] == "CONFERENCE"]
    if leg is None:
        return keys or ([("GROUP", group)] if report.recording is not None and group else [])
    if report.status is None or tells_user(report):
        keys.append(("LEG", leg))
    if tells_user(report) and group:
        keys.append(("GROUP", group))
    return keys


def awaited_keys(leg: str, group: str | None, conference: str | None) -> list[Key]:
    """Return the keys under which reports may be kept that a call has waited for."""
    keys: list[Key] = [("LEG", leg), ("GROUP", leg)]
    if group:
        keys += [("LEG", group), ("GROUP", group)]
    if conference:
        keys.append(("CONFERENCE", conference))
    return keys


def concerns(report: CallReport, state: CallState) -> bool:
    """Return whether a report that shares a key with a call has something to say about it."""
    leg, group = state.provider_call_id, state.provider_group_id
    if report.is_of_users_leg:
        return report.provider_group_id == leg or (group is not None and report.provider_call_id == group.value)
    own = state.presence.get(leg or "")
    if report.conference_event is None or report.provider_call_id == leg or state.final is None or own is None:
        return True
    # What happens in a conference that the call has left says nothing about it: one conference may serve for a day.
    return own.left_at is None or report.conference_event.at <= own.left_at


def present_since(reports: list[CallReport], state: CallState) -> list[CallReport]:
    """Return the reports without those of legs that had left the conference before the call began."""
    known = (state.first_event_at, state.started_at, state.ringing_at, state.answered_at)
    began_at = min((moment for moment in known if moment is not None), default=None)
    if began_at is None:
        return reports
    seen_last: dict[str, ConferenceEvent] = {}
    for report in reports:
        event = report.conference_event
        if event is not None and report.provider_call_id is not None:
            last = seen_last.get(report.provider_call_id)
            if last is None or (last.at, last.kind) <= (event.at, event.kind):
                seen_last[report.provider_call_id] = event
    gone = {leg for leg, event in seen_last.items() if event.kind == "leave" and event.at < began_at}
    return [one for one in reports if one.conference_event is None or one.provider_call_id not in gone]
