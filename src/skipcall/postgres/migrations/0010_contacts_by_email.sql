-- A contact is found by its e-mail address, in whatever case, when another system writes it. `IS NOT NULL` follows from any
-- comparison of the address; without it, a planner without statistics reads the whole index wherever it sees deleted_at IS NULL.

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contacts_by_email ON contacts (workspace_id, lower(email)) WHERE deleted_at IS NULL AND email IS NOT NULL;
