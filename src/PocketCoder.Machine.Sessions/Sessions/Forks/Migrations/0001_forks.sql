-- Sessions that began as a copy of another one. Until the agent told its id of the copy, it is started with the origin's.

CREATE TABLE session_forks (
    session_id TEXT PRIMARY KEY REFERENCES sessions(session_id),
    origin_id  TEXT NOT NULL,    -- the other session
    native_id  TEXT NOT NULL,    -- the agent's id of its conversation
    mark       TEXT              -- the agent's name for the end of the last turn to be taken along; null: all
);

-- The agent's name for the end of a turn.
ALTER TABLE turns ADD COLUMN mark TEXT;
