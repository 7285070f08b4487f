-- A value is one word to pg_trgm: what stands between its words is a letter that is rare beside others, so that three characters are certain whatever they are
-- (docs/decisions/0024). Each begins and ends where the texts beside it do. The expressions are those of `contacts/conditions.py`.
CREATE FUNCTION as_one_word(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
    value, ' ', 'j'), '.', 'x'), '-', 'k'), '/', 'z'), '@', 'w'), '_', 'x'), '''', 'y'), '&', 'w'), ',', 'k'), ':', 'z');

-- squawk-ignore require-concurrent-index-deletion
DROP INDEX contacts_by_text;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_text ON contacts USING gin (
    workspace_id,
    as_one_word(split_part(search_text, chr(30), 1)) gin_trgm_ops,
    as_one_word(chr(31) || 'q' || nullif(split_part(search_text, chr(31), 7), '') || 'q' || chr(31)) gin_trgm_ops,
    as_one_word(chr(31) || 'q' || nullif(split_part(search_text, chr(31), 8), '') || 'q' || chr(31)) gin_trgm_ops,
    as_one_word(chr(31) || 'q' || nullif(split_part(search_text, chr(31), 9), '') || 'q' || chr(31)) gin_trgm_ops,
    as_one_word(chr(31) || 'q' || nullif(split_part(search_text, chr(31), 10), '') || 'q' || chr(31)) gin_trgm_ops,
    as_one_word(chr(31) || 'q' || nullif(split_part(search_text, chr(31), 11), '') || 'q' || chr(31)) gin_trgm_ops,
    as_one_word(chr(31) || 'q' || nullif(split_part(search_text, chr(31), 12), '') || 'q' || chr(31)) gin_trgm_ops,
    as_one_word(chr(31) || 'q' || nullif(split_part(search_text, chr(31), 13), '') || 'q' || chr(31)) gin_trgm_ops,
    as_one_word(
        replace(replace(split_part(search_text, chr(30), 3), '": "', 'q'), '"' || chr(31), 'q"' || chr(31))
    ) gin_trgm_ops
) WITH (gin_pending_list_limit = 8192);
-- Of names, addresses and custom texts, which differ, the planner keeps three hundred values instead of a hundred: what one in a hundred have is nobody to it otherwise.
ALTER INDEX contacts_by_text ALTER COLUMN 2 SET STATISTICS 300;
ALTER INDEX contacts_by_text ALTER COLUMN 5 SET STATISTICS 300;
ALTER INDEX contacts_by_text ALTER COLUMN 6 SET STATISTICS 300;
ALTER INDEX contacts_by_text ALTER COLUMN 7 SET STATISTICS 300;
ALTER INDEX contacts_by_text ALTER COLUMN 10 SET STATISTICS 300;
ANALYZE contacts;
