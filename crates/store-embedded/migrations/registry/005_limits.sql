-- What organizations and keys may use, and what they did.

ALTER TABLE organization ADD COLUMN rate_per_minute INTEGER;
ALTER TABLE organization ADD COLUMN rate_burst INTEGER;
ALTER TABLE organization ADD COLUMN um_max INTEGER;
ALTER TABLE organization ADD COLUMN um_period TEXT CHECK (um_period IN ('day', 'month'));
ALTER TABLE organization ADD COLUMN dm_max INTEGER;
ALTER TABLE organization ADD COLUMN dm_period TEXT CHECK (dm_period IN ('day', 'month'));

ALTER TABLE access_key ADD COLUMN rate_per_minute INTEGER;
ALTER TABLE access_key ADD COLUMN rate_burst INTEGER;
ALTER TABLE access_key ADD COLUMN dm_max INTEGER;
ALTER TABLE access_key ADD COLUMN dm_period TEXT CHECK (dm_period IN ('day', 'month'));

-- Days are counted from 1970-01-01, in UTC.
CREATE TABLE usage_call (
    org INTEGER NOT NULL REFERENCES organization (id),
    day INTEGER NOT NULL,
    id TEXT NOT NULL, -- of the key
    endpoint TEXT NOT NULL,
    calls INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    unchanged INTEGER NOT NULL,
    dm INTEGER NOT NULL,
    PRIMARY KEY (org, day, id, endpoint)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_device (
    org INTEGER NOT NULL REFERENCES organization (id),
    day INTEGER NOT NULL,
    eui TEXT NOT NULL, -- empty: devices that are not told apart
    calls INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    unchanged INTEGER NOT NULL,
    dm INTEGER NOT NULL,
    PRIMARY KEY (org, day, eui)
) STRICT, WITHOUT ROWID;

-- Data that may be spent, and count as used since they were drawn.
CREATE TABLE drawn (
    org INTEGER NOT NULL REFERENCES organization (id),
    id TEXT NOT NULL, -- of the key; empty: the organization's own allowance
    first_day INTEGER NOT NULL, -- of the period
    dm INTEGER NOT NULL,
    PRIMARY KEY (org, id, first_day)
) STRICT, WITHOUT ROWID;
