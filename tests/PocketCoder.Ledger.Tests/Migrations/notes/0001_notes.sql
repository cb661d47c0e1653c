CREATE TABLE notes (
    id        INTEGER PRIMARY KEY,
    client_id TEXT UNIQUE,
    text      TEXT,
    data      BLOB
);
