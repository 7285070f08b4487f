"""How a contact is found by a phone number, or by the external id of one that was merged into it."""

from skipcall.contacts.model import RESTORE_DAYS
from skipcall.phone_numbers.forms import all_forms_in_sql

LIVE = "deleted_at IS NULL"
# Also those that can come back.
PRESENT = f"({LIVE} OR deleted_at > now() - interval '{RESTORE_DAYS} days')"


def has_number(workspace: str, number: str, who: str = LIVE) -> str:
    """Return the condition that a contact is live, or `PRESENT`, and has a number, in any of its forms. All are SQL expressions.

    The hashes find the rows, the rest is for other numbers with the same one; IS TRUE keeps a planner without statistics from
    reading a whole workspace, or a whole index of contacts that are not deleted, beside it.
    """
    forms = all_forms_in_sql(f"{number}::text")
    return f"""phone_keys(workspace_id, phone_numbers) && phone_keys({workspace}, {forms})
        AND (workspace_id = {workspace} AND phone_numbers && {forms} AND {who}) IS TRUE"""


# A part of WITH RECURSIVE. `{given}` selects workspaces and external ids. `aliases` are the contacts on the way, from merge to
# merge, of those that had one and were merged: only the last may be live. None of it can become a join, which might read the
# whole workspace.
ALIASES = """
    aliases (workspace_id, external_id, id) AS (
        SELECT g.workspace_id, g.external_id, c.merged_into_id FROM ({given}) AS g (workspace_id, external_id) CROSS JOIN LATERAL (
            SELECT merged_into_id FROM contacts
            WHERE workspace_id = g.workspace_id AND external_id = g.external_id AND merged_into_id IS NOT NULL OFFSET 0
        ) c
        UNION
        SELECT a.workspace_id, a.external_id, (
            SELECT merged_into_id FROM contacts WHERE workspace_id = a.workspace_id AND id = a.id
        ) FROM aliases a WHERE a.id IS NOT NULL
    )"""
