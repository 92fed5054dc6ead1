-- Data uploaded, by the day it was received on, up to the checkpoint. Days are counted from 1970-01-01, in UTC.
CREATE TABLE org_um_day (
    org INTEGER NOT NULL,
    day INTEGER NOT NULL,
    um INTEGER NOT NULL,
    PRIMARY KEY (org, day)
) STRICT, WITHOUT ROWID;
