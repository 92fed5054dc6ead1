-- Where network servers take messages to devices, as they said with uplinks.

CREATE TABLE downlink (
    source TEXT NOT NULL REFERENCES source (id) ON DELETE CASCADE,
    eui TEXT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (source, eui)
) STRICT, WITHOUT ROWID;
