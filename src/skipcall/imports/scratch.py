"""What a dry run would have written so far: rows further down meet the contacts that rows above made."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from skipcall.contacts.ledger import Given, Ledger, Record, compared, field_key, keys_of

_KEYS_AT_ONCE = 500
_TABLES = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE records (id BLOB PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE holders (key TEXT, id BLOB, PRIMARY KEY (key, id)) WITHOUT ROWID;
"""


class _Kept(msgspec.Struct):
    version: int
    is_new: bool
    folded: str  # the e-mail address as it is compared
    values: dict[str, Any]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Kept).decode


class Scratch:
    """Contacts as a dry run leaves them, in a file that is gone with the process: a million do not fit into memory."""

    def __init__(self) -> None:
        # An empty name is a temporary file. Batches come one after the other, on whichever thread.
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Let the file go."""
        self._db.close()

    def overlay(
        self, records: Iterable[Record], folded: dict[str, str], given: Sequence[Given], unique_slugs: Iterable[str]
    ) -> list[Record]:
        """Return the contacts that a batch may lead to, of those that are stored and those that rows above have made.

        `folded` takes in how their e-mail addresses are compared.
        """
        stored = {record.id: record for record in records}
        keys = {f"{key} {compared(key, value, folded)}" for one in given for key, value in keys_of(one.id, one.values)}
        keys |= {
            f"{field_key(slug)} {value}"
            for slug in unique_slugs
            for one in given
            if (value := one.custom_values.get(slug))
        }
        ids = {one.bytes for one in stored}
        ids |= {id for (id,) in self._select("SELECT DISTINCT id FROM holders WHERE key IN ({})", list(keys))}
        for id, content in self._select("SELECT id, content FROM records WHERE id IN ({})", list(ids)):
            kept = _decode(content)
            known = stored.get(UUID(bytes=id))
            aliases = known.aliases if known else ()  # nothing was merged into what rows made
            stored[UUID(bytes=id)] = Record(UUID(bytes=id), kept.version, kept.values, kept.is_new, aliases)
            if kept.values["email"]:
                folded[kept.values["email"]] = kept.folded
        return list(stored.values())

    def keep(self, ledger: Ledger, folded: Mapping[str, str]) -> None:
        """Keep what a batch would have written."""
        written = ledger.written.values()
        self._db.execute("BEGIN")
        self._db.executemany(
            "INSERT OR REPLACE INTO records VALUES (?, ?)",
            [(one.id.bytes, _encode(_kept(one, folded))) for one in written],
        )
        self._db.executemany(
            "INSERT OR IGNORE INTO holders VALUES (?, ?)",
            [(f"{key} {value}", one.id.bytes) for one in written for key, value in ledger.keys_held(one)],
        )
        self._db.execute("COMMIT")

    def _select(self, sql: str, values: list[Any]) -> Iterable[tuple[Any, ...]]:
        for first in range(0, len(values), _KEYS_AT_ONCE):
            some = values[first : first + _KEYS_AT_ONCE]
            yield from self._db.execute(sql.format(", ".join("?" * len(some))), some)


def _kept(record: Record, folded: Mapping[str, str]) -> _Kept:
    email = record.values["email"] or ""
    return _Kept(record.version, record.is_new, folded.get(email, email), record.values)
