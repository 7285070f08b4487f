"""What is a value of which type: the rule of files, in Python, and the rule of statements, in SQL, are one."""

from urllib.parse import urlsplit

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.provisional import urls

from skipcall.contacts.model import url_fault
from skipcall.custom_fields.model import CustomFieldOption, Definition, Type, choices_of, read_value, value_fault
from tests.make import Make

OPTIONS = [
    CustomFieldOption("food", "Food & drinks"),
    CustomFieldOption("retail", "Retail"),
    CustomFieldOption("steel", "retail"),
    CustomFieldOption("gone", "Gone", is_archived=True),
]
TYPES: list[Type] = ["text", "number", "date", "select", "url", "boolean"]
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXT = st.text(CHARACTERS, max_size=30)
DIGITS = st.text("0123456789-+.,e٣ ", max_size=27)
DATES = st.dates().map(str) | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", fullmatch=True)
HOSTS = st.text(CHARACTERS, min_size=1, max_size=12)
URLS = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["http", "https", "HTTPS", "ftp", "httpſ", "http:", " https"]),
    HOSTS,
    st.just("") | st.integers(0, 70_000).map(lambda port: f":{port}"),
    st.just("") | st.builds("{}{}".format, st.sampled_from("/?#"), TEXT),
)
CHOICES = st.sampled_from([part for one in OPTIONS for part in (one.key, one.label)])
VALUES = TEXT | DIGITS | DATES | urls() | URLS | CHOICES | st.sampled_from(["true", "false", "True", "1", "0"])


def definition(type_: Type) -> Definition:
    choices = choices_of(OPTIONS)
    return Definition(slug="x", name="X", type=type_, choices=choices, is_required=False, is_unique=False)


def in_sql(make: Make, type_: Type, text: str) -> str | None:
    found: str | None = make.value(
        "SELECT read_custom_value(:type, :options::jsonb, :text)",
        type=type_,
        options=msgspec.json.encode(OPTIONS).decode(),
        text=text,
    )
    return found


@settings(max_examples=400)
@given(VALUES)
@example("https://ϴ.example")
@example("https://①②⑦.example")
@example("https://a.example:00080/x")
@example("https://a.example:0")
@example("https://[::1]/")
@example("https://a.example/\u2003")
@example("2024-02-29")
@example("2023-02-29")
@example("1900-02-29")
@example("0000-01-01")
@example("9999-12-31")
@example("1\n")
@example("2024-02-29\n")
def test_both_forms_agree(make: Make, text: str) -> None:
    for type_ in TYPES:
        found = read_value(definition(type_), text)
        assert in_sql(make, type_, text) == found, type_
        assert (value_fault(definition(type_), text) is None) == (found is not None)
        if type_ == "url" and found is not None:
            assert url_fault(text) is None
            assert urlsplit(text).hostname


@pytest.mark.parametrize(
    ("type_", "good", "bad"),
    [
        (
            "number",
            ["0", "-0", "12.50", "007", "1" * 15, "-1.123456789"],
            ["1.", ".5", "+1", "1e3", "1,5", " 1", "٣", "1" * 16, "1.1234567890", "NaN", "0x1", "--1", "1 000"],
        ),
        (
            "date",
            ["2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31"],
            [
                "2023-02-29",
                "1900-02-29",
                "2026-13-01",
                "2026-04-31",
                "2026-1-1",
                "20260101",
                "2026-W01-1",
                "01/02/2026",
            ],
        ),
        ("boolean", ["true", "false"], ["True", "yes", "1", "oui", "true "]),
        (
            "url",
            ["https://a.example", "HTTP://é.example:8080/a?b#c", "https://192.0.2.1/", "http://a?b"],
            ["a.example", "ftp://a.example", "https://", "https://u@a.example", "https://a b", "javascript:alert(1)"],
        ),
        ("select", ["food", "Retail", "Food & drinks"], ["Food", "gone", "Gone", "FOOD", "food "]),
    ],
)
def test_examples(make: Make, type_: Type, good: list[str], bad: list[str]) -> None:
    for text in good:
        assert read_value(definition(type_), text) is not None, text
        assert read_value(definition(type_), text) == in_sql(make, type_, text)
    for text in bad:
        assert read_value(definition(type_), text) is None, text
        assert in_sql(make, type_, text) is None, text


def test_a_key_comes_before_a_label() -> None:
    assert read_value(definition("select"), "retail") == "retail", "not steel, whose label it is"
    assert read_value(definition("select"), "Retail") == "retail"
