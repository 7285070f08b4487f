-- What few contacts are is found by an index, whatever is asked (docs/decisions/0022).
-- Who lacks what, whom nobody may call, who wrote last. Most contacts are alike in this, so the index has a few bytes for each, and is read as a whole
-- in no time. Deleted contacts are in it, and in those below, since the planner uses no statistics of expressions in a partial index.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_traits ON contacts (
    workspace_id, allow_phone_calls, last_modification_source, (email IS NULL), (company IS NULL), (role IS NULL), (city IS NULL),
    (country IS NULL), (url IS NULL), (linkedin_url IS NULL), (linkedin_sales_url IS NULL), (external_id IS NULL), (phone_numbers = '{}')
);
-- Cities, countries and roles by their folded texts, as names and companies are (0024): whole ones, beginnings and all others are a range or two, and
-- reading ends where enough are found.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_city ON contacts (workspace_id, split_part(search_text, chr(31), 7));
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_country ON contacts (workspace_id, split_part(search_text, chr(31), 8));
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_role ON contacts (workspace_id, split_part(search_text, chr(31), 12));
-- The indexes of names and companies are partial, since lists walk through them.
CREATE STATISTICS contacts_last_name ON (split_part(search_text, chr(31), 3)) FROM contacts;
CREATE STATISTICS contacts_company ON (split_part(search_text, chr(31), 5)) FROM contacts;
-- Two partial indexes with the same predicate are never combined, so this one, which goes with all, becomes whole.
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX contacts_by_value;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_value ON contacts USING gin (search_keys) WITH (gin_pending_list_limit = 8192);
ANALYZE contacts;
