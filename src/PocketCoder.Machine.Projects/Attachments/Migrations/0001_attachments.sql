-- Files that people send with prompts. The bytes are in files beside the database, named by the id.

CREATE TABLE attachments (
    attachment_id TEXT PRIMARY KEY,   -- client-made
    device_id     TEXT NOT NULL,
    name          TEXT NOT NULL,
    bytes         INTEGER NOT NULL,   -- as announced, and checked at its end
    sha256        TEXT NOT NULL,
    media_type    TEXT,               -- null: not whole yet
    session_id    TEXT,               -- of the first prompt that it went with; null: it went with none yet, and is swept
    touched_at    TEXT NOT NULL
);

CREATE INDEX attachments_staged ON attachments(device_id, touched_at) WHERE session_id IS NULL;

-- What went with the prompt, as it goes over the wire.
ALTER TABLE turns ADD COLUMN attachments TEXT;
