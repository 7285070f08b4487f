"""Rule sets, as `rules.toml` has them."""

import tomllib
from datetime import date
from functools import cache
from importlib import resources

import msgspec


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a rule set asks for until a day."""

    until: date | None = None
    weekdays: tuple[int, ...] = ()
    hours: tuple[tuple[int, int], ...] = ()
    holidays: bool = False
    calls_max: int = 0
    calls_days: int = 0
    refusal_days: int = 0
    bases: tuple[str, ...] = ()


@cache
def rule_sets() -> dict[str, tuple[Rules, ...]]:
    """Return the periods of every rule set, in order."""
    text = (resources.files("skipcall.callability") / "rules.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, tuple[Rules, ...]])


def rules_at(rule_set: str, day: date) -> tuple[Rules, date | None]:
    """Return the rules of a day, and the first day on which others count, if there is one."""
    rules = next(one for one in rule_sets()[rule_set] if one.until is None or day < one.until)
    return rules, rules.until
