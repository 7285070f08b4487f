-- What few contacts are is found by an index, whatever is asked (docs/decisions/0022).
-- The first four have a predicate that is always true, and that only searches ask for. Another statement that names a workspace and an id never takes
-- them for its primary key, as it might while statistics say that workspaces are small; and since each has its own, they can be combined: PostgreSQL
-- never combines two partial indexes with the same predicate.
-- Who lacks what, whom nobody may call, who wrote last. Most contacts are alike in this, so the index has a few bytes for each, and is read as a whole
-- in no time.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_traits ON contacts (
    workspace_id, allow_phone_calls, last_modification_source, (email IS NULL), (company IS NULL), (role IS NULL), (city IS NULL),
    (country IS NULL), (url IS NULL), (linkedin_url IS NULL), (linkedin_sales_url IS NULL), (external_id IS NULL), (phone_numbers = '{}')
) WHERE search_text <> 'traits';
-- Cities, countries and roles by their folded texts, as names and companies are (0024): whole ones, beginnings and all others are a range or two, and
-- reading ends where enough are found.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_city ON contacts (workspace_id, split_part(search_text, chr(31), 7)) WHERE search_text <> 'city';
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_country ON contacts (workspace_id, split_part(search_text, chr(31), 8)) WHERE search_text <> 'country';
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_role ON contacts (workspace_id, split_part(search_text, chr(31), 12)) WHERE search_text <> 'role';
-- The planner uses no statistics of expressions in a partial index, but these.
CREATE STATISTICS contacts_last_name ON (split_part(search_text, chr(31), 3)) FROM contacts;
CREATE STATISTICS contacts_company ON (split_part(search_text, chr(31), 5)) FROM contacts;
CREATE STATISTICS contacts_city ON (split_part(search_text, chr(31), 7)) FROM contacts;
CREATE STATISTICS contacts_country ON (split_part(search_text, chr(31), 8)) FROM contacts;
CREATE STATISTICS contacts_role ON (split_part(search_text, chr(31), 12)) FROM contacts;
CREATE STATISTICS contacts_without_email ON ((email IS NULL)) FROM contacts;
CREATE STATISTICS contacts_without_company ON ((company IS NULL)) FROM contacts;
CREATE STATISTICS contacts_without_role ON ((role IS NULL)) FROM contacts;
CREATE STATISTICS contacts_without_city ON ((city IS NULL)) FROM contacts;
CREATE STATISTICS contacts_without_country ON ((country IS NULL)) FROM contacts;
CREATE STATISTICS contacts_without_url ON ((url IS NULL)) FROM contacts;
CREATE STATISTICS contacts_without_linkedin_url ON ((linkedin_url IS NULL)) FROM contacts;
CREATE STATISTICS contacts_without_linkedin_sales_url ON ((linkedin_sales_url IS NULL)) FROM contacts;
CREATE STATISTICS contacts_without_external_id ON ((external_id IS NULL)) FROM contacts;
CREATE STATISTICS contacts_without_phone_numbers ON ((phone_numbers = '{}')) FROM contacts;
-- This one goes with all others, so it becomes whole.
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX contacts_by_value;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_value ON contacts USING gin (search_keys) WITH (gin_pending_list_limit = 8192);
ANALYZE contacts;
