-- A number may be on the do-not-call list for several reasons at once: when one is lifted, the others still hold.
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX do_not_call_by_number_and_reason ON do_not_call (workspace_id, number_hash, reason) WHERE lifted_at IS NULL;
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX do_not_call_by_number;
