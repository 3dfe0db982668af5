CREATE TABLE IF NOT EXISTS alarm (
    "key" VARCHAR NOT NULL,
    slot VARCHAR NOT NULL,
    commune VARCHAR NOT NULL,
    raised_ns INTEGER,
    last_ns INTEGER NOT NULL,
    open BOOLEAN NOT NULL,
    packed BLOB NOT NULL,
    PRIMARY KEY ("key")
);

CREATE INDEX IF NOT EXISTS ix_alarm_last_ns ON alarm (last_ns);

CREATE INDEX IF NOT EXISTS ix_alarm_open ON alarm (open);

CREATE INDEX IF NOT EXISTS ix_alarm_slot ON alarm (slot);

CREATE TABLE IF NOT EXISTS read (
    id INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    PRIMARY KEY (id)
);

PRAGMA user_version = 0;
