"""How a contact is found by a phone number, or by the external id of one that was merged into it."""

# Of a contact that is not deleted, what the index answers. `{workspace}` and `{number}` are SQL expressions. The hash finds the rows, the
# rest is for other numbers with the same one; IS TRUE keeps a planner without statistics from reading a whole workspace, or a whole
# index of contacts that are not deleted, beside it.
HAS_NUMBER = """
    phone_keys(workspace_id, phone_numbers) @> ARRAY[hashtextextended({number}, uuid_hash_extended({workspace}, 0))]
    AND (workspace_id = {workspace} AND phone_numbers @> ARRAY[{number}::text] AND deleted_at IS NULL) IS TRUE"""

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
