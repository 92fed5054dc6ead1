-- Readers of the live stream that may go away and come back.

CREATE TABLE stream_session (
    org INTEGER NOT NULL REFERENCES organization (id),
    client_id TEXT NOT NULL,
    position INTEGER NOT NULL, -- everything up to here has been read
    seen_at INTEGER NOT NULL,
    expires_after_s INTEGER NOT NULL,
    PRIMARY KEY (org, client_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE subscription (
    org INTEGER NOT NULL,
    client_id TEXT NOT NULL,
    filter TEXT NOT NULL,
    is_acknowledged INTEGER NOT NULL CHECK (is_acknowledged IN (0, 1)),
    number INTEGER,
    since INTEGER NOT NULL, -- a position
    PRIMARY KEY (org, client_id, filter),
    FOREIGN KEY (org, client_id) REFERENCES stream_session (org, client_id)
) STRICT, WITHOUT ROWID;
