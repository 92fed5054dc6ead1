-- Which model a device is that binds itself or waits to be bound, and what its measurements stand for.

CREATE TABLE model_rule (
    org INTEGER NOT NULL,
    source TEXT NOT NULL REFERENCES source (id),
    number INTEGER NOT NULL, -- the order they are tried in
    hint TEXT NOT NULL,
    model TEXT NOT NULL,
    PRIMARY KEY (org, source, number)
) STRICT, WITHOUT ROWID;

ALTER TABLE device ADD COLUMN channel_map TEXT NOT NULL DEFAULT ''; -- 1/4165=4102,…
