-- Which one-shot commands of devices a project lets run, asks about, or refuses. A project without a row lets all of them run.
CREATE TABLE command_policies (
    project_id TEXT PRIMARY KEY REFERENCES projects(project_id),
    otherwise  TEXT NOT NULL
);

CREATE TABLE command_rules (
    project_id TEXT NOT NULL REFERENCES projects(project_id),
    position   INTEGER NOT NULL,
    verdict    TEXT NOT NULL,
    pattern    TEXT NOT NULL,
    PRIMARY KEY (project_id, position)
);
