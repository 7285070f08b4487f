"""SQL that finds which fields the keys of `customFields` mean, and judges their values; parts of the statements that write.

`{workspace}` and `{contact}` are whose values these are; `{stored}` are those that the contact has.
"""

# The keys of `customFields` in a request, each with the field that it means: a slug first, else an exact name. `value` is
# the form that is stored: null clears it, and if there was text, that is no value of this field. What the contact has
# already is right, whatever became of the field. `taken_by` is another contact that has the value of a unique field.
_FIELD = """
            SELECT slug, type, options, is_required, is_unique FROM custom_fields
            WHERE workspace_id = {{workspace}} AND {column} = k.key AND archived_at IS NULL"""
GIVEN = f"""
    SELECT g.*, CASE WHEN g.is_unique THEN (
            SELECT u.contact_id FROM custom_unique_values u
            WHERE u.workspace_id = {{workspace}} AND u.slug = g.slug
                AND u.value_sha256 = sha256(convert_to(g.value, 'UTF8')) AND u.contact_id <> {{contact}}
        ) END AS taken_by
    FROM (
        SELECT k.key, k.value <> '' AS has_text, f.slug, f.slug <> k.key AS by_name, f.is_unique,
            f.is_required AND {{stored}} ? f.slug AS must_stay,
            CASE WHEN f.type <> 'text' AND k.value <> '' AND k.value IS DISTINCT FROM {{stored}} ->> f.slug
                THEN read_custom_value(f.type, f.options, k.value) ELSE nullif(k.value, '') END AS value
        FROM jsonb_each_text(:custom_fields::jsonb) k LEFT JOIN LATERAL ({_FIELD.format(column="slug")}
            UNION ALL {_FIELD.format(column="name")} LIMIT 1
        ) f ON true
    ) g"""

# `refused` are keys whose value is none of their field, or cleared where there must be one.
RESOLVED = """
    SELECT array_agg(key) FILTER (WHERE slug IS NULL) AS unknown,
           array_agg(key) FILTER (WHERE slug IS NOT NULL AND value IS NULL AND (has_text OR must_stay)) AS refused,
           jsonb_object_agg(key, taken_by) FILTER (WHERE taken_by IS NOT NULL)::text AS taken,
           count(slug) > count(DISTINCT slug) AS twice,
           coalesce(jsonb_object_agg(slug, key) FILTER (WHERE by_name), '{}')::text AS names,
           coalesce(jsonb_object_agg(slug, value) FILTER (WHERE slug IS NOT NULL AND value IS NOT NULL), '{}') AS values,
           coalesce(array_agg(slug) FILTER (WHERE slug IS NOT NULL AND value IS NULL), '{}') AS cleared
    FROM given"""

# Required fields that a new contact was given nothing for.
MISSING = """
    SELECT array_agg(f.slug) AS missing FROM custom_fields f
    WHERE f.workspace_id = {workspace} AND f.is_required AND f.archived_at IS NULL
        AND f.slug <> ALL(array(SELECT slug FROM given WHERE slug IS NOT NULL AND (value IS NOT NULL OR has_text)))"""

ACCEPTED = "r.unknown IS NULL AND r.refused IS NULL AND r.taken IS NULL AND NOT r.twice"
EXPLAINED = "r.unknown, r.refused, r.taken, r.twice, r.names"
NOTHING_TO_EXPLAIN = (
    "NULL::text[] AS unknown, NULL::text[] AS refused, NULL::text AS taken, false AS twice, '{}' AS names"
)

# Which other contacts have the values that a contact of `{contacts}` has of unique fields, by slug; null if none has.
HELD_BY_OTHERS = """
    SELECT jsonb_object_agg(v.slug, u.contact_id)::text AS holders
    FROM {contacts} b CROSS JOIN jsonb_each_text(b.custom_fields) v (slug, value) CROSS JOIN LATERAL (
        SELECT contact_id FROM custom_unique_values
        WHERE workspace_id = b.workspace_id AND slug = v.slug AND value_sha256 = sha256(convert_to(v.value, 'UTF8'))
            AND contact_id <> b.id OFFSET 0
    ) u"""
