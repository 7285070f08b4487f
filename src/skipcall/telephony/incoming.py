"""The one way in: a request of a provider is authenticated, then read, by the parser of its source."""

from collections.abc import Callable
from datetime import datetime

from skipcall.telephony import freeswitch, generic, telnyx, twilio, vonage
from skipcall.telephony.model import CallReport, IncomingRequest, MalformedReport, Provider, Source, UnsignedReport

_IsSigned = Callable[[Source, IncomingRequest, datetime], bool]
_Parse = Callable[[Source, IncomingRequest], list[CallReport]]

# Asterisk posts nothing; its calls come from files, see `asterisk`.
_PARSERS: dict[Provider, tuple[_IsSigned, _Parse]] = {
    "TWILIO": (lambda source, request, _: twilio.is_signed(source, request), twilio.parse),
    "TELNYX": (telnyx.is_signed, telnyx.parse),
    "VONAGE": (vonage.is_signed, vonage.parse),
    "FREESWITCH": (lambda source, request, _: freeswitch.is_signed(source, request), freeswitch.parse),
    "GENERIC": (generic.is_signed, generic.parse),
}


def read_reports(source: Source, request: IncomingRequest, now: datetime) -> list[CallReport]:
    """Return what a request of the source says about calls; nothing is not a fault.

    `now` decides which signatures are fresh. Raises `UnsignedReport` and, for what is signed, `MalformedReport`;
    nothing else, whatever the bytes.
    """
    parsers = _PARSERS.get(source.provider)
    if parsers is None:
        raise MalformedReport("This source takes files, not requests")
    is_signed, parse = parsers
    if not is_signed(source, request, now):
        raise UnsignedReport
    return parse(source, request)
