-- Where the numbering of a project's fs_changed events goes on. Not clean: the daemon was killed while it watched, so numbers after this one may have been used.
CREATE TABLE fs_state (
    project_id TEXT PRIMARY KEY REFERENCES projects(project_id),
    last_seq   INTEGER NOT NULL,
    clean      INTEGER NOT NULL
);
