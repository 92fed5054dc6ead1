-- Devices that prove themselves are found by their EUI alone.

CREATE INDEX device_by_eui ON device (eui);

-- Where a source's messages are fetched from.

CREATE TABLE broker (
    source TEXT PRIMARY KEY REFERENCES source (id) ON DELETE CASCADE,
    org INTEGER NOT NULL REFERENCES organization (id),
    url TEXT NOT NULL,
    user TEXT NOT NULL,
    password BLOB NOT NULL, -- sealed; empty: none
    ca_pem TEXT NOT NULL,
    topics TEXT NOT NULL, -- each ended by a line feed
    is_connected INTEGER CHECK (is_connected IN (0, 1)), -- NULL: not noted yet
    trouble TEXT NOT NULL DEFAULT '',
    since INTEGER
) STRICT, WITHOUT ROWID;
