"""How a call finds its contact."""

from skipcall.contacts.matching import HAS_NUMBER

# One row for a number: the contact of the workspace that has it among its numbers, and how many have it. Of several it is the
# one that was called last, then the newest. `{workspace}` and `{number}` are SQL expressions.
MATCHED = f"""
    SELECT (array_agg(id ORDER BY last_call_at DESC NULLS LAST, id DESC))[1] AS contact_id,
           count(*)::integer AS contact_matches
    FROM contacts WHERE {HAS_NUMBER}"""
