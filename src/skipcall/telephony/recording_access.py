"""Where the recordings of a source are, and with what its provider gives them out."""

import base64
import re

from skipcall.recordings.fetching import Access, NoAccess
from skipcall.telephony.sources import StoredSource

# The provider's own hosts, and the storage to which they redirect with signed addresses, or from which they name them.
_HOSTS: dict[str, tuple[str, ...]] = {
    "TWILIO": ("api.twilio.com", "*.twilio.com", "*.amazonaws.com"),
    "TELNYX": ("*.telnyx.com", "*.amazonaws.com"),
}
_ACCOUNT_OF_URL = re.compile(r"/Accounts/(AC[0-9a-f]{32})/", re.ASCII)


def access_to_recordings(source: StoredSource, url: str) -> Access:
    """Return which hosts may be asked for a recording at `url`, and with which credentials.

    Twilio: HTTP Basic with AccountSid and each auth token (the account is that of the options, else that of the address).
    Telnyx: addresses that are signed. Others: the hosts that the operator names (`recordingHosts`), without credentials.
    Raises `NoAccess` for a source whose recordings cannot be fetched.
    """
    hosts = (*_HOSTS.get(source.provider, ()), *source.options.recording_hosts)
    if source.is_disabled:
        raise NoAccess("the source is disabled")
    if source.provider == "TWILIO":
        named = _ACCOUNT_OF_URL.search(url)
        account = source.options.account_id or (named[1] if named else None)
        if account is None or not source.source.secrets:
            raise NoAccess("the source has no AccountSid or no auth token to fetch recordings with")
        return Access(hosts, [_basic(account, token) for token in source.source.secrets])
    if source.provider == "VONAGE" and not source.options.recording_hosts:
        raise NoAccess("Vonage gives recordings only to the application's private key, which is not supported")
    if not hosts:
        raise NoAccess("the source names no hosts that its recordings may come from (recordingHosts)")
    return Access(hosts)


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}
