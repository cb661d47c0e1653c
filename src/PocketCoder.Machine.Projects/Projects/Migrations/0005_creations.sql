-- Folders that devices had made, by the ids that they gave. Without a project the folder may be there or not: a crash cut it off. Then
-- its device and inode tell whether what has its name is what was made.
CREATE TABLE project_creations (
    creation_id TEXT PRIMARY KEY,
    path        TEXT NOT NULL,
    git         INTEGER NOT NULL,
    folder      TEXT,
    project_id  TEXT,
    begun_at    TEXT NOT NULL
);
