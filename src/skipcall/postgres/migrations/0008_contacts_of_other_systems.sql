-- What other systems know a contact by, where a merged contact went, and the way from an object to its events.

ALTER TABLE contacts ADD COLUMN external_id text; -- unique among the live ones of a workspace; a deleted one holds nothing
ALTER TABLE contacts ADD COLUMN merged_into_id uuid; -- set with deleted_at: the contact that took this one in
-- NOT VALID: nothing there has one yet, so there is nothing to check.
ALTER TABLE contacts ADD CONSTRAINT contacts_merged_check
    CHECK (merged_into_id IS NULL OR deleted_at IS NOT NULL) NOT VALID;
ALTER TABLE contacts ADD CONSTRAINT contacts_merged_into_fkey
    FOREIGN KEY (workspace_id, merged_into_id) REFERENCES contacts NOT VALID;
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX contacts_external_id ON contacts (workspace_id, external_id)
    WHERE deleted_at IS NULL AND external_id IS NOT NULL;

-- The history of an object.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX events_by_object ON events (workspace_id, object_id, id);
