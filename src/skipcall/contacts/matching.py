"""How a contact is found by a phone number."""

# What the index answers. `{workspace}` and `{number}` are SQL expressions. The hash finds the rows, the rest is for other
# numbers with the same one; IS TRUE keeps a planner without statistics from reading the whole workspace.
HAS_NUMBER = """
    phone_keys(workspace_id, phone_numbers) @> ARRAY[hashtextextended({number}, uuid_hash_extended({workspace}, 0))]
    AND (workspace_id = {workspace} AND phone_numbers @> ARRAY[{number}::text]) IS TRUE"""
