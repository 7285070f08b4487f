-- A part of a text is looked for among the texts of its own property: what is frequent in roles or addresses is rare in cities (docs/decisions/0021).
-- Names, e-mail and company stay together, as free text is looked for in all of them at once. A `q` at each edge of any other value makes a trigram of how it
-- begins and ends; of custom fields it is one with the end of the slug. The expressions are those of `contacts/conditions.py`.
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX contacts_by_text;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_text ON contacts USING gin (
    workspace_id,
    split_part(search_text, chr(30), 1) gin_trgm_ops,
    (chr(31) || 'q' || nullif(split_part(search_text, chr(31), 7), '') || 'q' || chr(31)) gin_trgm_ops,
    (chr(31) || 'q' || nullif(split_part(search_text, chr(31), 8), '') || 'q' || chr(31)) gin_trgm_ops,
    (chr(31) || 'q' || nullif(split_part(search_text, chr(31), 9), '') || 'q' || chr(31)) gin_trgm_ops,
    (chr(31) || 'q' || nullif(split_part(search_text, chr(31), 10), '') || 'q' || chr(31)) gin_trgm_ops,
    (chr(31) || 'q' || nullif(split_part(search_text, chr(31), 11), '') || 'q' || chr(31)) gin_trgm_ops,
    (chr(31) || 'q' || nullif(split_part(search_text, chr(31), 12), '') || 'q' || chr(31)) gin_trgm_ops,
    (chr(31) || 'q' || nullif(split_part(search_text, chr(31), 13), '') || 'q' || chr(31)) gin_trgm_ops,
    replace(
        replace(substr(search_text, nullif(strpos(search_text, chr(31) || '"'), 0)), '": "', 'q'), '"' || chr(31), 'q"' || chr(31)
    ) gin_trgm_ops
) WITH (gin_pending_list_limit = 8192);
-- As cities, countries and roles (0029).
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_first_name ON contacts (workspace_id, split_part(search_text, chr(31), 2)) WHERE search_text <> 'firstName';
CREATE STATISTICS contacts_first_name ON (split_part(search_text, chr(31), 2)) FROM contacts;
ANALYZE contacts;
