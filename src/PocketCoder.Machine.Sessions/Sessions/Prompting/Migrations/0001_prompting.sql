-- What was chosen and learnt of a session beyond its first words.
CREATE TABLE session_prompting (
    session_id     TEXT PRIMARY KEY,
    effort         TEXT,
    renamed        INTEGER NOT NULL, -- by a person: the agent's own title no longer counts
    context_used   INTEGER,
    context_window INTEGER
) WITHOUT ROWID;

-- Words said into a running turn. Written before the agent is told, so that a machine that is killed in between neither loses nor repeats them.
CREATE TABLE steers (
    prompt_id  TEXT PRIMARY KEY, -- client-made; a prompt of the same id waits in the queue when the turn was over before
    session_id TEXT NOT NULL,
    turn_id    TEXT NOT NULL,
    content    TEXT NOT NULL,
    device_id  TEXT,
    state      TEXT NOT NULL,
    created_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX steers_sending ON steers(session_id) WHERE state = 'sending';

-- Which turn goes on with one that was cut off: one press, one turn.
CREATE TABLE continuations (
    turn_id   TEXT PRIMARY KEY,
    prompt_id TEXT NOT NULL
) WITHOUT ROWID;
