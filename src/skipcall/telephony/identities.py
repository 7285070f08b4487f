"""How a provider names a user: an extension, a SIP account, a client, a number."""

import re

_SCHEME = re.compile(r"(?:sips?|tel|client):", re.IGNORECASE)


def identity_of(party: str | None) -> str | None:
    """Return the name in a party of a call: `alice` of `client:alice` and of `sip:alice@pbx.example.com`, `201` of `201`."""
    if party is None:
        return None
    return _SCHEME.sub("", party.strip(), count=1).partition("@")[0].partition(";")[0] or None
