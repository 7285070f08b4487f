"""No property of a contact is forgotten by a merge."""

import msgspec

from skipcall.contacts.model import CreateContact
from skipcall.merges.model import CHOSEN, MERGED, MergeFields


def names(struct: type[msgspec.Struct]) -> dict[str, str]:
    return {one.name: one.encode_name for one in msgspec.structs.fields(struct)}


def test_every_property_has_its_rule() -> None:
    assert names(CreateContact) | {"external_id": "externalId"} == MERGED
    assert names(MergeFields) == CHOSEN
