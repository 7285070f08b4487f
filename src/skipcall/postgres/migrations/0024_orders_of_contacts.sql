-- Searches in these orders begin where a page ended, and `updatedAt` is found by ranges (docs/decisions/0011). The expressions are those of
-- `contacts/searching.py`: last name and company, folded, in `search_text`. There is none for calls: those would take the counters of calls from
-- their page, with all entries of the contact in the other indexes.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_last_name ON contacts (workspace_id, split_part(search_text, chr(31), 3), id) WHERE deleted_at IS NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_company ON contacts (workspace_id, split_part(search_text, chr(31), 5), id) WHERE deleted_at IS NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_update ON contacts (workspace_id, updated_at, id) WHERE deleted_at IS NULL;
