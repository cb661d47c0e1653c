-- Letters that were taken, until they could not be taken any more: who keeps one can deliver it again. Times are UTC text, which sorts as time.
CREATE TABLE letters (
    device_id TEXT NOT NULL,
    letter_id TEXT NOT NULL,
    ends_at   TEXT NOT NULL,
    PRIMARY KEY (device_id, letter_id)
) WITHOUT ROWID;

CREATE INDEX letters_by_end ON letters(ends_at);
