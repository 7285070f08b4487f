-- Names, e-mail and company are looked for by their parts apart from the other texts (docs/decisions/0021): what is frequent in one, such as
-- a country, is rare in the other. Two columns of one index, since a second index would be one more list to write, and to empty. The expressions
-- are those of `contacts/searching.py`. Deleted contacts are in it too: statistics of a partial index are not used.
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX contacts_by_text;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_text ON contacts USING gin (
    workspace_id, split_part(search_text, chr(30), 1) gin_trgm_ops, split_part(search_text, chr(30), 2) gin_trgm_ops
) WITH (gin_pending_list_limit = 8192);
-- Two letters are looked for with each ASCII character behind them, so what has others too is told apart. After folding few texts do.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_not_ascii ON contacts (workspace_id) WHERE search_text ~ '[^\u0001-\u007f]' AND deleted_at IS NULL;
ANALYZE contacts;
