-- What entry points keep over a restart. Times are UTC text, which sorts as time.
CREATE TABLE entry_notes (
    platform TEXT NOT NULL,
    key      TEXT NOT NULL,
    value    TEXT NOT NULL,
    ends_at  TEXT NOT NULL,
    PRIMARY KEY (platform, key)
) WITHOUT ROWID;

CREATE INDEX entry_notes_by_end ON entry_notes(ends_at);
