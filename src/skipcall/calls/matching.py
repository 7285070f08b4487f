"""How a call finds its contact."""

from skipcall.contacts.matching import has_number


def matched(workspace: str, number: str) -> str:
    """Return what selects one row for a number: the contact of the workspace that has it, in any form, and how many have it.

    Of several it is the one that was called last, then the newest. Both are SQL expressions.
    """
    return f"""
    SELECT (array_agg(id ORDER BY last_call_at DESC NULLS LAST, id DESC))[1] AS contact_id,
           count(*)::integer AS contact_matches
    FROM contacts WHERE {has_number(workspace, number)}"""
