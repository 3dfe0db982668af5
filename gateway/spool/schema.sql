CREATE TABLE gap (
    id INTEGER NOT NULL,
    gw VARCHAR NOT NULL,
    ep VARCHAR NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    reason VARCHAR NOT NULL,
    at_ns INTEGER NOT NULL,
    after_ns INTEGER,
    before_ns INTEGER,
    crc INTEGER NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE note (
    "key" VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY ("key")
);

CREATE TABLE progress (
    upstream VARCHAR NOT NULL,
    delivered VARCHAR NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (upstream)
);

CREATE TABLE quarantine (
    id INTEGER NOT NULL,
    at_ns INTEGER NOT NULL,
    source VARCHAR NOT NULL,
    place VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    span VARCHAR NOT NULL,
    crc INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE segment (
    id INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    points INTEGER NOT NULL,
    first_ns INTEGER,
    last_ns INTEGER,
    boot VARCHAR,
    size INTEGER NOT NULL,
    span VARCHAR NOT NULL,
    crc INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX segment_events ON segment (id) WHERE lane = 0;

CREATE TABLE stream (
    gw VARCHAR NOT NULL,
    ep VARCHAR NOT NULL,
    seen VARCHAR NOT NULL,
    released VARCHAR NOT NULL,
    first_ns INTEGER,
    last_ns INTEGER,
    crc INTEGER NOT NULL,
    PRIMARY KEY (gw, ep)
);

PRAGMA user_version = 2;
