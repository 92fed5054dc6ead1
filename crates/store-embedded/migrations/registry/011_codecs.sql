-- Codecs that organizations write themselves.

CREATE TABLE user_codec (
    org INTEGER NOT NULL REFERENCES organization (id),
    name TEXT NOT NULL, -- the model in lower case
    model TEXT NOT NULL,
    version INTEGER NOT NULL, -- never used again, so that removed ones stay
    is_removed INTEGER NOT NULL CHECK (is_removed IN (0, 1)),
    source TEXT NOT NULL,
    fields TEXT NOT NULL, -- path = channel/measurement * factor, a line each
    examples TEXT NOT NULL, -- port hex -> readings, a line each
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (org, name)
) STRICT, WITHOUT ROWID;
