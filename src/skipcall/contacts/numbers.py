"""Phone numbers as people write them, with the other forms in which the same telephone is known. No I/O."""

import phonenumbers

from skipcall.phone_numbers.forms import Reason, equivalent_forms
from skipcall.phone_numbers.model import phone_number_fault, written_forms


def region_fault(region: str) -> tuple[str, str] | None:
    """Return code and message of what is wrong with a country code, or None."""
    if region.upper() in phonenumbers.SUPPORTED_REGIONS:
        return None
    return "UNKNOWN_VALUE", "Must be a country code of ISO 3166-1 alpha-2"


def read_forms(text: str, region: str | None) -> dict[str, Reason | None] | None:
    """Return every E.164 form of a number that somebody wrote, itself first and without a reason, or None.

    A form that is out of use is read too, as long as one that it stands for is in use. Without a region only numbers with
    their country code are read.
    """
    for e164 in written_forms(text, region or "ZZ"):
        forms: dict[str, Reason | None] = {e164: None, **equivalent_forms(e164)}
        if any(phone_number_fault(one) is None for one in forms):
            return forms
    return None
