-- Whose a device is, and the highest tier that it may allow. Null: nobody said, and any.
ALTER TABLE devices ADD COLUMN person TEXT;
ALTER TABLE devices ADD COLUMN tier TEXT;
-- The owner's rules for the whole machine that are on, by name.
CREATE TABLE machine_rules (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
