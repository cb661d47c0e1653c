-- Repositories that devices had cloned, by the ids that they gave. What is here before its folder is made is taken away by the next start,
-- if a crash cut it off; folder has the device and inode of what was made, so that nothing else ever is.
CREATE TABLE project_clones (
    clone_id   TEXT PRIMARY KEY,
    parent     TEXT NOT NULL,
    name       TEXT NOT NULL,
    address    TEXT NOT NULL,
    staging    TEXT NOT NULL,
    folder     TEXT,
    device_id  TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('running', 'placing', 'done', 'failed', 'cancelled')),
    error      TEXT,
    project_id TEXT,
    begun_at   TEXT NOT NULL
);
