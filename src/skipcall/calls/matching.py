"""How a call finds its contact."""

# One row for a number: the contact of the workspace that has it among its numbers, and how many have it. Of several it is the
# one that was called last, then the newest. `{workspace}` and `{number}` are SQL expressions. The hash finds the rows, the
# rest is for other numbers with the same one; IS TRUE keeps a planner without statistics from reading the whole workspace.
MATCHED = """
    SELECT (array_agg(id ORDER BY last_call_at DESC NULLS LAST, id DESC))[1] AS contact_id,
           count(*)::integer AS contact_matches
    FROM contacts
    WHERE phone_keys(workspace_id, phone_numbers)
            @> ARRAY[hashtextextended({number}, uuid_hash_extended({workspace}, 0))]
        AND (workspace_id = {workspace} AND phone_numbers @> ARRAY[{number}::text]) IS TRUE AND deleted_at IS NULL"""
