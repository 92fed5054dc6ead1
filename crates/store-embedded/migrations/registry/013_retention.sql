-- How long history is kept; whoever says nothing has no row.

CREATE TABLE retention (
    org INTEGER NOT NULL REFERENCES organization (id),
    group_id TEXT NOT NULL, -- empty: of the whole organization
    readings_days INTEGER CHECK (readings_days >= 0), -- 0: for ever; NULL: nothing is said
    frames_days INTEGER CHECK (frames_days >= 0),
    PRIMARY KEY (org, group_id)
) STRICT, WITHOUT ROWID;
