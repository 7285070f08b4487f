-- Phone numbers by their beginnings, for searches (docs/decisions/0011): hashes of workspace and the first 3, 5, 7 and 9 characters, `+` included.
-- Four of them tell a country, an area and who has a block of numbers; one for each length would double what is written.
CREATE FUNCTION phone_beginnings(workspace uuid, numbers text[]) RETURNS integer[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    seed constant bigint := uuid_hash_extended(workspace, 0);
    keys integer[] := '{}';
    number text;
BEGIN
    FOREACH number IN ARRAY numbers LOOP
        keys := keys || ARRAY[
            (hashtextextended(left(number, 3), seed) >> 32)::integer, (hashtextextended(left(number, 5), seed) >> 32)::integer,
            (hashtextextended(left(number, 7), seed) >> 32)::integer, (hashtextextended(left(number, 9), seed) >> 32)::integer
        ];
    END LOOP;
    RETURN keys;
END $$;
-- Deleted contacts are in it too: statistics of a partial index are not used, and every beginning would look as rare as another.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_phone_beginning ON contacts USING gin (phone_beginnings(workspace_id, phone_numbers))
    WITH (gin_pending_list_limit = 8192);
ANALYZE contacts;
