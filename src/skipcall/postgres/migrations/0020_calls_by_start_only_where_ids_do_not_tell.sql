-- An id tells when a call started, but for calls whose start was learnt late: only these need an index on it. One entry less for nearly every call.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX late_calls_by_start ON calls (workspace_id, started_at) WHERE is_learnt_late(id, started_at);
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX calls_by_start;
