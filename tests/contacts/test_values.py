"""What each property of a contact takes and refuses, one nasty value after the other."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client import Client
from tests.make import Make, phone_number

TEXTS = {"firstName": 100, "lastName": 100, "company": 200, "city": 200, "country": 200, "role": 200}

VERBATIM = [
    " ",
    "  Camille  ",
    "\u00a0",
    "\u200b",
    "\u3164",  # Hangul filler
    "\u2800",  # Braille blank
    "O'Connor",
    "D’Arc",
    "Zo\u00eb",
    "Zoe\u0308",
    "Łukasz",
    "İıß",
    "محمد",
    "王",
    "Nguyễn",
    "\ufdfa",
    "\u202eright to left",
    "\u2066isolate\u2069",
    "a\ufeffb",
    "\U000e0041\U000e007f",  # tag characters
    "\ue000",
    "\uffff",
    "\U0010ffff",
    "\u2028\u2029",
    "e" + "\u0301" * 50,
    "👩‍👩‍👧‍👦",
    "🇫🇷",
    "Null",
    "None",
    "undefined",
    "NaN",
    "true",
    "1e3",
    "0012",
    "-0",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</script>",
    "{{7*7}}",
    "${7*7}",
    "%s%n%x",
    "%00",
    "'; DROP TABLE contacts; --",
    "\\",
    "\\u0000",
    "\\'",
    '"',
    "../../etc/passwd",
    "${jndi:ldap://127.0.0.1/a}",
    "=1+1",
    "+1",
    "-1",
    "@SUM(1)",
    "AT&T",
    'Ltd "X"',
    "{}",
    "{NULL}",
    "a,b",
    ":name $1 ?",
    "Côte d’Ivoire",
]
CONTROL = [chr(code) for code in (*range(32), *range(0x7F, 0xA0))]


@pytest.fixture(scope="module")
def path(make: Make) -> tuple[Client, str]:
    """One contact for all values: it has a custom field named Note."""
    team = make.team()
    team.field("Note")
    return team.client, team.contact()


@pytest.mark.parametrize("value", VERBATIM, ids=ascii)
def test_text_comes_back_as_it_was_sent(path: tuple[Client, str], value: str) -> None:
    client, contact = path
    body = dict.fromkeys(TEXTS, value) | {"customFields": {"note": value}}
    assert client.patch(contact, body).items() >= dict.fromkeys(TEXTS, value).items()
    found = client.get(contact)
    assert found.items() >= dict.fromkeys(TEXTS, value).items()
    assert found["customFields"] == {"Note": value}


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=100))
def test_any_text_comes_back_as_it_was_sent(path: tuple[Client, str], value: str) -> None:
    client, contact = path
    wanted = dict.fromkeys(TEXTS, value) | {"customFields": {"Note": value}}
    client.patch(contact, dict.fromkeys(TEXTS, value) | {"customFields": {"note": value}})
    assert client.get(contact).items() >= wanted.items()


def test_every_control_character_is_refused(path: tuple[Client, str]) -> None:
    client, contact = path
    before = client.get(contact)
    for character in CONTROL:
        bad = f"a{character}b"
        body = dict.fromkeys(TEXTS, bad) | {"email": f"{bad}@example.com", "url": f"https://example.com/{bad}"}
        body |= {"linkedinUrl": f"https://{bad}.example", "linkedinSalesUrl": bad}
        faults = client.faults("PATCH", contact, json=body | {"customFields": {"note": bad}})
        assert sorted(faults) == sorted((f"/{name}", "FORBIDDEN_CHARACTER") for name in (*body, "customFields/note"))
    assert client.get(contact) == before


@pytest.mark.parametrize(("name", "limit"), TEXTS.items())
def test_lengths_count_code_points(path: tuple[Client, str], name: str, limit: int) -> None:
    client, contact = path
    for character in ("x", "é", "🏦", "\u0301"):
        assert client.patch(contact, {name: character * limit})[name] == character * limit
        assert client.faults("PATCH", contact, json={name: character * (limit + 1)}) == [(f"/{name}", "TOO_LONG")]
    family = "👩‍👩‍👧‍👦"
    assert client.faults("PATCH", contact, json={name: family * limit}) == [(f"/{name}", "TOO_LONG")]
    assert client.faults("PATCH", contact, json={name: "x" * 200_000}) == [(f"/{name}", "TOO_LONG")]


@pytest.mark.parametrize("value", [123, 1.5, True, False, [], ["a"], {}, {"a": "b"}], ids=repr)
@pytest.mark.parametrize("name", [*TEXTS, "email", "url", "linkedinUrl", "linkedinSalesUrl"])
def test_nothing_is_turned_into_text(path: tuple[Client, str], name: str, value: object) -> None:
    client, contact = path
    assert client.faults("PATCH", contact, json={name: value}) == [(f"/{name}", "WRONG_TYPE")]


# ------------------------------------------------------------------------------------------------------------ e-mail


@pytest.mark.parametrize(
    "value",
    [
        "john.doe@example.com",
        "john+tag@example.com",
        "é@example.com",
        "a@bücher.example",
        "a@xn--bcher-kva.example",
        "O'Connor@example.com",
        f"{'x' * 64}@example.com",
        f"{'x' * 64}@{'y' * 61}.{'y' * 61}.{'y' * 57}.example"[:254],
        "аdmin@example.com",  # Cyrillic а
        "a@sandbox.test",
        "John.Doe@EXAMPLE.com",
    ],
)
def test_good_addresses_are_kept_verbatim(path: tuple[Client, str], value: str) -> None:
    client, contact = path
    assert client.patch(contact, {"email": value})["email"] == value


@pytest.mark.parametrize(
    "value",
    [
        "a",
        "@",
        "a@",
        "@example.com",
        "a@@example.com",
        "a@b@example.com",
        ".a@example.com",
        "a.@example.com",
        "a..b@example.com",
        '"a b"@example.com',
        "a@[127.0.0.1]",
        "a@localhost",
        "a@b",
        "John <john@example.com>",
        " john@example.com",
        "john@example.com ",
        "jo hn@example.com",
        "john@exam ple.com",
        f"{'x' * 65}@example.com",
        "a@😀.example",
        "a@under_score.example",
        "a@-example.com",
        "a@example..com",
        "a,b@example.com",
        "\u202ea@example.com",
        " ",
    ],
)
def test_bad_addresses(path: tuple[Client, str], value: str) -> None:
    client, contact = path
    assert client.faults("PATCH", contact, json={"email": value}) == [("/email", "INVALID_EMAIL")]


@pytest.mark.parametrize("value", [f"{'a.' * 50_000}a@example.com", f"a@{'a.' * 50_000}com", "@" * 100_000])
def test_a_long_address_takes_no_time(path: tuple[Client, str], value: str) -> None:
    client, contact = path
    assert client.faults("PATCH", contact, json={"email": value}) == [("/email", "TOO_LONG")]


# --------------------------------------------------------------------------------------------------------------- URLs


@pytest.mark.parametrize("name", ["url", "linkedinUrl", "linkedinSalesUrl"])
@pytest.mark.parametrize(
    "value",
    [
        "https://example.com",
        "http://example.com/",
        "HTTPS://EXAMPLE.com/Path?a=1&b[]=2#fragment",
        "https://bücher.example/ß?ü",
        "https://example.com:8443/",
        "http://[::1]:80/",
        "http://127.0.0.1/",
        "http://10.0.0.1/admin",
        "https://linkedin.com.evil.example/in/x",
        "https://xn--lnkedin-n2a.example",
        "https://example.com/%00",
        "https://example.com/" + "x" * 2028,
        "https://example.com/a@b",
        "https://example.com?q=a:b@c",
    ],
)
def test_good_urls_are_kept_verbatim(path: tuple[Client, str], name: str, value: str) -> None:
    client, contact = path
    assert client.patch(contact, {name: value})[name] == value


@pytest.mark.parametrize(
    "value",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://example.com",
        "//example.com",
        "/path",
        "example.com",
        "https:example.com",
        "https:/example.com",
        "https://",
        "https:///path",
        "https://?q",
        "https://#f",
        "https://:80/",
        "https://example.com:99999/",
        "https://example.com:0/",
        "https://example.com:0x50/",
        "https://example.com:-1/",
        "https://example.com:٣/",
        "https://user@example.com/",
        "https://user:pass@example.com/",
        "http://example.com@127.0.0.1/",
        "https://linkedin.com@evil.example",
        "http://127.0.0.1\\@example.com/",
        "https://exa mple.com/",
        " https://example.com/",
        "https://example.com/ ",
        "https://example.com/a b",
        "https://exa\u3000mple.com/",
        "http://①②⑦.0.0.1/",
        "http://[fe80::1%25eth0]/",
        "http://[::1/",
        "http://::1]/",
        "http://[example.com]/",
        "https://example.com/<script>",
        'https://example.com/"',
        "nonsense",
        "http",
        ":",
        "\u202ehttps://example.com",
    ],
)
def test_bad_urls(path: tuple[Client, str], value: str) -> None:
    client, contact = path
    for name in ("url", "linkedinUrl", "linkedinSalesUrl"):
        assert client.faults("PATCH", contact, json={name: value}) == [(f"/{name}", "INVALID_URL")]


def test_a_long_url(path: tuple[Client, str]) -> None:
    client, contact = path
    value = "https://example.com/" + "x" * 2029
    assert client.faults("PATCH", contact, json={"url": value}) == [("/url", "TOO_LONG")]


# ------------------------------------------------------------------------------------------------------ allowPhoneCalls


@pytest.mark.parametrize("value", ["true", "false", 1, 0, "", "on", [], {}, 1.0, "null"], ids=repr)
def test_only_true_and_false(path: tuple[Client, str], value: object) -> None:
    client, contact = path
    assert client.faults("PATCH", contact, json={"allowPhoneCalls": value}) == [("/allowPhoneCalls", "WRONG_TYPE")]


# --------------------------------------------------------------------------------------------------------- phoneNumbers


@pytest.mark.parametrize(
    "numbers",
    [
        [phone_number(number) for number in range(20)],
        ["+390612345678"],
        ["+262262123456", "+33262123456"],
        ["+33899701234"],
        ["+88213212345"],
        ["+687123456"],
        ["+14155550100"],
        [phone_number(3), phone_number(1), phone_number(2)],
    ],
    ids=lambda numbers: ",".join(numbers)[:40],
)
def test_good_numbers_keep_their_order(path: tuple[Client, str], numbers: list[str]) -> None:
    client, contact = path
    assert client.patch(contact, {"phoneNumbers": numbers})["phoneNumbers"] == numbers
    assert client.get(contact)["phoneNumbers"] == numbers


@pytest.mark.parametrize(
    "number",
    [
        "0612345678",
        "0033612345678",
        "33612345678",
        "+33 6 12 34 56 78",
        "+33(0)612345678",
        "+33-6-12-34-56-78",
        "tel:+33612345678",
        "+33612345678;ext=5",
        "+33612345678x5",
        "+1800FLOWERS",
        "＋３３６１２３４５６７８",
        "+٣٣٦١٢٣٤٥٦٧٨",
        "+33612345678\u0000",
        " +33612345678",
        "+33612345678 ",
        "+33612345678\n",
        "\u202a+33612345678",
        "+",
        "",
        "+033612345678",
        "++33612345678",
        "+336123",
        "+3361234567890123",
        "+1234567890123456",
        "+999123456789",
        "+33" + "1" * 100_000,
        "112",
        "-33612345678",
        "+33612345678,+33612345679",
    ],
    ids=lambda number: ascii(number)[:30],
)
def test_bad_numbers(path: tuple[Client, str], number: str) -> None:
    client, contact = path
    body = {"phoneNumbers": [phone_number(), number]}
    assert client.faults("PATCH", contact, json=body) == [("/phoneNumbers/1", "INVALID_PHONE_NUMBER")]


@pytest.mark.parametrize(
    ("value", "faults"),
    [
        ([], [("/phoneNumbers", "TOO_FEW_ITEMS")]),
        ([phone_number(number) for number in range(21)], [("/phoneNumbers", "TOO_MANY_ITEMS")]),
        (phone_number(), [("/phoneNumbers", "WRONG_TYPE")]),
        ({"0": phone_number()}, [("/phoneNumbers", "WRONG_TYPE")]),
        ([None], [("/phoneNumbers/0", "NULL_NOT_ALLOWED")]),
        ([33612345678], [("/phoneNumbers/0", "WRONG_TYPE")]),
        ([[phone_number()]], [("/phoneNumbers/0", "WRONG_TYPE")]),
        ([phone_number(), {}], [("/phoneNumbers/1", "WRONG_TYPE")]),
        ([phone_number(), phone_number()], [("/phoneNumbers/1", "DUPLICATE_PHONE_NUMBER")]),
    ],
)
def test_bad_lists_of_numbers(path: tuple[Client, str], value: object, faults: list[tuple[str, str]]) -> None:
    client, contact = path
    assert client.faults("PATCH", contact, json={"phoneNumbers": value}) == faults


@given(st.text(max_size=30) | st.from_regex(r"\+[0-9]{0,20}", fullmatch=True))
def test_any_number_is_taken_or_refused(path: tuple[Client, str], number: str) -> None:
    import re

    client, contact = path
    if any("\ud800" <= character <= "\udfff" for character in number):
        return
    response = client.request("PATCH", contact, json={"phoneNumbers": [number]})
    if response.status_code == 200:
        assert re.fullmatch(r"\+[1-9][0-9]{6,14}", number, re.ASCII)
        assert response.json()["phoneNumbers"] == [number]
    else:
        assert response.status_code == 400


# ------------------------------------------------------------------------------------------------------------- anything

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("make_value", [JSON, st.text(), st.lists(JSON, max_size=4)], ids=["json", "text", "list"])
def test_anything_is_answered(path: tuple[Client, str], make_value: st.SearchStrategy[Any]) -> None:
    client, contact = path
    names = [*TEXTS, "email", "url", "allowPhoneCalls", "phoneNumbers", "customFields", "unknown"]

    @given(st.dictionaries(st.sampled_from(names), make_value, max_size=4))
    def send(body: dict[str, Any]) -> None:
        import json

        content = json.dumps(body).encode("utf-8", "replace")
        options: dict[str, Any] = {"content": content, "headers": {"content-type": "application/json"}}
        assert client.request("PATCH", contact, **options).status_code in {200, 400}

    _run(send)


def _run(send: Callable[[], None]) -> None:
    send()
