-- Text as it is written, in pieces: there until its finished form is an event. What is left when the daemon starts was cut off.
CREATE TABLE live_text (
    piece      INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL,
    turn_id    TEXT,
    block_id   TEXT NOT NULL,
    kind       TEXT NOT NULL,
    parent     TEXT,
    text       BLOB NOT NULL
);

CREATE INDEX live_text_by_block ON live_text(session_id, block_id);
