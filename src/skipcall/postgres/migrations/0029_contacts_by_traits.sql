-- Who lacks what, whom nobody may call, who wrote last (docs/decisions/0022): what few contacts are is found without reading all. Most contacts are
-- alike in this, so the index has a few bytes for each, and is read as a whole in no time. Deleted contacts are in it too, and in the next ones,
-- since the planner uses no statistics of expressions in a partial index.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_traits ON contacts (
    workspace_id, allow_phone_calls, last_modification_source, (email IS NULL), (company IS NULL), (role IS NULL), (city IS NULL),
    (country IS NULL), (url IS NULL), (linkedin_url IS NULL), (linkedin_sales_url IS NULL), (external_id IS NULL), (phone_numbers = '{}')
);
-- Cities and roles by their folded texts, as names and companies are (0024): whole ones and beginnings are a range, of which reading can end.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_city ON contacts (workspace_id, split_part(search_text, chr(31), 7));
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_role ON contacts (workspace_id, split_part(search_text, chr(31), 12));
ANALYZE contacts;
