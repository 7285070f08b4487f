"""What the worker does for searches: indexes without long lists, statistics that are known soon."""

from skipcall.postgres.db import Session, Statement

UNKNOWN_MAX = 50  # contacts written that the planner need not know of
# Of these, new entries are on a list first.
TIDIED_INDEXES = ("contacts_by_text", "contacts_by_value", "contacts_by_phone_beginning")
# Without statistics every index of contacts that are not deleted looks tiny, and a GET reads all of one.
_TIDY = Statement(
    f"""
    SELECT gin_clean_pending_list(:index::text::regclass), (
        SELECT n_mod_since_analyze > greatest(n_live_tup / 2, {UNKNOWN_MAX})
        FROM pg_stat_all_tables WHERE relid = 'contacts'::regclass
    ) AS is_unknown
    """
)


async def tidy_index(db: Session, index: str) -> None:
    """Move what was written since the last time from its list into an index: every search reads it line by line until then.

    Where that is much, let the planner know too; by itself the server looks once a minute.
    """
    row = await db.fetch_row(_TIDY, index=index)
    if row and row["is_unknown"]:
        await db.analyze("contacts", "contact_call_counts")
