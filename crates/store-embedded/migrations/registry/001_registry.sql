-- Who owns what, and who may do what. Times are milliseconds since 1970 in UTC; ids that people see
-- as hex are kept as that text, which also sorts as they do.

-- Counted up by every change that other processes must hear of; charges are none.
CREATE TABLE change (number INTEGER NOT NULL) STRICT;
INSERT INTO change (number) VALUES (0);

CREATE TABLE organization (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE access_key (
    id TEXT PRIMARY KEY,
    org INTEGER NOT NULL REFERENCES organization (id),
    secret BLOB NOT NULL CHECK (length(secret) = 32), -- SHA-256 of the key
    name TEXT NOT NULL,
    scopes TEXT NOT NULL, -- read+write+manage
    created_at INTEGER NOT NULL,
    revoked_at INTEGER,
    last_used_at INTEGER,
    calls INTEGER NOT NULL DEFAULT 0,
    dm INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX access_key_by_org ON access_key (org);

CREATE TABLE device_group (
    created INTEGER PRIMARY KEY, -- the order they were created in
    org INTEGER NOT NULL REFERENCES organization (id),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (org, id),
    UNIQUE (org, name)
) STRICT;

CREATE TABLE device (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never given out again: history is kept under it
    org INTEGER NOT NULL REFERENCES organization (id),
    eui TEXT NOT NULL,
    kind INTEGER NOT NULL CHECK (kind IN (1, 2)), -- gateway, node
    model TEXT NOT NULL,
    name TEXT NOT NULL,
    group_id TEXT, -- NULL: the default group
    latitude REAL,
    longitude REAL,
    frequency TEXT NOT NULL,
    code TEXT NOT NULL,
    bound_at INTEGER, -- NULL: unbound
    UNIQUE (org, eui),
    FOREIGN KEY (org, group_id) REFERENCES device_group (org, id)
) STRICT;
CREATE INDEX device_by_group ON device (org, group_id, eui);

CREATE TABLE channel (
    device INTEGER NOT NULL REFERENCES device (id),
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    sensor_type TEXT,
    sensor_id TEXT NOT NULL,
    measurements TEXT NOT NULL, -- 4097,4098
    created_at INTEGER NOT NULL,
    PRIMARY KEY (device, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE source (
    id TEXT PRIMARY KEY,
    org INTEGER NOT NULL REFERENCES organization (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    token BLOB NOT NULL UNIQUE CHECK (length(token) = 32), -- SHA-256 of the token
    auto_add INTEGER NOT NULL CHECK (auto_add IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX source_by_org ON source (org);
