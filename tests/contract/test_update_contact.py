"""Our document of `PATCH /v1/contacts/{id}` beside the contract's facts, property by property.

Every difference stands in `DIFFERENCES` with its reason. The test fails on one that is not listed, and on one that is listed
and is not there any more.
"""

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from skipcall.app import OPERATIONS
from skipcall.documents.pages import Library

CONTRACT = yaml.safe_load(Path(__file__).with_name("skipcall.yaml").read_text("utf-8"))
OURS = Library(OPERATIONS, None).document
PATH, METHOD = "/v1/contacts/{id}", "patch"

ABSENT = "absent"
PRESENT = "present"  # something made of parts, where the other side has nothing
PROSE = {"description", "summary", "example"}

REQUEST = "/requestBody/content/application~1json/schema/properties"
ANSWER = "/responses/200/content/application~1json/schema/properties"

CLEARABLE = ("email", "company", "city", "country", "url", "linkedinUrl", "linkedinSalesUrl", "role")
URLS = ("url", "linkedinUrl", "linkedinSalesUrl")
TEXTS = ("firstName", "lastName", "company", "city", "country", "role")
PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*$"
URL_FORM = r"^(https?://[^\s/?#@]+([/?#]\S*)?)?$"

CLEARING = "null clears it"
CONTROL_CHARACTERS = "control characters and NUL are refused"
URL_RULE = "absolute http(s), at most 2,048 characters"
CUSTOM_VALUES = "custom values: null clears one, at most 5,000 characters, no control characters"
SLIP = "`type: object` is a slip of the contract's generator: a string or null on the wire"
ENVELOPE = "one envelope for every refusal, with additions inside `error` only"
NEW_STATUS = "a status used only where the contract has none"
OPT_IN = "beyond the contract and optional: a client that does not know it sees no difference"
HEADERS = "what the headers of an answer say is documented too"


class Difference(NamedTuple):
    """One place where the documents differ. `pointer` is one into the operation, all references resolved."""

    pointer: str
    contract: Any
    ours: Any
    reason: str


DIFFERENCES = [
    *(Difference(f"{REQUEST}/{name}/nullable", ABSENT, True, CLEARING) for name in CLEARABLE),
    *(Difference(f"{REQUEST}/{name}/pattern", ABSENT, PRINTABLE, CONTROL_CHARACTERS) for name in TEXTS),
    *(Difference(f"{REQUEST}/{name}/maxLength", ABSENT, 2048, URL_RULE) for name in URLS),
    *(Difference(f"{REQUEST}/{name}/pattern", ABSENT, URL_FORM, URL_RULE) for name in URLS),
    *(Difference(f"{REQUEST}/{name}/format", ABSENT, "http-url", URL_RULE) for name in URLS),
    Difference(f"{REQUEST}/email/format", ABSENT, "email", "checked as an e-mail address"),
    Difference(
        f"{REQUEST}/email/maxLength", ABSENT, 254, "checked as an e-mail address, which is no longer (RFC 5321)"
    ),
    Difference(f"{REQUEST}/phoneNumbers/items/pattern", ABSENT, r"^\+[1-9][0-9]{6,14}$", "E.164, full match"),
    Difference(f"{REQUEST}/phoneNumbers/items/format", ABSENT, "e164", "E.164, full match"),
    Difference(f"{REQUEST}/customFields/additionalProperties/nullable", ABSENT, True, CUSTOM_VALUES),
    Difference(f"{REQUEST}/customFields/additionalProperties/maxLength", ABSENT, 5000, CUSTOM_VALUES),
    Difference(f"{REQUEST}/customFields/additionalProperties/pattern", ABSENT, PRINTABLE, CUSTOM_VALUES),
    Difference(f"{REQUEST}/customFields/maxProperties", ABSENT, 500, "a workspace has as many fields"),
    Difference("/requestBody/content/application~1merge-patch+json", ABSENT, PRESENT, OPT_IN),
    *(Difference(f"{ANSWER}/{name}/type", "object", "string", SLIP) for name in CLEARABLE),
    *(
        Difference(f"/parameters/{name}", ABSENT, PRESENT, OPT_IN)
        for name in (
            "query:customFieldKeys",
            "query:include",
            "header:If-Match",
            "header:Idempotency-Key",
            "header:Prefer",
        )
    ),
    *(
        Difference(f"/responses/{status}", ABSENT, PRESENT, NEW_STATUS)
        for status in (408, 409, 410, 412, 413, 415, 422, 431, 503)
    ),
    *(
        Difference(f"/responses/{status}", ABSENT, PRESENT, "named in the contract's prose, not in its operation")
        for status in (429, 500)
    ),
    *(Difference(f"/responses/{status}/content", ABSENT, PRESENT, ENVELOPE) for status in (400, 404)),
    *(
        Difference(f"/responses/{status}/content/application~1json/schema/{place}", ABSENT, PRESENT, ENVELOPE)
        for status in (401, 403)
        for place in (
            "required",
            "properties/error/required",
            "properties/error/properties/requestId",
            "properties/error/properties/docUrl",
            "properties/error/properties/details",
        )
    ),
    Difference(f"{ANSWER}/externalId", ABSENT, PRESENT, "answered only when `include` asks for it"),
    Difference(f"{ANSWER}/consent", ABSENT, PRESENT, "answered only when `include` asks for it"),
    Difference(f"{ANSWER}/deletedAt", ABSENT, PRESENT, "answered only in lists with `includeDeleted`"),
    Difference("/responses/200/headers", ABSENT, PRESENT, HEADERS),
    Difference("/responses/401/headers", ABSENT, PRESENT, HEADERS),
]


def facts(value: Any, document: dict[str, Any], *, named: bool = False) -> Any:
    """Return a value without prose and with references resolved. `named`: the keys are names, not keywords."""
    if isinstance(value, list):
        return [facts(one, document) for one in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        target = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return facts(target, document)
    names = ("properties", "responses")
    return {
        key: facts(one, document, named=key in names and not named)
        for key, one in value.items()
        if named or key not in PROSE
    }


def operation(document: dict[str, Any]) -> Any:
    """Return the facts of the operation: parameters by place and name, lists without order sorted."""
    found = facts(document["paths"][PATH][METHOD], document)
    found["parameters"] = {f"{one['in']}:{one['name']}": one for one in found["parameters"]}
    return found


def differences(contract: Any, ours: Any, pointer: str = "") -> set[tuple[str, Any, Any]]:
    """Return every place where two values differ, at the highest level at which one side has nothing."""
    if isinstance(contract, dict) and isinstance(ours, dict):
        found = set()
        for key in contract.keys() | ours.keys():
            place = f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"
            found |= differences(contract.get(key, ABSENT), ours.get(key, ABSENT), place)
        return found
    if pointer.endswith(("/required", "/enum")) and isinstance(contract, list) and isinstance(ours, list):
        contract, ours = sorted(contract), sorted(ours)
    return set() if contract == ours else {(pointer, shown(contract), shown(ours))}


def shown(value: Any) -> Any:
    return PRESENT if isinstance(value, dict | list) else value


def test_only_listed_differences_remain() -> None:
    listed = {(one.pointer, one.contract, one.ours) for one in DIFFERENCES}
    assert len(listed) == len(DIFFERENCES)
    found = differences(operation(CONTRACT), operation(OURS))
    assert sorted(found - listed, key=str) == [], "differences that DIFFERENCES does not list"
    assert sorted(listed - found, key=str) == [], "differences in DIFFERENCES that are not there"


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("operationId", "ContactController_patch"),
        ("tags", ["Contact"]),
        ("security", []),
        ("responses/400", None),
        ("parameters", []),
        ("requestBody/content/application~1json/schema/properties/firstName/maxLength", 99),
        ("requestBody/content/application~1json/schema/properties/phoneNumbers/maxItems", 21),
        ("requestBody/content/application~1json/schema/required", ["firstName"]),
        ("responses/200/content/application~1json/schema/required", ["id"]),
        ("responses/200/content/application~1json/schema/properties/lastModificationSource/enum", ["API"]),
        ("responses/200/content/application~1json/schema/properties/callCount/type", "integer"),
        ("responses/200/content/application~1json/schema/properties/more", {"type": "string"}),
        ("responses/401/content/application~1json/schema/properties/error/properties/code", None),
    ],
)
def test_comparison_sees_a_change(place: str, value: Any) -> None:
    changed = facts(OURS["paths"][PATH][METHOD], OURS)
    *parts, last = (part.replace("~1", "/") for part in place.split("/"))
    target = changed
    for part in parts:
        target = target[part]
    if value is None:
        del target[last]
    else:
        target[last] = value
    before = differences(operation(CONTRACT), operation(OURS))
    changed["parameters"] = {f"{one['in']}:{one['name']}": one for one in changed["parameters"]}
    assert differences(operation(CONTRACT), changed) != before


def test_names_of_schemas_are_the_contracts() -> None:
    theirs, ours = (document["paths"][PATH][METHOD] for document in (CONTRACT, OURS))
    for place in (("requestBody",), ("responses", "200")):
        for part in place:
            theirs, ours = theirs[part], ours[part]
        assert (
            ours["content"]["application/json"]["schema"]["$ref"]
            == theirs["content"]["application/json"]["schema"]["$ref"]
        )
        theirs, ours = (document["paths"][PATH][METHOD] for document in (CONTRACT, OURS))


def test_what_stands_around_the_operation_is_the_contracts() -> None:
    for key in ("openapi", "security"):
        assert OURS[key] == CONTRACT[key]
    assert {key: OURS["info"][key] for key in ("title", "version", "contact")} == CONTRACT["info"]
    ours, theirs = (document["components"]["securitySchemes"] for document in (OURS, CONTRACT))
    assert {name: facts(one, OURS) for name, one in ours.items()} == theirs
    assert "Contacts" in {tag["name"] for tag in OURS["tags"]}
    order = list(CONTRACT["components"]["schemas"]["PublicContactDto"]["properties"])
    assert list(OURS["components"]["schemas"]["PublicContactDto"]["properties"])[: len(order)] == order


def test_every_response_of_the_contract_may_be_described_by_the_same_error() -> None:
    """A client made for the contract reads `error.code`, `.message` and `.status` of any refusal."""
    for status, response in facts(OURS["paths"][PATH][METHOD]["responses"], OURS).items():
        if status >= "400":
            error = response["content"]["application/json"]["schema"]["properties"]["error"]
            types = {name: error["properties"][name]["type"] for name in ("code", "message", "status")}
            assert types == {"code": "string", "message": "string", "status": "number"}, status
