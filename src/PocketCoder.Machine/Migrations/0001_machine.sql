-- What the machine knows beside the ledger and the streams. The ledger is the history; these tables are the state.

CREATE TABLE projects (
    project_id     TEXT PRIMARY KEY,
    name           TEXT NOT NULL,
    path           TEXT NOT NULL UNIQUE,
    created_at     TEXT NOT NULL,
    last_opened_at TEXT,
    removed_at     TEXT   -- unregistered: hidden with its sessions until the same folder is registered again
);

CREATE TABLE devices (
    device_id    TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    app          TEXT NOT NULL,
    static_key   BLOB NOT NULL UNIQUE,
    signing_key  BLOB NOT NULL,
    scopes       TEXT NOT NULL,
    paired_at    TEXT NOT NULL,
    last_seen_at TEXT,
    revoked_at   TEXT
);

CREATE TABLE sessions (
    session_id  TEXT PRIMARY KEY,
    project_id  TEXT NOT NULL REFERENCES projects(project_id),
    agent       TEXT NOT NULL,
    native_id   TEXT,
    title       TEXT NOT NULL,
    mode        TEXT,
    model       TEXT,
    sandbox     TEXT NOT NULL,
    held        INTEGER NOT NULL DEFAULT 0,
    archived    INTEGER NOT NULL DEFAULT 0,
    failed      INTEGER NOT NULL DEFAULT 0,
    input_tokens       INTEGER NOT NULL DEFAULT 0,
    output_tokens      INTEGER NOT NULL DEFAULT 0,
    cache_read_tokens  INTEGER NOT NULL DEFAULT 0,
    cache_write_tokens INTEGER NOT NULL DEFAULT 0,
    cost_usd           TEXT,
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL
);

-- A prompt and its turn are one row; turn_id is the client-made id, so that a prompt sent twice is one prompt.
CREATE TABLE turns (
    turn_id     TEXT PRIMARY KEY,
    session_id  TEXT NOT NULL REFERENCES sessions(session_id),
    ordinal     INTEGER NOT NULL,
    state       TEXT NOT NULL,
    content     TEXT NOT NULL,
    device_id   TEXT,
    error       TEXT,
    created_at  TEXT NOT NULL,
    started_at  TEXT,
    finished_at TEXT,
    UNIQUE (session_id, ordinal)
);

CREATE INDEX turns_by_state ON turns(session_id, state, ordinal);

-- body is the approval as it goes over the wire; the columns are what is searched for.
CREATE TABLE approvals (
    approval_id  TEXT PRIMARY KEY,
    session_id   TEXT NOT NULL REFERENCES sessions(session_id),
    turn_id      TEXT NOT NULL,
    state        TEXT NOT NULL,
    decision_id  TEXT UNIQUE,
    reach_key    TEXT,
    requested_at TEXT NOT NULL,
    body         TEXT NOT NULL
);

CREATE INDEX approvals_open ON approvals(state, requested_at);
CREATE INDEX approvals_by_session ON approvals(session_id, requested_at);

-- An allowance for the rest of a turn or a session: the same thing (reach_key) is not asked again.
CREATE TABLE grants (
    approval_id TEXT PRIMARY KEY REFERENCES approvals(approval_id),
    session_id  TEXT NOT NULL,
    turn_id     TEXT,
    reach_key   TEXT NOT NULL
);

CREATE INDEX grants_by_key ON grants(session_id, reach_key);

-- Agent processes that are alive, so that a daemon started after a crash can end what the crash left behind.
CREATE TABLE agent_processes (
    session_id  TEXT PRIMARY KEY,
    pid         INTEGER NOT NULL,
    start_ticks INTEGER NOT NULL,
    boot_id     TEXT NOT NULL,
    mark        TEXT
);
