-- What the ledger knows about itself: ledger_epoch, machine_id, and backup_at in a copy.
CREATE TABLE ledger_meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- The chain. body is the truth; kind, session_id and approval_id repeat it for lookups, and verification compares them.
CREATE TABLE ledger (
    seq         INTEGER PRIMARY KEY,
    hash        BLOB NOT NULL CHECK (typeof(hash) = 'blob' AND length(hash) = 32),
    body        TEXT NOT NULL CHECK (typeof(body) = 'text'),
    kind        TEXT NOT NULL,
    session_id  TEXT,
    approval_id TEXT
);

CREATE INDEX ledger_kind ON ledger (kind);
CREATE INDEX ledger_session ON ledger (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX ledger_approval ON ledger (approval_id) WHERE approval_id IS NOT NULL;

CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: no row may be changed');
END;

CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: no row may be deleted');
END;

-- REPLACE deletes without firing the trigger above, so it is stopped here, together with gaps.
CREATE TRIGGER ledger_in_order BEFORE INSERT ON ledger
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM ledger)
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: a row can only follow the last one');
END;

-- Event streams. last_seq stays when old events are trimmed, so that no number is given twice within an epoch.
CREATE TABLE streams (
    stream_id INTEGER PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    epoch     TEXT NOT NULL,
    last_seq  INTEGER NOT NULL
);

-- position = stream_id * 2^40 + seq: one stream lies together and in order in one B-tree. A composite key would need
-- WITHOUT ROWID, whose pages hold no row over about 1 KB without an overflow page of 4 KB.
CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL, -- milliseconds since 1970, UTC
    body     TEXT NOT NULL
);
