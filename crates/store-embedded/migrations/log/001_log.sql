-- One row a commit: the entries that it made durable.
CREATE TABLE log (
    position INTEGER PRIMARY KEY,   -- of its first entry
    received_ms INTEGER NOT NULL,   -- latest time in it, for trimming
    bytes BLOB NOT NULL
) STRICT;

CREATE TABLE meta (
    name TEXT PRIMARY KEY,          -- `trimmed`: everything up to here is gone
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
