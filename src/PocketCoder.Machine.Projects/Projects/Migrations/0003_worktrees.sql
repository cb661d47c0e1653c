-- Worktrees that the machine made for sessions. 'making' comes before git is started and 'ready' with the project's row; 'removing' and
-- 'gone' the same way back. What is 'making' or 'removing' when the daemon starts was cut off.
CREATE TABLE worktrees (
    project_id  TEXT PRIMARY KEY,
    parent_id   TEXT NOT NULL REFERENCES projects(project_id),
    path        TEXT NOT NULL UNIQUE,
    git_dir     TEXT NOT NULL,
    common_dir  TEXT NOT NULL,
    branch      TEXT NOT NULL,
    base        TEXT NOT NULL,
    base_commit TEXT NOT NULL,
    state       TEXT NOT NULL,
    last_commit TEXT,  -- where the branch was when it was thrown away
    created_at  TEXT NOT NULL
);

CREATE INDEX worktrees_by_parent ON worktrees(parent_id);
