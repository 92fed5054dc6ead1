-- What sources brought of devices that nobody has bound yet.

CREATE TABLE unbound_device (
    org INTEGER NOT NULL REFERENCES organization (id),
    source TEXT NOT NULL REFERENCES source (id),
    eui TEXT NOT NULL,
    model TEXT NOT NULL, -- guessed; empty: unknown
    name TEXT NOT NULL,
    first_heard_at INTEGER NOT NULL,
    last_heard_at INTEGER NOT NULL,
    kept INTEGER NOT NULL, -- rows of unbound_uplink
    dropped INTEGER NOT NULL,
    PRIMARY KEY (org, source, eui)
) STRICT, WITHOUT ROWID;
CREATE INDEX unbound_device_by_time ON unbound_device (org, last_heard_at);
CREATE INDEX unbound_device_by_eui ON unbound_device (org, eui);

CREATE TABLE unbound_uplink (
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- the order they were kept in
    org INTEGER NOT NULL,
    source TEXT NOT NULL,
    eui TEXT NOT NULL,
    dedup BLOB NOT NULL CHECK (length(dedup) = 16),
    received_at INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    FOREIGN KEY (org, source, eui) REFERENCES unbound_device (org, source, eui)
) STRICT;
CREATE INDEX unbound_uplink_by_device ON unbound_uplink (org, eui, number);
CREATE INDEX unbound_uplink_by_source ON unbound_uplink (org, source, number);
CREATE INDEX unbound_uplink_by_key ON unbound_uplink (org, source, eui, dedup, received_at);

-- Uplinks that went with devices that made room for others.
CREATE TABLE unbound_lost (
    org INTEGER NOT NULL,
    source TEXT NOT NULL REFERENCES source (id),
    uplinks INTEGER NOT NULL,
    PRIMARY KEY (org, source)
) STRICT, WITHOUT ROWID;
