-- What merged contacts were known by: it leads to the contact that took them in.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_merged_external_id ON contacts (workspace_id, external_id)
    WHERE merged_into_id IS NOT NULL AND external_id IS NOT NULL;
