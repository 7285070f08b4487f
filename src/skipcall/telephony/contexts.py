"""Where a call enters or leaves an exchange: contexts, SIP profiles and trunks, by the patterns of the source."""

import fnmatch
from functools import lru_cache

KNOWN_CONTEXTS_MAX = 1_024


@lru_cache(maxsize=KNOWN_CONTEXTS_MAX)
def is_outside(context: str, patterns: tuple[str, ...]) -> bool:
    """Return whether the context is one of the outside lines; patterns are those of a shell (`from-trunk*`)."""
    return any(fnmatch.fnmatchcase(context, pattern) for pattern in patterns)
