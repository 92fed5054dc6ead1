-- Other stations, whose history is brought home and which are followed.

CREATE TABLE mirror (
    org INTEGER NOT NULL REFERENCES organization (id),
    id TEXT NOT NULL,
    station TEXT NOT NULL, -- china, global or an address
    access_id TEXT NOT NULL,
    access_key BLOB NOT NULL, -- sealed
    since INTEGER NOT NULL,
    budget_dm INTEGER, -- NULL: as many as it takes
    calls_per_minute INTEGER NOT NULL,
    streams INTEGER NOT NULL CHECK (streams IN (0, 1)),
    stream_at TEXT, -- NULL: where it usually is
    is_paused INTEGER NOT NULL CHECK (is_paused IN (0, 1)),
    compare_until INTEGER, -- NULL: nothing is compared
    created_at INTEGER NOT NULL,
    PRIMARY KEY (org, id),
    UNIQUE (org, station, access_id)
) STRICT, WITHOUT ROWID;
