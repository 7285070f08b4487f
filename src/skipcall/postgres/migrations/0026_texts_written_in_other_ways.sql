-- Texts are also found in other scripts than Latin however they are written, and LinkedIn addresses whatever their encoding and language.
-- Meanwhile contacts are not written, so that none keeps the texts of before: some ten seconds for a million, of which few change.
LOCK TABLE contacts IN SHARE ROW EXCLUSIVE MODE;

-- As in migration 0009. What `unaccent` makes plain ASCII is done: canonically equal texts are equal then. Else accents are taken from letters
-- that it has no rule for, and what stays composed (Hangul) is composed in one way; blanks are blanks, and a sigma is one at the end of a
-- word, too. What stands in one text comes to the same in a longer one.
DO $$
DECLARE
    place text := (SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'unaccent');
BEGIN
    EXECUTE replace($create$
CREATE OR REPLACE FUNCTION fold(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $fold$
DECLARE
    plain text;
BEGIN
    IF octet_length(value) = length(value) THEN
        RETURN lower(value);
    END IF;
    plain := place.unaccent('place.unaccent', value);
    IF octet_length(plain) = length(plain) THEN
        RETURN lower(plain);
    END IF;
    plain := normalize(place.unaccent('place.unaccent', normalize(value, NFD)), NFC);
    RETURN translate(lower(plain), E'ς\u00a0\u2007\u2009\u202f\u3000', 'σ     ');
END $fold$
    $create$, 'place', place);
END $$;

-- A LinkedIn address without what does not matter: blanks around it, scheme, www or country, trailing slash, query, letter case, the language of a
-- profile, and how letters are encoded. What has a meaning of its own in an address, and what is no UTF-8, stays encoded.
CREATE OR REPLACE FUNCTION linkedin_key(url text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    key text := lower(regexp_replace(
        regexp_replace(btrim(url), '/*([?#].*)?$', ''), '^(https?://)?([a-z]{1,3}\.)?linkedin\.com/', 'linkedin.com/', 'i'
    ));
BEGIN
    IF position('%' IN key) > 0 OR octet_length(key) <> length(key) THEN
        key := lower(normalize(string_agg(
            coalesce(convert_from(decode(replace(part[1], '%', ''), 'hex'), 'UTF8') COLLATE "default", part[2]), '' ORDER BY number
        ), NFC)) FROM regexp_matches(
            key, '((?:%(?:2[de]|3[0-9]|[46][1-9a-f]|[57][0-9a]|5f|7e'
            '|(?:c[2-9a-f]|d[0-9a-f]|e0%[ab][0-9a-f]|e[1-9a-cef]%[89ab][0-9a-f]|ed%[89][0-9a-f]|f0%[9ab][0-9a-f]%[89ab][0-9a-f]'
            '|f[1-3]%[89ab][0-9a-f]%[89ab][0-9a-f]|f4%8[0-9a-f]%[89ab][0-9a-f])%[89ab][0-9a-f]))+)|([^%]+|%)', 'g'
        ) WITH ORDINALITY AS parts (part, number);
    END IF;
    IF key LIKE 'linkedin.com/in/%/__' THEN
        key := regexp_replace(key, '^(linkedin\.com/in/[^/]+)/[a-z]{2}$', '\1');
    END IF;
    RETURN key;
END $$;

-- The trigger makes the texts anew. Deleted ones too, since they may be restored.
UPDATE contacts SET first_name = first_name
WHERE (octet_length(search_text) <> length(search_text) AND search_text <> fold(search_text))
    OR (linkedin_url IS NOT NULL AND split_part(search_text, chr(31), 14) <> fold(linkedin_key(linkedin_url)));
