-- One-shot commands of people in projects (seed 003 §Database). Kept for 7 days and at most 10,000 of them, whichever is fewer; the ledger keeps the rest.
CREATE TABLE command_runs (
    request_id     TEXT PRIMARY KEY,
    project_id     TEXT NOT NULL REFERENCES projects(project_id),
    command        TEXT NOT NULL,
    cwd            TEXT,
    by             TEXT NOT NULL,
    sandbox        TEXT NOT NULL,
    state          TEXT NOT NULL,
    started_at     TEXT NOT NULL,
    ended_at       TEXT,
    exit_code      INTEGER,
    signal         TEXT,
    truncated      INTEGER NOT NULL DEFAULT 0,
    bytes          INTEGER NOT NULL DEFAULT 0,
    sha256         TEXT,
    output_preview TEXT NOT NULL DEFAULT '',
    timeout_s      INTEGER NOT NULL,
    error          TEXT,
    asked_sha256   TEXT NOT NULL, -- of the whole request: the same id again must be the same request
    pieces         TEXT           -- lengths of the pieces of output, standard output first, then in turns
);

CREATE INDEX command_runs_by_time ON command_runs(started_at, request_id);
CREATE INDEX command_runs_by_project ON command_runs(project_id, started_at, request_id);

CREATE TABLE command_favourites (
    project_id TEXT NOT NULL REFERENCES projects(project_id),
    position   INTEGER NOT NULL,
    name       TEXT NOT NULL,
    command    TEXT NOT NULL,
    cwd        TEXT,
    timeout_s  INTEGER NOT NULL,
    PRIMARY KEY (project_id, position)
);
