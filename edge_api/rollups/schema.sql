CREATE TABLE IF NOT EXISTS begun (
    id INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS folded (
    gw VARCHAR NOT NULL,
    ep VARCHAR NOT NULL,
    seen VARCHAR NOT NULL,
    PRIMARY KEY (gw, ep)
);

CREATE TABLE IF NOT EXISTS hour (
    hour INTEGER NOT NULL,
    asset VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    changed BOOLEAN NOT NULL,
    packed BLOB NOT NULL,
    PRIMARY KEY (hour, asset, kind)
)
 WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS hour_changed ON hour (hour) WHERE changed = 1;

PRAGMA user_version = 1;
