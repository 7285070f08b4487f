"""The indexes of contacts (docs/decisions/0022)."""

from tests.make import Make


def test_no_index_can_be_taken_for_the_primary_key(make: Make) -> None:
    """Where statistics say that workspaces are small, one that begins with the workspace looks as good as the primary key."""
    found = make.rows(
        """
        SELECT i.indexrelid::regclass::text AS name
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indrelid = 'contacts'::regclass AND m.amname = 'btree' AND a.attname = 'workspace_id' AND i.indpred IS NULL
        """
    )
    assert [one["name"] for one in found] == ["contacts_pkey"]
