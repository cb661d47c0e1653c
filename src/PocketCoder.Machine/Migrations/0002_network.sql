-- Hosts that sandboxes of a project may reach without a question. What was allowed for a turn or a session stands in grants.
CREATE TABLE network_rules (
    rule_id    TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects(project_id),
    pattern    TEXT NOT NULL,
    made_by    TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    removed_at TEXT
);

CREATE INDEX network_rules_by_project ON network_rules(project_id) WHERE removed_at IS NULL;
