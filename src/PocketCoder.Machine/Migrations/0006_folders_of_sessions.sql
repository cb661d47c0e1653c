-- Where a session works beneath its project's root, fixed when it begins; null: the root.
ALTER TABLE sessions ADD COLUMN folder TEXT;
