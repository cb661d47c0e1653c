-- Whether the machine's owner chose the sandbox, at the machine itself: then it may be weaker than what the daemon was started with.
-- Nobody knows who chose those that are there, so they count as a device's.
ALTER TABLE project_defaults ADD COLUMN sandbox_by_owner INTEGER NOT NULL DEFAULT 0;
