-- An approval may belong to a project alone: a person asked for it there, no session did.
-- SQLite can't take a NOT NULL away, so the table is made anew. Grants hang on it and step aside meanwhile.
CREATE TEMP TABLE grants_aside AS SELECT * FROM grants;
DELETE FROM grants;

CREATE TABLE approvals_next (
    approval_id  TEXT PRIMARY KEY,
    session_id   TEXT REFERENCES sessions(session_id),
    project_id   TEXT NOT NULL,
    turn_id      TEXT NOT NULL,
    state        TEXT NOT NULL,
    decision_id  TEXT UNIQUE,
    reach_key    TEXT,
    requested_at TEXT NOT NULL,
    body         TEXT NOT NULL
);

INSERT INTO approvals_next SELECT approval_id, session_id, json_extract(body, '$.projectId'), turn_id, state, decision_id, reach_key, requested_at, body FROM approvals;
DROP TABLE approvals;
ALTER TABLE approvals_next RENAME TO approvals;
CREATE INDEX approvals_open ON approvals(state, requested_at);
CREATE INDEX approvals_by_session ON approvals(session_id, requested_at);

INSERT INTO grants SELECT * FROM grants_aside;
DROP TABLE grants_aside;
