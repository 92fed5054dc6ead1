-- Who signs in, and how keys and sources are narrowed, renewed and watched.

ALTER TABLE access_key ADD COLUMN expires_at INTEGER;
ALTER TABLE access_key ADD COLUMN origins TEXT NOT NULL DEFAULT ''; -- each ended by a line feed
ALTER TABLE access_key ADD COLUMN groups TEXT NOT NULL DEFAULT ''; -- hex, separated by commas

-- What is in `token` of one source is never in `previous_token` of another: see `sources.rs`.
ALTER TABLE source ADD COLUMN previous_token BLOB CHECK (length(previous_token) = 32);
ALTER TABLE source ADD COLUMN previous_until INTEGER;
ALTER TABLE source ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE source ADD COLUMN last_message_at INTEGER;
ALTER TABLE source ADD COLUMN last_error_at INTEGER;
ALTER TABLE source ADD COLUMN last_error TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX source_by_previous_token ON source (previous_token);

CREATE TABLE person (
    id TEXT PRIMARY KEY,
    org INTEGER NOT NULL REFERENCES organization (id),
    email TEXT NOT NULL UNIQUE, -- in lower case
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'manager', 'owner')),
    is_operator INTEGER NOT NULL CHECK (is_operator IN (0, 1)),
    password TEXT NOT NULL, -- $argon2id$…
    time_zone TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX person_by_org ON person (org, email);

CREATE TABLE invite (
    token BLOB PRIMARY KEY CHECK (length(token) = 32), -- SHA-256 of the token
    org INTEGER REFERENCES organization (id), -- NULL: it founds one
    role TEXT NOT NULL CHECK (role IN ('viewer', 'manager', 'owner')),
    is_operator INTEGER NOT NULL CHECK (is_operator IN (0, 1)),
    note TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX invite_by_org ON invite (org, created_at, token);

CREATE TABLE session (
    token BLOB PRIMARY KEY CHECK (length(token) = 32), -- SHA-256 of the cookie's token
    person TEXT NOT NULL REFERENCES person (id),
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_by_person ON session (person);

CREATE TABLE deed (
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- the order they were recorded in
    org INTEGER NOT NULL REFERENCES organization (id),
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX deed_by_org ON deed (org, number);
