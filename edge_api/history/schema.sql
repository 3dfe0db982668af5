CREATE TABLE IF NOT EXISTS asset (
    "key" VARCHAR NOT NULL,
    packed BLOB NOT NULL,
    PRIMARY KEY ("key")
);

CREATE TABLE IF NOT EXISTS chunk (
    id INTEGER NOT NULL,
    asset VARCHAR NOT NULL,
    first_ns INTEGER NOT NULL,
    last_ns INTEGER NOT NULL,
    count INTEGER NOT NULL,
    packed BLOB NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX IF NOT EXISTS ix_chunk_asset_last_ns ON chunk (asset, last_ns);

CREATE TABLE IF NOT EXISTS settled (
    id INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    PRIMARY KEY (id)
);

PRAGMA user_version = 1;
