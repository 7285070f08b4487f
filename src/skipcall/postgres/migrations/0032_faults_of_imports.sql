-- What was wrong with the rows of a batch of `contact_imports`, as it was found when they were written: read again, they would tell nothing of
-- values that others had, nor of people who were erased.

CREATE TABLE contact_import_faults (
    workspace_id uuid NOT NULL,
    import_id uuid NOT NULL,
    rows_before bigint NOT NULL,
    faults text NOT NULL,
    PRIMARY KEY (workspace_id, import_id, rows_before),
    FOREIGN KEY (workspace_id, import_id) REFERENCES contact_imports ON DELETE CASCADE
);
