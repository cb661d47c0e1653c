-- What a person marked on a session, for the list. Kept apart from sessions: none of it is a change of the session, which would move it to the front.
CREATE TABLE session_marks (
    session_id    TEXT PRIMARY KEY,
    pinned        INTEGER NOT NULL DEFAULT 0,
    labels        TEXT NOT NULL DEFAULT '[]', -- JSON
    snoozed_until TEXT,
    seen          INTEGER NOT NULL DEFAULT 0  -- the last event of the session's stream that the person saw
) WITHOUT ROWID;

-- What was there before anybody counted is not news.
INSERT INTO session_marks (session_id, seen)
SELECT s.session_id, coalesce(t.last_seq, 0) FROM sessions s LEFT JOIN streams t ON t.name = 'session/' || s.session_id;
