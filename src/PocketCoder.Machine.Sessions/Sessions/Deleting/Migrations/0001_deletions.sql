-- Sessions that a person deleted. Written with the ledger's row, before anything is deleted; a row without an end is gone on with at the next start.
-- It stays: a device that sends the session's first prompt again must not bring it back.
CREATE TABLE session_deletions (
    session_id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    begun_at   TEXT NOT NULL,
    done_at    TEXT
) WITHOUT ROWID;
