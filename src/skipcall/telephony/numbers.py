"""Numbers as providers write them, turned into E.164.

A file of calls has two numbers a line and libphonenumber takes 70 µs for one, so the usual form of a country with a simple
plan (one length, one trunk prefix) is recognised by what libphonenumber's own metadata says of it. A test compares the two.
"""

import re
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, ValidationResult

from skipcall.phone_numbers.forms import code_in_plan
from skipcall.phone_numbers.model import E164, parse_phone_number
from skipcall.telephony.model import Number

RAW_CHARS_MAX = 100
KNOWN_NUMBERS_MAX = 4_096

# What stands in place of a withheld number (RFC 3323; Asterisk, FreeSWITCH), and the same words spelled on the keypad, as
# Twilio does it ("Why am I getting calls from these strange numbers?"): ANONYMOUS is +266696687.
_WITHHELD_WORDS = "anonymous restricted private unknown unavailable blocked withheld".split()
_KEYPAD = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")
_WITHHELD = frozenset(
    form for word in _WITHHELD_WORDS for form in (word, word.translate(_KEYPAD), "+" + word.translate(_KEYPAD))
)
_PUNCTUATION = str.maketrans("", "", " \t.-()/\u00a0\u202f")
_PLAIN = re.compile(r"\+?[0-9]{1,20}", re.ASCII)
_SIP = re.compile(r"(?:sips?|tel):(?P<user>[^@;:]*)", re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def read_number(raw: str | None, country: str, *, without_plus: bool = False) -> Number | None:
    """Return what is known of a party; None where nothing was said at all.

    National numbers are of `country`; `sip:` and `tel:` addresses count by their user part. `without_plus`: the provider
    writes E.164 without the sign (Vonage). No number that can be called: `e164` is None and the text is kept.
    """
    if raw is None:
        return None
    return _read(raw, country, without_plus)


@lru_cache(maxsize=KNOWN_NUMBERS_MAX)
def _read(raw: str, country: str, without_plus: bool) -> Number:  # noqa: FBT001 - lru_cache
    text = _UNPRINTABLE.sub("", raw[:RAW_CHARS_MAX]).strip()
    return Number(text or None, to_e164(text, country, without_plus=without_plus))


def to_e164(text: str, country: str, *, without_plus: bool = False) -> str | None:
    """Return the number in E.164, or None if it is withheld, an extension, an account, or no possible number."""
    if sip := _SIP.match(text):
        text = sip["user"]
    compact = text.translate(_PUNCTUATION)
    if compact.lower() in _WITHHELD or not _PLAIN.fullmatch(compact):
        return None
    if without_plus and compact[0] not in "+0":
        compact = "+" + compact
    if compact.startswith("00"):
        compact = "+" + compact[2:]
    plan = _simple_plan(country)
    if plan is not None:
        code, length, prefix = plan
        if compact.startswith(code) and len(compact) == len(code) + length and compact[len(code)] not in prefix:
            return compact
        national = compact[len(prefix) :]
        is_national = compact.startswith(prefix) and len(national) == length and national[0] not in prefix
        if is_national and code == f"+{code_in_plan(int(code), national)}":
            return code + national
    return _by_libphonenumber(compact, country)


def is_extension(raw: str, digits_max: int) -> bool:
    """Return whether this is a number inside an exchange: a few digits, or nothing but a name."""
    if not raw or raw[0] == "+" or raw.lower() in _WITHHELD:
        return False
    return len(raw) <= digits_max or not raw.isdecimal()


def _by_libphonenumber(compact: str, country: str) -> str | None:
    try:
        number = parse_phone_number(compact, country)
    except NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    e164 = f"+{number.country_code}{phonenumbers.national_significant_number(number)}"
    return e164 if E164.fullmatch(e164) else None


@cache
def _simple_plan(country: str) -> tuple[str, int, str] | None:
    """Return calling code with its sign, length and trunk prefix of a country that libphonenumber describes by just these."""
    code = phonenumbers.country_code_for_region(country)
    metadata = PhoneMetadata.metadata_for_region(country)
    if metadata is None or metadata.general_desc is None or phonenumbers.region_code_for_country_code(code) != country:
        return None
    lengths = metadata.general_desc.possible_length
    prefix = metadata.national_prefix
    if len(lengths) != 1 or not prefix or len(prefix) != 1 or metadata.national_prefix_for_parsing != prefix:
        return None
    return f"+{code}", lengths[0], prefix
