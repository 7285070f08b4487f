-- A call that is deleted keeps its tags, out of sight, so that calls can be counted by tag without looking at them.

ALTER TABLE call_tags ADD COLUMN is_call_deleted boolean NOT NULL DEFAULT false;
UPDATE call_tags t SET is_call_deleted = true
FROM calls c WHERE c.workspace_id = t.workspace_id AND c.id = t.call_id AND c.deleted_at IS NOT NULL;

-- squawk-ignore require-concurrent-index-deletion
DROP INDEX call_tags_by_tag;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX call_tags_by_tag ON call_tags (workspace_id, tag_id, call_id) WHERE NOT is_call_deleted;

-- A statement of its own: it sees the tags that were added until the call was locked.
CREATE FUNCTION hide_tags_of_deleted_call() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE call_tags SET is_call_deleted = true WHERE workspace_id = NEW.workspace_id AND call_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER hide_tags_of_deleted AFTER UPDATE OF deleted_at ON calls
    FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION hide_tags_of_deleted_call();
