CREATE TABLE IF NOT EXISTS registered (
    "key" VARCHAR NOT NULL,
    packed BLOB NOT NULL,
    PRIMARY KEY ("key")
);

CREATE TABLE IF NOT EXISTS asset_day (
    asset VARCHAR NOT NULL,
    day INTEGER NOT NULL,
    packed BLOB NOT NULL,
    PRIMARY KEY (asset, day)
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS ix_asset_day_day ON asset_day (day, asset);

CREATE TABLE IF NOT EXISTS commune_day (
    commune VARCHAR NOT NULL,
    day INTEGER NOT NULL,
    packed BLOB NOT NULL,
    PRIMARY KEY (commune, day)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS due (
    asset VARCHAR NOT NULL,
    day INTEGER NOT NULL,
    PRIMARY KEY (asset, day)
) WITHOUT ROWID;

PRAGMA user_version = 1;
