"""What an index of trigrams can answer about the parts of a text, as SQL (docs/decisions/0021, 0024). No I/O.

pg_trgm takes letters and digits for words, puts two blanks before each and one behind, and knows every three characters of it. What stands between the words
of a value is a letter to it (`as_one_word`, migration 0035), so a value is one word. A pattern in which no three characters are certain reads the whole index, which
takes longer than reading the contacts; so this is found out before.
"""

import re
import unicodedata
from typing import Literal, NamedTuple

# Each trigram of a pattern is one more list to intersect; so many characters are selective enough.
PATTERN_MAX = 12
TAIL_MIN = 3  # of the last part of an address, which tells more than what stands before it
# Of one letter less there are as many trigrams as characters that may stand beside it: of ASCII these (migration 0028).
_ANY = r"'[\u0001-@\[-\u007f]'"
_OTHERS = r"'[^\u0001-\u007f]'"
_CERTAIN = re.compile(r" a|aa |aaa")  # a: a letter or digit, blank: none
_JOINED = frozenset(" .-/@_'&,:")  # what `as_one_word` makes letters of


class Pattern(NamedTuple):
    """Where a value stands in a text: the SQL expressions of the text, of the value and of what stands at its edges.

    With letters at its edges, of a word that goes on there, one character more makes a certain trigram (migration 0031). Of a long value the
    `end` is looked for that tells more.
    """

    text: str
    value: str
    before: str = "chr(31)"
    after: str = "chr(31)"
    end: Literal["left", "right"] = "left"
    has_letters: bool = False


def contains(pattern: Pattern, value: str, *, knows_letters: bool) -> str | None:
    """Return a condition that follows from the value's standing somewhere, or None. `knows_letters`: also those outside ASCII."""
    end = pattern.end
    cut = _cut(value, end)
    if _CERTAIN.search(_shape(cut, knows_letters=knows_letters)):
        return _like(pattern.text, f"{end}({pattern.value}, {len(cut)})")
    if _is_plain(value) and len(value) > 1:
        return _or_others(f"{pattern.text} ~ (as_one_word({pattern.value}) || {_ANY})")
    return _of_others(pattern, value)


def starts_with(pattern: Pattern, value: str, *, knows_letters: bool) -> str | None:
    """Return a condition that follows from the value's standing behind `before`, or None."""
    if pattern.end == "right" and len(value) > PATTERN_MAX:
        return contains(pattern, value, knows_letters=knows_letters)
    shape = _shape(_cut(value, "left"), knows_letters=knows_letters)
    if _CERTAIN.search(" " + shape) or (pattern.has_letters and shape[0] != "?"):
        return _like(pattern.text, f"left({pattern.value}, {PATTERN_MAX})", before=pattern.before)
    return _of_others(pattern, value)


def ends_with(pattern: Pattern, value: str, *, knows_letters: bool) -> str | None:
    """Return a condition that follows from the value's standing in front of `after`, or None."""
    cut = _cut(value, "right")
    shape = _shape(cut, knows_letters=knows_letters)
    if _CERTAIN.search(shape + " ") or (pattern.has_letters and shape[-1] != "?"):
        return _like(pattern.text, f"right({pattern.value}, {len(cut)})", after=pattern.after)
    if _is_plain(value):
        return _or_others(f"{pattern.text} ~ ({_ANY} || as_one_word({pattern.value} || {pattern.after}))")
    return _of_others(pattern, value)


def _cut(value: str, end: Literal["left", "right"]) -> str:
    if end == "left":
        return value[:PATTERN_MAX]
    cut = value[-PATTERN_MAX:]
    _, slash, tail = cut.rpartition("/")
    return slash + tail if len(tail) >= TAIL_MIN else cut


def _shape(value: str, *, knows_letters: bool) -> str:
    """Return `a` for each character that is surely a letter or digit to pg_trgm, a blank for what is surely none."""
    return "".join(
        ("a" if one.isalnum() or one in _JOINED else " ")
        if one.isascii()
        else "a"
        if knows_letters and one.isalnum()
        else "?"
        for one in _without_accents(value)
    )


def _is_plain(value: str) -> bool:
    """Whether a value, folded, is nothing but letters of ASCII and digits, and what becomes one."""
    letters = _without_accents(value)
    return letters.isascii() and all(one.isalnum() or one in _JOINED for one in letters)


def _without_accents(value: str) -> str:
    letters = "".join(one for one in unicodedata.normalize("NFD", value) if not unicodedata.combining(one))
    return unicodedata.normalize("NFC", letters)


def _or_others(condition: str) -> str:
    return f"({condition} OR c.search_text ~ {_OTHERS})"


def _of_others(pattern: Pattern, value: str) -> str | None:
    """Return the condition that a text has characters outside ASCII if the value, once folded, still has any."""
    return None if value.isascii() else f"({pattern.value} !~ {_OTHERS} OR c.search_text ~ {_OTHERS})"


def _like(text: str, value: str, *, before: str = "''", after: str = "''") -> str:
    for character in ("\\", "%"):
        value = f"replace({value}, '{character}', '\\{character}')"
    return f"{text} LIKE '%' || as_one_word({before} || {value} || {after}) || '%'"
