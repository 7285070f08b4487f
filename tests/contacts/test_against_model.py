"""A random history of valid requests, beside a dictionary that does what the rulings say."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.client import Client
from tests.make import Make, phone_number

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)
CLEARED = TEXT | st.none() | st.just("")
URLS = st.sampled_from(["https://a.example", "http://b.example/x?y#z", "", None])
EMAILS = st.sampled_from(["a@example.com", "é@bücher.example", "", None])
FIELDS = {"industry": "Industry", "team_size": "Team size", "note": "Note"}
PATCH = st.fixed_dictionaries(
    {},
    optional={
        "firstName": TEXT,
        "lastName": TEXT,
        "email": EMAILS,
        "company": CLEARED,
        "city": CLEARED,
        "country": CLEARED,
        "role": CLEARED,
        "url": URLS,
        "linkedinUrl": URLS,
        "linkedinSalesUrl": URLS,
        "allowPhoneCalls": st.booleans(),
        "phoneNumbers": st.lists(st.integers(0, 30).map(phone_number), min_size=1, max_size=4, unique=True),
        "customFields": st.dictionaries(st.sampled_from(list(FIELDS)), CLEARED, max_size=3),
        "callCount": st.integers(),
        "unknown": st.none(),
    },
)
STEPS = st.lists(st.tuples(PATCH, st.booleans()), min_size=1, max_size=6)


def applied(contact: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Return what a patch makes of a contact, times aside."""
    after = dict(contact)
    for name, value in patch.items():
        if name == "customFields":
            fields = dict(contact["customFields"])
            for slug, one in value.items():
                fields.pop(FIELDS[slug], None)
                if one:
                    fields[FIELDS[slug]] = one
            after["customFields"] = fields
        elif name not in {"callCount", "unknown"}:
            after[name] = value if value != "" else None
    return after if after == contact else after | {"lastModificationSource": "API"}


@settings(max_examples=40)
@given(STEPS)
def test_patches_do_what_the_model_does(make: Make, steps: list[tuple[dict[str, Any], bool]]) -> None:
    client, path = _contact(make)
    contact = client.get(path)
    for patch, by_name in steps:
        wanted = applied(contact, patch)
        sent = dict(patch)
        if by_name and "customFields" in sent:
            sent["customFields"] = {FIELDS[slug]: value for slug, value in sent["customFields"].items()}
        got = client.patch(path, sent)
        assert got == wanted | {"updatedAt": got["updatedAt"]}
        changed = {name for name in wanted if wanted[name] != contact[name]} - {"lastModificationSource"}
        assert (got["updatedAt"] == contact["updatedAt"]) or changed
        assert got["updatedAt"] >= contact["updatedAt"]
        assert client.get(path) == got
        contact = got


_team: dict[int, Any] = {}


def _contact(make: Make) -> tuple[Client, str]:
    """Return a new contact; the workspace with its fields is the same for all examples."""
    if id(make) not in _team:
        _team[id(make)] = make.team()
        for name in FIELDS.values():
            _team[id(make)].field(name)
    team = _team[id(make)]
    return team.client, team.contact()
