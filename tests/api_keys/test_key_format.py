"""What a key looks like."""

import re
import string

from hypothesis import given
from hypothesis import strategies as st

from skipcall.api_keys.model import digest_of, make_key, public_part_of
from skipcall.ids import BASE62

# Rules of secret scanners that take a text for Stripe's key, as their documentation gives them.
STRIPE = [
    re.compile(r"(sk|rk)_(test|live|prod)_[0-9a-zA-Z]{10,99}"),
    re.compile(r"\b(sk|pk)_(test|live)_[0-9a-z]{10,32}\b", re.IGNORECASE),
    re.compile(r"[rs]k_live_[a-zA-Z0-9]{20,247}"),
]


def test_form() -> None:
    for mode in ("LIVE", "TEST"):
        key, public_part = make_key(mode)
        assert re.fullmatch(rf"sk_{mode.lower()}_[0-9A-Za-z]{{8}}_[0-9A-Za-z]{{38}}", key)
        assert key.split("_")[2] == public_part == public_part_of(key)


def test_checksum_of_a_known_key() -> None:
    parts = [
        "sk",
        "test",
        "0000KEY1",
        "0123456789ABCDEFGHIJKLMNOPQRSTUV",
    ]  # in parts, so that no scanner reports this file
    body = "_".join(parts)
    assert public_part_of(body + "0j4JD9") == "0000KEY1"


def test_no_scanner_takes_one_for_stripes() -> None:
    for _ in range(500):
        key, _ = make_key("LIVE")
        assert not any(rule.search(key) for rule in STRIPE)


def test_every_typing_error_in_one_character_is_noticed() -> None:
    key, _ = make_key("LIVE")
    for place, right in enumerate(key):
        for wrong in BASE62 + "_- ":
            if wrong != right:
                assert public_part_of(key[:place] + wrong + key[place + 1 :]) is None


@given(st.text() | st.text(string.ascii_letters + string.digits + "_", max_size=60).map("sk_live_".__add__))
def test_nothing_else_is_a_key(text: str) -> None:
    assert public_part_of(text) is None


def test_what_surrounds_a_key_does_not_belong_to_it() -> None:
    key, _ = make_key("LIVE")
    for text in (key + "\n", " " + key, key + "0", key[:-1], key.replace("1", "１") + "é"):
        assert public_part_of(text) is None


def test_the_digest_depends_on_the_secret() -> None:
    key, _ = make_key("LIVE")
    assert digest_of(key, b"one") != digest_of(key, b"two")
    assert len(digest_of(key, b"one")) == 32
