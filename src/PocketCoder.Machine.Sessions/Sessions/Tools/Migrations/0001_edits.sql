-- Lines that a session's edits added and removed, by file, for the count beside it. The file is a hash of its path: only whether it is another one counts.
CREATE TABLE session_edits (
    session_id TEXT NOT NULL,
    file       BLOB NOT NULL,
    added      INTEGER NOT NULL,
    removed    INTEGER NOT NULL,
    PRIMARY KEY (session_id, file)
) WITHOUT ROWID;
