-- A person for whom a chat platform speaks is a device without keys: static_key is then its device id, which is no key.
ALTER TABLE devices ADD COLUMN platform TEXT;
ALTER TABLE devices ADD COLUMN account TEXT;
ALTER TABLE devices ADD COLUMN destructive INTEGER NOT NULL DEFAULT 0;
