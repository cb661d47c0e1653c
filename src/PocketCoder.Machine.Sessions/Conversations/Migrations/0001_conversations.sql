-- Sessions that are copies of a conversation begun in a terminal: which one, for the first start.
CREATE TABLE session_copies (
    session_id      TEXT PRIMARY KEY REFERENCES sessions(session_id),
    conversation_id TEXT NOT NULL
);

-- Terminals that go on with a session's conversation: the CLI's process and the agent's. The session works again when all of them are gone.
CREATE TABLE terminal_holds (
    session_id  TEXT NOT NULL REFERENCES sessions(session_id),
    pid         INTEGER NOT NULL,
    start_ticks INTEGER NOT NULL,
    boot_id     TEXT NOT NULL,
    PRIMARY KEY (session_id, pid)
);
