-- How many contacts a sequence has is counted by the database, as calls are. Whoever changes several rows locks in this order:
-- contacts, sequences, rows of sequence_contacts.

CREATE FUNCTION count_inserted_sequence_contacts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sequences s SET contact_count = s.contact_count + moved.step
    FROM (
        SELECT workspace_id, sequence_id, count(*) AS step FROM new_rows WHERE removed_at IS NULL
        GROUP BY workspace_id, sequence_id
    ) moved WHERE s.workspace_id = moved.workspace_id AND s.id = moved.sequence_id;
    RETURN NULL;
END $$;

CREATE FUNCTION count_updated_sequence_contacts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sequences s SET contact_count = s.contact_count + moved.step
    FROM (
        SELECT workspace_id, sequence_id, sum((n.removed_at IS NULL)::integer - (o.removed_at IS NULL)::integer) AS step
        FROM old_rows o JOIN new_rows n USING (workspace_id, sequence_id, contact_id)
        WHERE (o.removed_at IS NULL) <> (n.removed_at IS NULL) GROUP BY workspace_id, sequence_id
    ) moved WHERE s.workspace_id = moved.workspace_id AND s.id = moved.sequence_id;
    RETURN NULL;
END $$;

CREATE TRIGGER count_inserted AFTER INSERT ON sequence_contacts REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_inserted_sequence_contacts();
CREATE TRIGGER count_updated AFTER UPDATE ON sequence_contacts REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_updated_sequence_contacts();

-- A contact that is deleted leaves its sequences.
CREATE FUNCTION remove_deleted_contact_from_sequences() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM sequences
    WHERE (workspace_id, id) IN (
        SELECT workspace_id, sequence_id FROM sequence_contacts
        WHERE workspace_id = NEW.workspace_id AND contact_id = NEW.id AND removed_at IS NULL
    ) ORDER BY workspace_id, id FOR NO KEY UPDATE;
    UPDATE sequence_contacts SET removed_at = NEW.deleted_at
    WHERE workspace_id = NEW.workspace_id AND contact_id = NEW.id AND removed_at IS NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER remove_deleted_from_sequences AFTER UPDATE OF deleted_at ON contacts
    FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION remove_deleted_contact_from_sequences();

-- The first tags of workspaces that were made before there were any: those that new ones get. Their ids are of version 7.
INSERT INTO tags (workspace_id, id, label, is_success_tag)
SELECT w.id, (
        lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint + first.place), 12, '0') || '7'
        || substr(replace(gen_random_uuid()::text, '-', ''), 14)
    )::uuid, first.label, first.place = 0
FROM workspaces w CROSS JOIN (
    VALUES (0, 'Rendez-vous pris'), (1, 'Pas intéressé'), (2, 'À rappeler'), (3, 'Mauvais numéro')
) AS first (place, label);
