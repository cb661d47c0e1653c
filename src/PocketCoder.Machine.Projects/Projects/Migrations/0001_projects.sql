-- What a new session of a project begins with unless somebody chooses otherwise.
CREATE TABLE project_defaults (
    project_id TEXT PRIMARY KEY REFERENCES projects(project_id),
    agent      TEXT,
    mode       TEXT,
    model      TEXT,
    effort     TEXT,
    sandbox    TEXT
);
