-- What agents used of their models, added up: one row a session, day (UTC), model and kind of access.
CREATE TABLE model_usage (
    session_id         TEXT NOT NULL,
    project_id         TEXT NOT NULL,
    day                TEXT NOT NULL,
    dialect            TEXT NOT NULL,
    model              TEXT NOT NULL,
    own_login          INTEGER NOT NULL,
    requests           INTEGER NOT NULL,
    input_tokens       INTEGER NOT NULL,
    output_tokens      INTEGER NOT NULL,
    cache_read_tokens  INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    cost_nanodollars   INTEGER NOT NULL, -- of those requests whose model has a price
    unpriced           INTEGER NOT NULL, -- requests whose model has none
    uncounted          INTEGER NOT NULL, -- requests whose tokens are an estimate
    PRIMARY KEY (session_id, day, dialect, model, own_login)
) WITHOUT ROWID;

CREATE INDEX model_usage_by_day ON model_usage(day);
CREATE INDEX model_usage_by_project ON model_usage(project_id);

-- project_id '': for every one.
CREATE TABLE model_budgets (
    scope      TEXT NOT NULL,
    project_id TEXT NOT NULL,
    action     TEXT NOT NULL,
    dollars    TEXT,
    tokens     INTEGER,
    set_at     TEXT NOT NULL,
    PRIMARY KEY (scope, project_id)
) WITHOUT ROWID;
