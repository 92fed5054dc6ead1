-- The private space of an organization's broker: what its clients are on with, and what is retained.
ALTER TABLE stream_session ADD COLUMN is_private INTEGER NOT NULL DEFAULT 0 CHECK (is_private IN (0, 1));
ALTER TABLE stream_session ADD COLUMN state BLOB NOT NULL DEFAULT x'';

CREATE TABLE wanted (
    org INTEGER NOT NULL,
    client_id TEXT NOT NULL,
    filter TEXT NOT NULL,
    qos INTEGER NOT NULL CHECK (qos IN (0, 1, 2)),
    no_local INTEGER NOT NULL CHECK (no_local IN (0, 1)),
    retain_as_published INTEGER NOT NULL CHECK (retain_as_published IN (0, 1)),
    number INTEGER,
    since INTEGER NOT NULL, -- a position
    PRIMARY KEY (org, client_id, filter),
    FOREIGN KEY (org, client_id) REFERENCES stream_session (org, client_id)
) STRICT, WITHOUT ROWID;
INSERT INTO wanted SELECT org, client_id, filter, is_acknowledged, 0, 0, number, since FROM subscription;
DROP TABLE subscription;
ALTER TABLE wanted RENAME TO subscription;

CREATE TABLE retained (
    org INTEGER NOT NULL REFERENCES organization (id),
    topic TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    payload BLOB NOT NULL,
    header BLOB NOT NULL,
    PRIMARY KEY (org, topic)
) STRICT;
