"""The fields that a search may name, and what may be asked of each: the whole table, which the documents are made from too."""

from typing import Literal

Kind = Literal[
    "text",
    "choice",
    "id",
    "number",
    "boolean",
    "date-time",
    "phone number",
    "option",
    "decimal",
    "day",
    "yes or no",
    "custom",
]

CUSTOM_FIELD = "customFields."
FIELDS: dict[str, Kind] = {
    **dict.fromkeys(
        "firstName lastName email company city country url linkedinUrl linkedinSalesUrl role externalId".split(), "text"
    ),
    "lastModificationSource": "choice",
    "id": "id",
    "teamId": "id",
    "callCount": "number",
    "allowPhoneCalls": "boolean",
    "createdAt": "date-time",
    "updatedAt": "date-time",
    "lastCallAt": "date-time",
    "phoneNumbers": "phone number",
}
# Of custom fields, by their type.
CUSTOM_KINDS: dict[str, Kind] = {
    "text": "text",
    "url": "text",
    "select": "option",
    "number": "decimal",
    "date": "day",
    "boolean": "yes or no",
}
_EQUALITY = ("equals", "notEquals", "in", "notIn")
EMPTINESS = ("isEmpty", "isNotEmpty")
CALENDAR = ("today", "yesterday", "thisWeek", "thisMonth", "lastMonth")
DAYS = ("olderThanDays", "lastDays")
_COMPARISON = ("lessThan", "lessOrEqual", "greaterThan", "greaterOrEqual", "between")
_ORDER_OF_DAYS = ("before", "after", "between", "on")
# A day of a custom field may also lie ahead.
DAYS_AHEAD = ("nextDays",)
CALENDAR_AHEAD = ("tomorrow", "nextWeek", "nextMonth")
OPERATORS: dict[Kind, tuple[str, ...]] = {
    "text": (*_EQUALITY, "contains", "notContains", "startsWith", "endsWith", *EMPTINESS),
    "choice": _EQUALITY,
    "id": _EQUALITY,
    "number": (*_EQUALITY, *_COMPARISON),
    "boolean": ("equals",),
    "date-time": (*_ORDER_OF_DAYS, *DAYS, *CALENDAR, *EMPTINESS),
    "phone number": ("equals", "in", "startsWith", "isEmpty"),
    "option": (*_EQUALITY, *EMPTINESS),
    "decimal": (*_EQUALITY, *_COMPARISON, *EMPTINESS),
    "day": (*_EQUALITY, *_ORDER_OF_DAYS, *DAYS, *DAYS_AHEAD, *CALENDAR, *CALENDAR_AHEAD, *EMPTINESS),
    "yes or no": (*_EQUALITY, *EMPTINESS),
}
# As long as it is not known of which type a custom field is.
OPERATORS["custom"] = tuple(dict.fromkeys(one for kind in CUSTOM_KINDS.values() for one in OPERATORS[kind]))
