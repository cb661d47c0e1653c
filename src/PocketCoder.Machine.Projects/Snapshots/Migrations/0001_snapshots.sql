-- Which snapshots belong to what was allowed. The files are in the project's store; a row whose commit is gone there can't be undone any more.

CREATE TABLE snapshots (
    action_id  TEXT PRIMARY KEY,  -- the approval, or the undo
    kind       TEXT NOT NULL,     -- approval, undo
    project_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    turn_id    TEXT,
    taken_at   TEXT NOT NULL,
    before     TEXT NOT NULL,     -- commits in the store
    after      TEXT,              -- null: runs, or nobody saw how it ended
    body       TEXT               -- an undo as it goes over the wire, when it is done
);

CREATE INDEX snapshots_by_turn ON snapshots(turn_id, taken_at);
CREATE INDEX snapshots_by_project ON snapshots(project_id, taken_at);
