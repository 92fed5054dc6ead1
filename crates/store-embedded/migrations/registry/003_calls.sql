-- What the public API changes about devices, and what apps sign in with.

ALTER TABLE device ADD COLUMN generation INTEGER NOT NULL DEFAULT 1; -- how often it was bound
ALTER TABLE device ADD COLUMN report_cycle_min INTEGER; -- wanted
ALTER TABLE device ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE device ADD COLUMN country TEXT NOT NULL DEFAULT ''; -- ISO 3166-1 alpha-3
ALTER TABLE device ADD COLUMN antenna TEXT; -- indoor, outdoor
ALTER TABLE device ADD COLUMN altitude_m REAL;
CREATE INDEX device_by_model ON device (org, model);

-- SHA-256 of the MD5, as lower-case hex, of a generated password.
ALTER TABLE access_key ADD COLUMN app_password BLOB CHECK (length(app_password) = 32);
