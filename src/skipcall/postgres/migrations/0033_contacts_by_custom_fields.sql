-- Contacts by which custom fields they have a value of, all together (docs/decisions/0022): most are alike in this, so it has a few bytes for each. Who
-- lacks a field is read from it. The expression is that of `contacts/conditions.py`; keys of jsonb have one order.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_custom_fields ON contacts (
    workspace_id, hashtextextended(jsonb_path_query_array(custom_fields, '$.keyvalue().key')::text, 0)
) WHERE search_text <> 'customFields';
CREATE STATISTICS contacts_custom_fields ON (hashtextextended(jsonb_path_query_array(custom_fields, '$.keyvalue().key')::text, 0)) FROM contacts;
ANALYZE contacts;
