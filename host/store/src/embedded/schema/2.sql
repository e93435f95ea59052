-- The log of events, cursors, queues, dead letters, timers, ownership, blobs. Payloads stand last in their rows.

-- `sequence` is the newest record's; `reserved` is beyond all that were ever given out.
INSERT INTO meta(name, value) VALUES('sequence', 0), ('reserved', 0);

CREATE TABLE topic(
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    records INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    appended INTEGER NOT NULL,
    last_sequence INTEGER NOT NULL,
    last_published_at INTEGER NOT NULL
) STRICT;
-- `latest_at` is the latest `published_at` up to here: it never falls, so a moment is found by halving.
CREATE TABLE log(
    sequence INTEGER PRIMARY KEY,
    topic INTEGER NOT NULL,
    published_at INTEGER NOT NULL,
    latest_at INTEGER NOT NULL,
    volatile INTEGER NOT NULL,
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    crc INTEGER NOT NULL,
    record BLOB NOT NULL
) STRICT;
CREATE INDEX log_topic ON log(topic);
CREATE INDEX log_id ON log(source, id);
CREATE INDEX log_volatile ON log(topic) WHERE volatile = 1;
-- What was expired before its deduplication ended.
CREATE TABLE forgotten(
    sequence INTEGER PRIMARY KEY,
    published_at INTEGER NOT NULL,
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    crc INTEGER NOT NULL
) STRICT;
CREATE INDEX forgotten_id ON forgotten(source, id);

CREATE TABLE cursor(
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    epoch INTEGER NOT NULL,
    floor INTEGER NOT NULL,
    crc INTEGER NOT NULL
) STRICT;
CREATE TABLE settled(
    cursor INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY(cursor, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE retry(
    cursor INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due INTEGER NOT NULL,
    reason TEXT NOT NULL,
    crc INTEGER NOT NULL,
    record BLOB,
    PRIMARY KEY(cursor, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE queue(
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    ready INTEGER NOT NULL,
    delayed INTEGER NOT NULL,
    leased INTEGER NOT NULL,
    enqueued INTEGER NOT NULL,
    dequeued INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    first_leases INTEGER NOT NULL,
    waited_ms INTEGER NOT NULL
) STRICT;
-- `state` is 0 ready, 1 delayed, 2 leased, -1 set aside. `position` is the place in its lane, `ready_at` since when it
-- has it; `due` when it is ready or its lease ends. `data` is NULL when it stands in `body`.
CREATE TABLE message(
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    queue INTEGER NOT NULL,
    state INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    position INTEGER NOT NULL,
    ready_at INTEGER NOT NULL,
    due INTEGER NOT NULL,
    enqueued_at INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    expiries INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    token TEXT,
    reason TEXT NOT NULL,
    crc INTEGER NOT NULL,
    data_crc INTEGER NOT NULL,
    data BLOB
) STRICT;
CREATE UNIQUE INDEX message_id ON message(id);
CREATE INDEX message_ready ON message(queue, priority, position) WHERE state = 0;
CREATE INDEX message_due ON message(queue, due, state) WHERE state > 0;
-- Payloads too large to be written again with each change of their message.
CREATE TABLE body(
    seq INTEGER PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;
CREATE TABLE dedup(
    queue INTEGER NOT NULL,
    key TEXT NOT NULL,
    until INTEGER NOT NULL,
    message TEXT NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY(queue, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX dedup_until ON dedup(until);

-- `kind` is 0 for an event and 1 for a message; `origin` is the subscription or the queue, `number` the sequence or
-- the priority.
CREATE TABLE dead(
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind INTEGER NOT NULL,
    origin TEXT NOT NULL,
    topic TEXT,
    number INTEGER NOT NULL,
    message TEXT,
    enqueued_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    error TEXT NOT NULL,
    failed_at INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    record BLOB NOT NULL
) STRICT;
CREATE INDEX dead_origin ON dead(kind, origin, id);
CREATE INDEX dead_topic ON dead(topic, id) WHERE topic IS NOT NULL;

CREATE TABLE timer(
    seq INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    due INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    payload BLOB NOT NULL
) STRICT;
CREATE INDEX timer_due ON timer(due, key);

CREATE TABLE owner(
    resource TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    token INTEGER NOT NULL,
    until INTEGER NOT NULL,
    crc INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE blob(
    name TEXT PRIMARY KEY,
    id INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    parts INTEGER NOT NULL,
    crc INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE blob_part(
    blob INTEGER NOT NULL,
    part INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY(blob, part)
) STRICT, WITHOUT ROWID;
