"""Random histories of upserts, batches and merges with few keys, beside a list of dictionaries that does what the guide says."""

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.make import Make, Team, phone_number

# The last two are the same telephone: Brazil's ninth digit.
NUMBERS = [*(phone_number(n) for n in range(4)), "+5511987654321", "+551187654321"]
KEYS = ("id", "externalId", "phoneNumbers", "email")
FIELDS = {"industry": "Industry", "note": "Note"}
NAMES = ("firstName", "lastName", "email", "company", "allowPhoneCalls", "phoneNumbers", "externalId")
MODES = st.sampled_from(["overwrite", "fillIfEmpty"])
TEXT = st.sampled_from(["A", "B"])

ITEM = st.fixed_dictionaries(
    {},
    optional={
        "id": st.integers(0, 5),  # which of the contacts that there ever were
        "externalId": st.sampled_from(["x", "y", "z", "", None]),
        "firstName": TEXT,
        "lastName": TEXT,
        "email": st.sampled_from(["a@example.com", "A@Example.com", "b@example.com", "", None]),
        "company": st.sampled_from(["A", "B", "", None]),
        "allowPhoneCalls": st.booleans(),
        "phoneNumbers": st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=3, unique=True),
        "customFields": st.dictionaries(st.sampled_from(list(FIELDS)), st.sampled_from(["A", "B", "", None])),
    },
)
PERSON = st.builds(
    lambda item, numbers: {"firstName": "A", "lastName": "B", "phoneNumbers": numbers} | item,
    ITEM,
    st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=2, unique=True),
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "match": st.lists(st.sampled_from(KEYS), min_size=1, max_size=4),
        "mode": MODES,
        "modes": st.fixed_dictionaries(
            {},
            optional={
                "phoneNumbers": MODES | st.just("append"),
                **dict.fromkeys(("company", "customFields", "externalId", "firstName"), MODES),
            },
        ),
        "dryRun": st.booleans(),
    },
)
STEPS = st.lists(
    st.tuples(
        OPTIONS,
        st.lists(ITEM | PERSON, min_size=1, max_size=4),
        st.sampled_from(["upsert", "batch", "delete", "merge"]),
    ),
    min_size=1,
    max_size=7,
)

# Contacts of which two are one already, so that most histories have an external id that leads there.
MERGED: list[tuple[dict[str, Any], list[dict[str, Any]], str]] = [
    (
        {"match": ["externalId"]},
        [
            {"firstName": "A", "lastName": "B", "phoneNumbers": [number], "externalId": one}
            for one, number in zip("xyz", NUMBERS, strict=False)
        ],
        "batch",
    ),
    ({}, [], "merge"),
]


class Model:
    """Contacts in order of creation, deleted and merged ones too; each with its history of changes."""

    def __init__(self) -> None:
        self.contacts: list[dict[str, Any]] = []

    def live(self) -> list[dict[str, Any]]:
        return [one for one in self.contacts if not one["deleted"]]

    def apply(self, options: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
        """Return what an item must come to, contacts by their place."""
        match = [*options.get("match", KEYS), "id"]
        keys = [(key, value) for key in KEYS for value in _values(item, key)]
        if not any(key in match for key, _ in keys):
            return {"status": "error", "faults": [("", "REQUIRED")]}
        hits = [
            (contact, [(key, value) for key, value in keys if self.leads(contact, key, value, match)])
            for contact in self.live()
        ]
        hits = [hit for hit in hits if hit[1]]
        if any(key == "id" for _, some in hits for key, _ in some):
            hits = [hit for hit in hits if {key for key, _ in hit[1]} & {"id", "externalId"}]
        if not hits:
            return self._create(item)
        contact, matched = hits[0]
        by = list(dict.fromkeys(key for key, _ in matched))
        other = item.get("externalId") and contact["externalId"] and item["externalId"] != contact["externalId"]
        keeps_own = other and "id" not in by
        if len(hits) > 1 or not set(by) & set(match) or (keeps_own and item["externalId"] not in self.aliases(contact)):
            candidates = {
                one["place"]: (
                    one["externalId"],
                    [(key, one["place"] if key == "id" else value) for key, value in some],
                )
                for one, some in hits
            }
            return {"status": "ambiguous", "candidates": candidates}
        changes = self._change(contact, options, item | {"externalId": contact["externalId"]} if keeps_own else item)
        return {
            "status": "updated" if changes else "unchanged",
            "place": contact["place"],
            "matchedBy": by,
            "changes": changes or None,
        }

    def leads(self, contact: dict[str, Any], key: str, value: Any, match: Any) -> bool:
        if key != "externalId":
            return key in match and _has(contact, key, value)
        if any(_has(one, key, value) for one in self.live()):
            return _has(contact, key, value)
        return key in match and value in self.aliases(contact)

    def aliases(self, contact: dict[str, Any]) -> list[str]:
        """Return the external ids of all that were merged into a contact, or into one of these."""
        merged = [one for one in self.contacts if one["mergedInto"] == contact["place"]]
        return [id for one in merged for id in (one["externalId"], *self.aliases(one))]

    def merge(self, target: dict[str, Any], source: dict[str, Any]) -> None:
        source |= {"deleted": True, "mergedInto": target["place"]}
        merged = {name: target[name] or source[name] for name in ("email", "company", "externalId")} | {
            "allowPhoneCalls": target["allowPhoneCalls"] and source["allowPhoneCalls"],
            "phoneNumbers": list(dict.fromkeys([*target["phoneNumbers"], *source["phoneNumbers"]])),
            "customFields": source["customFields"] | target["customFields"],
        }
        changes = {name: [target[name], value] for name, value in merged.items() if target[name] != value}
        target |= copy.deepcopy(merged)
        if changes:
            target["history"].append(copy.deepcopy(changes))

    def _create(self, item: dict[str, Any]) -> dict[str, Any]:
        if "id" in item:
            is_merged = any(one["place"] == item["id"] and one["mergedInto"] is not None for one in self.contacts)
            return {"status": "error", "faults": [] if is_merged else [("/id", "UNKNOWN_CONTACT")]}
        missing = [name for name in ("firstName", "lastName", "phoneNumbers") if name not in item]
        if missing:
            return {"status": "error", "faults": [(f"/{name}", "REQUIRED") for name in missing]}
        contact = {name: item.get(name) or None for name in NAMES} | {"place": len(self.contacts), "deleted": False}
        contact["mergedInto"] = None
        contact["allowPhoneCalls"] = item.get("allowPhoneCalls", True)
        contact["customFields"] = {slug: value for slug, value in item.get("customFields", {}).items() if value}
        contact["history"] = [None]
        self.contacts.append(contact)
        return {"status": "created", "place": contact["place"], "matchedBy": [], "changes": None}

    def _change(self, contact: dict[str, Any], options: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
        before = copy.deepcopy(contact)
        for name, value in item.items():
            mode = options.get("modes", {}).get(name, options.get("mode", "overwrite"))
            if name == "customFields":
                for slug, one in value.items():
                    if mode == "overwrite" or slug not in contact[name]:
                        contact[name].pop(slug, None)
                        if one:
                            contact[name][slug] = one
            elif mode == "append":
                for one in value:
                    if _telephone(one) not in set(map(_telephone, contact[name])):
                        contact[name] = [*contact[name], one]
            elif name != "id" and (mode == "overwrite" or contact[name] is None):
                contact[name] = None if value == "" else value
        changes = {
            name: [before[name], contact[name]] for name in (*NAMES, "customFields") if before[name] != contact[name]
        }
        if changes:
            contact["history"].append(copy.deepcopy(changes))
        return copy.deepcopy(changes)


def _values(item: dict[str, Any], key: str) -> list[Any]:
    value = item.get(key)
    return value if isinstance(value, list) else [] if value in (None, "") else [value]


def _has(contact: dict[str, Any], key: str, value: Any) -> bool:
    if key == "id":
        return bool(contact["place"] == value)
    if key == "phoneNumbers":
        return _telephone(value) in map(_telephone, contact[key])
    return bool(contact[key]) and (contact[key].lower() == value.lower() if key == "email" else contact[key] == value)


def _telephone(number: str) -> str:
    return number.replace("+55119", "+5511")


REFUSALS = {
    "AMBIGUOUS_MATCH": ("ambiguous", 409),
    "VALIDATION_ERROR": ("error", 400),
    "CONTACT_MERGED": ("error", 410),
}
NOWHERE = "00000000-0000-7000-8000-000000000000"


class History:
    """The server beside the model."""

    def __init__(self, team: Team) -> None:
        self.team = team
        self.model = Model()
        self.ids: list[str] = []

    def step(self, options: dict[str, Any], items: list[dict[str, Any]], kind: str) -> None:
        # An id is one that was known before the request, or nobody's.
        items = [one | {"id": one["id"] if one["id"] < len(self.ids) else -1} if "id" in one else one for one in items]
        if kind == "delete":
            live = self.model.live()
            if live:
                live[0]["deleted"] = True
                self.team.client.delete(f"/v1/contacts/{self.ids[live[0]['place']]}")
        elif kind == "merge":
            live = self.model.live()
            if len(live) > 1:
                source, target = live[0], live[1 + len(items) % (len(live) - 1)]
                self.model.merge(target, source)
                path = f"/v1/contacts/{self.ids[target['place']]}/merge"
                self.team.client.post(path, {"contactId": self.ids[source["place"]]}, 200)
        elif kind == "batch":
            self.batch(options, items)
        else:
            for item in items:
                self.upsert(options, item)

    def upsert(self, options: dict[str, Any], item: dict[str, Any]) -> None:
        client = self.team.client
        for dry_run in [True, False] if options.get("dryRun") else [False]:
            model = copy.deepcopy(self.model)
            expected = model.apply(options, item)
            response = client.request(
                "POST",
                "/v1/contacts/upsert",
                json=options | {"dryRun": dry_run, "contact": self.sent(item)},
                params={"include": "externalId", "customFieldKeys": "slug"},
            )
            body = response.json()
            if "error" in body:
                status, answered = REFUSALS[body["error"]["code"]]
                assert response.status_code == answered
                body = {**body["error"], "status": status}
                details = body.get("details", [])
                faults = [(one["pointer"].removeprefix("/contact"), one["code"]) for one in details]
            else:
                faults = []
                assert response.status_code == (201 if body["status"] == "created" and not dry_run else 200)
                contact = body.pop("contact")
                if contact is None:
                    assert dry_run
                    assert body["status"] == "created"
                else:
                    body["id"] = contact["id"]
                    place = expected["place"]
                    assert {name: contact[name] for name in (*NAMES, "customFields")} == shown(model.contacts[place])
            self.compare(expected, body, faults, dry_run=dry_run)
            if not dry_run:
                self.model = model
            self.compare_all()

    def batch(self, options: dict[str, Any], items: list[dict[str, Any]]) -> None:
        for dry_run in [True, False] if options.get("dryRun") else [False]:
            model = copy.deepcopy(self.model)
            body = options | {"dryRun": dry_run, "items": [self.sent(item) for item in items]}
            answer = self.team.client.post("/v1/contacts/batch", body, 200)
            assert [one["index"] for one in answer["results"]] == list(range(len(items)))
            statuses = [one["status"] for one in answer["results"]]
            assert answer["summary"] == {name: statuses.count(name) for name in answer["summary"]}
            for place, (item, found) in enumerate(zip(items, answer["results"], strict=True)):
                expected = model.apply(options, item)
                details = found.get("error", {}).get("details", [])
                faults = [(one["pointer"].removeprefix(f"/items/{place}"), one["code"]) for one in details]
                self.compare(expected, found, faults, dry_run=dry_run)
            if not dry_run:
                self.model = model
            self.compare_all()

    def sent(self, item: dict[str, Any]) -> dict[str, Any]:
        if "id" not in item:
            return item
        return item | {"id": self.ids[item["id"]] if item["id"] >= 0 else NOWHERE}

    def compare(
        self, expected: dict[str, Any], found: dict[str, Any], faults: list[tuple[str, str]], *, dry_run: bool
    ) -> None:
        assert found["status"] == expected["status"], (expected, found)
        assert faults == expected.get("faults", [])
        if "candidates" in expected:
            place = {id: place for place, id in enumerate(self.ids)}
            for one in found["candidates"]:
                place.setdefault(one["id"], len(place))  # in a dry run, one that would be there
            assert {
                place[one["id"]]: (
                    one["externalId"],
                    [
                        (key["key"], place[key["value"]] if key["key"] == "id" else key["value"])
                        for key in one["matchedBy"]
                    ],
                )
                for one in found["candidates"]
            } == expected["candidates"]
        if "place" in expected:
            assert found["matchedBy"] == expected["matchedBy"]
            assert found.get("changes") == expected["changes"]
            if dry_run and expected["place"] >= len(self.ids):
                assert "id" not in found, "it would be there, and is not"
            elif expected["place"] == len(self.ids):
                self.ids.append(found["id"])
            else:
                assert found["id"] == self.ids[expected["place"]]

    def compare_all(self) -> None:
        params = {"include": "externalId", "customFieldKeys": "slug", "sort": "createdAt", "size": 100}
        page = self.team.client.get("/v1/contacts", params=params)
        found = [{name: one[name] for name in (*NAMES, "customFields")} for one in page["data"]]
        assert found == [shown(one) for one in self.model.live()]
        assert [one["id"] for one in page["data"]] == [self.ids[one["place"]] for one in self.model.live()]
        assert page["meta"]["total"] == len(found)


def shown(contact: dict[str, Any]) -> dict[str, Any]:
    return {name: contact[name] for name in (*NAMES, "customFields")}


_team: dict[int, Team] = {}


def _empty_team(make: Make) -> Team:
    """Return the team of all examples, with the fields and without a contact."""
    if id(make) not in _team:
        _team[id(make)] = make.team()
        for name in FIELDS.values():
            _team[id(make)].field(name)
    client = _team[id(make)].client
    for contact in client.get("/v1/contacts", params={"size": 500})["data"]:
        client.delete(f"/v1/contacts/{contact['id']}")
    return _team[id(make)]


@settings(max_examples=60)
@given(STEPS, st.booleans())
def test_upserts_do_what_the_model_does(
    make: Make,
    steps: list[tuple[dict[str, Any], list[dict[str, Any]], str]],
    merged: bool,
) -> None:
    history = History(_empty_team(make))
    for options, items, kind in [*MERGED, *steps] if merged else steps:
        history.step(options, items, kind)
    for contact, id in zip(history.model.contacts, history.ids, strict=True):
        events = make.events(f"/v1/contacts/{id}")
        changes = [event["changes"] and json.loads(event["changes"]) for event in events]
        into = contact["mergedInto"]
        gone = [None] if into is None else [{"mergedIntoId": [None, history.ids[into]]}]
        assert changes == contact["history"] + gone * contact["deleted"]
        assert [event["object_version"] for event in events] == list(range(1, len(events) + 1))
