-- The owner's budgets and those that devices set stand side by side, so that a device never lifts what the owner set.
-- set_by: the device's name at that time; NULL: the owner.
CREATE TABLE budgets (
    of_device  INTEGER NOT NULL,
    scope      TEXT NOT NULL,
    project_id TEXT NOT NULL,
    action     TEXT NOT NULL,
    dollars    TEXT,
    tokens     INTEGER,
    set_at     TEXT NOT NULL,
    set_by     TEXT,
    PRIMARY KEY (of_device, scope, project_id)
) WITHOUT ROWID;

INSERT INTO budgets (of_device, scope, project_id, action, dollars, tokens, set_at)
    SELECT 0, scope, project_id, action, dollars, tokens, set_at FROM model_budgets;

DROP TABLE model_budgets;
