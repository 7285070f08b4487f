-- Numbers and dates in custom fields are found by ranges: `search_keys` gets six more hashes for each (docs/decisions/0019).
-- Meanwhile contacts are not written, so that none keeps the hashes of before: where there are such fields, a minute for a million of them.
LOCK TABLE contacts IN SHARE ROW EXCLUSIVE MODE;

CREATE FUNCTION text_keys(workspace uuid, texts text []) RETURNS integer []
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    keys integer[] := '{}';
    seed bigint := uuid_hash_extended(workspace, 0);
    value text;
BEGIN
    FOREACH value IN ARRAY texts LOOP
        keys := keys || (hashtextextended(value, seed) >> 32)::integer;
    END LOOP;
    RETURN keys;
END $$;

-- What a custom value, as it stands in `search_text`, has in common with those that are near it: sign, in base 4 how many digits stand before
-- the point, and the first 2, 4, 6 and 8 digits. A day is the number that its digits are. `contacts/ranges.py` says which of these a
-- range needs. Nothing for a text; one that looks like a number has terms that nobody asks for.
CREATE FUNCTION range_terms(value text) RETURNS text []
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    parts text[] := regexp_match(value, '^("[a-z0-9_]+": ")(-?)([0-9]{1,15})(?:\.([0-9]{1,9})|-([0-9]{2})-([0-9]{2}))?"$');
    whole text := ltrim(parts[3] || coalesce(parts[5] || parts[6], ''), '0');
    digits text := whole || coalesce(parts[4], '');
    size integer := length(whole);
    head text := parts[1] || CASE WHEN parts[2] = '-' AND digits ~ '[1-9]' THEN '-' ELSE '+' END || size / 4;
BEGIN
    IF parts IS NULL THEN
        RETURN '{}';
    END IF;
    digits := size % 4 || rpad(digits, 8, '0');
    RETURN ARRAY[
        head, head || left(digits, 1), head || left(digits, 3), head || left(digits, 5), head || left(digits, 7), head || digits
    ];
END $$;

CREATE OR REPLACE FUNCTION text_keys(workspace uuid, search_text text) RETURNS integer []
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    texts text[] := array_remove(string_to_array(search_text, chr(31)), '');
    terms text[] := '{}';
    value text;
BEGIN
    FOREACH value IN ARRAY texts LOOP
        IF value LIKE '"%' AND ascii(right(value, 2)) BETWEEN 48 AND 57 THEN -- a digit
            terms := terms || range_terms(value);
        END IF;
    END LOOP;
    RETURN text_keys(workspace, texts || terms);
END $$;

-- Deleted ones too, since they may be restored.
UPDATE contacts c SET search_keys = text_keys(c.workspace_id, c.search_text)
WHERE EXISTS (
    SELECT FROM custom_fields f
    WHERE f.workspace_id = c.workspace_id AND f.type IN ('number', 'date') AND c.custom_fields ? f.slug
);
