-- What the daemon was started with the last time, so that a change stands in the ledger with its old and new value.
CREATE TABLE start_settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
