-- Where devices get their notifications, one row a device; off: no row.

CREATE TABLE notifications (
    device_id TEXT PRIMARY KEY,
    endpoint  TEXT NOT NULL,   -- a secret of the device's
    p256dh    BLOB NOT NULL,
    auth      BLOB NOT NULL,
    settings  TEXT NOT NULL    -- as they go over the wire
);

-- Gone in the same change as the device.
CREATE TRIGGER notifications_of_the_revoked AFTER UPDATE OF revoked_at ON devices WHEN NEW.revoked_at IS NOT NULL
BEGIN
    DELETE FROM notifications WHERE device_id = NEW.device_id;
END;
