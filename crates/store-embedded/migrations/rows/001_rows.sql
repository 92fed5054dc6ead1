-- Sealed rows of one device.
CREATE TABLE chunk (
    id INTEGER PRIMARY KEY,
    device INTEGER NOT NULL,
    first_ms INTEGER NOT NULL,      -- measured_at, inclusive
    last_ms INTEGER NOT NULL,       -- measured_at, inclusive
    last_position INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
CREATE INDEX chunk_by_end ON chunk (device, last_ms, first_ms, last_position);
CREATE INDEX chunk_by_start ON chunk (device, first_ms, last_ms, rows);

-- What memory held of each device when it was last written; the log brings it up to date.
CREATE TABLE device (
    device INTEGER PRIMARY KEY,
    org INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;

-- Uplinks that were decoded again, with the position of the latest decoding.
CREATE TABLE decoding (
    device INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (device, origin)
) STRICT, WITHOUT ROWID;

-- Raw frames that have left the log.
CREATE TABLE frame (
    id INTEGER PRIMARY KEY,
    org INTEGER NOT NULL,
    device INTEGER NOT NULL,
    first_ms INTEGER NOT NULL,      -- received_at, inclusive
    last_ms INTEGER NOT NULL,       -- received_at, inclusive
    last_position INTEGER NOT NULL,
    frames INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
CREATE INDEX frame_by_device ON frame (device, last_position);
CREATE INDEX frame_by_age ON frame (org, first_ms);

-- Which commits of the log hold entries of an organization, a checkpoint at a time.
CREATE TABLE org_log (
    org INTEGER NOT NULL,
    last INTEGER NOT NULL,          -- position of the last commit named
    commits BLOB NOT NULL,
    PRIMARY KEY (org, last)
) STRICT, WITHOUT ROWID;

-- Data uploaded, up to the checkpoint.
CREATE TABLE org_um (
    org INTEGER PRIMARY KEY,
    um INTEGER NOT NULL
) STRICT;

CREATE TABLE meta (
    name TEXT PRIMARY KEY,          -- `checkpoint`: replay starts here; `frames`: frames up to here have left the log
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
