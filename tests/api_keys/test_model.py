"""The form of a key."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipcall.api_keys.model import digest_of, make_key, public_part_of
from skipcall.ids import BASE62

FORM = re.compile(r"sk_(live|test)_[0-9A-Za-z]{8}_[0-9A-Za-z]{32}[0-9A-Za-z]{6}")
# What secret scanners look for when they look for Stripe's keys.
STRIPE = [r"(sk|rk)_(test|live|prod)_[0-9a-zA-Z]{10,99}", r"sk_live_[0-9a-zA-Z]{24}", r"(?i)[rs]k_(live|test)_\w{20,}(?<!_)$"]


@pytest.mark.parametrize("mode", ["LIVE", "TEST"])
def test_form(mode: str) -> None:
    for _ in range(200):
        key, public_part = make_key(mode)
        assert FORM.fullmatch(key)
        assert key.startswith(f"sk_{mode.lower()}_{public_part}_")
        assert public_part_of(key) == public_part
        assert not any(re.search(pattern, key) for pattern in STRIPE[:2])


def test_keys_are_drawn_evenly() -> None:
    drawn = Counter("".join(make_key("LIVE")[0][8:16] + make_key("LIVE")[0][17:49] for _ in range(2000)))
    assert set(drawn) == set(BASE62)
    assert max(drawn.values()) < 1.5 * min(drawn.values())
    assert len({make_key("TEST")[0] for _ in range(1000)}) == 1000


def test_a_known_checksum() -> None:
    body = "_".join(["sk", "test", "0000KEY1", BASE62[:32]])
    assert public_part_of(body + "0j4JD9") == "0000KEY1"


def test_every_typo_is_noticed() -> None:
    key, _ = make_key("LIVE")
    for place in range(len(key)):
        for character in BASE62 + "_-é":
            if character != key[place]:
                assert public_part_of(key[:place] + character + key[place + 1 :]) is None


@given(st.integers(0, 53), st.sampled_from(["swap", "drop", "double"]))
def test_slips_of_the_pen(place: int, slip: str) -> None:
    key, _ = make_key("LIVE")
    wrong = {
        "swap": key[:place] + key[place + 1 : place + 2] + key[place] + key[place + 2 :],
        "drop": key[:place] + key[place + 1 :],
        "double": key[:place] + key[place] + key[place:],
    }[slip]
    assert wrong == key or public_part_of(wrong) is None


@given(st.text())
def test_no_text_is_a_failure(text: str) -> None:
    assert public_part_of(text) is None


@pytest.mark.parametrize("around", ["{} ", " {}", "{}\n", "\n{}", "{}\0", "Bearer {}", "{}{}", "\u200b{}"])
def test_nothing_around_it(around: str) -> None:
    key, _ = make_key("LIVE")
    assert public_part_of(around.format(key, key)) is None


def test_the_mode_is_part_of_the_checksum() -> None:
    key, _ = make_key("LIVE")
    assert public_part_of(key.replace("_live_", "_test_")) is None


def test_a_digest_needs_the_secret() -> None:
    key, _ = make_key("LIVE")
    assert len(digest_of(key, b"a" * 32)) == 32
    assert digest_of(key, b"a" * 32) != digest_of(key, b"b" * 32)
