-- Folders beneath which devices may register projects, as far as the owner said something: the home folder is allowed without a row.
CREATE TABLE project_roots (
    path     TEXT PRIMARY KEY,
    allowed  INTEGER NOT NULL,  -- 0: the home folder, which the owner took away
    set_at   TEXT NOT NULL
);
