"""Which patterns an index of trigrams is asked for: one in which no trigram is certain would read all of it."""

import pytest

from skipcall.contacts.trigrams import Pattern, contains, ends_with, starts_with

NAME = Pattern("name", "value")
MARKED = NAME._replace(has_letters=True)
ADDRESS = NAME._replace(end="right")
ANSWERS = {None: "nothing", "LIKE": "a pattern", "!~": "other characters", "~": "two letters"}


def answer(condition: str | None) -> str:
    return next(
        told
        for sign, told in ANSWERS.items()
        if (sign is None) == (condition is None) and (sign or "") in (condition or "")
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("xyl", "a pattern"),
        ("Ÿla", "a pattern"),
        ("d'or", "a pattern"),
        ("%b", "a pattern"),
        ("-b", "two letters"),
        ("xy", "two letters"),
        ("é1", "two letters"),
        ("x", "nothing"),
        ("l'", "two letters"),
        ("a_", "two letters"),
        (". 1", "a pattern"),
        ("l(", "nothing"),
        ("%", "nothing"),
        ("%" * 12 + "abc", "nothing"),
        ("ß", "other characters"),
        ("øx", "other characters"),
        ("иван", "other characters"),
        ("각", "other characters"),
    ],
)
def test_contains(value: str, expected: str) -> None:
    assert answer(contains(NAME, value, knows_letters=False)) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [("иван", "a pattern"), ("王", "other characters"), ("각각", "other characters")]
)
def test_contains_where_the_database_knows_letters(value: str, expected: str) -> None:
    assert answer(contains(NAME, value, knows_letters=True)) == expected


def test_of_an_address_the_end_counts() -> None:
    assert answer(contains(ADDRESS, "abc" + "%" * 12, knows_letters=False)) == "nothing"
    assert answer(contains(ADDRESS, "%" * 12 + "abc", knows_letters=False)) == "a pattern"


@pytest.mark.parametrize(
    ("value", "begins", "ends"),
    [
        ("x", "a pattern", "two letters"),
        ("xy", "a pattern", "a pattern"),
        ("l'", "a pattern", "a pattern"),
        ("-", "a pattern", "two letters"),
        ("l(", "a pattern", "nothing"),
        ("(l", "a pattern", "a pattern"),
        ("(", "nothing", "nothing"),
        ("ßan", "other characters", "a pattern"),
        ("ж", "other characters", "other characters"),
    ],
)
def test_edges(value: str, begins: str, ends: str) -> None:
    assert answer(starts_with(NAME, value, knows_letters=False)) == begins
    assert answer(ends_with(NAME, value, knows_letters=False)) == ends


@pytest.mark.parametrize(
    ("value", "begins", "ends"),
    [
        ("x", "a pattern", "a pattern"),
        ("l'", "a pattern", "a pattern"),
        ("-", "a pattern", "a pattern"),
        ("ßanx", "a pattern", "a pattern"),
        ("ßa", "other characters", "a pattern"),
        ("ж", "other characters", "other characters"),
    ],
)
def test_edges_with_letters(value: str, begins: str, ends: str) -> None:
    assert answer(starts_with(MARKED, value, knows_letters=False)) == begins
    assert answer(ends_with(MARKED, value, knows_letters=False)) == ends
