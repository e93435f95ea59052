-- Keys and values. kv holds its value last, so that revision and checksum are read without its overflow pages.
CREATE TABLE bucket(
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    entries INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;
CREATE TABLE kv(
    bucket INTEGER NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY(bucket, key)
) STRICT, WITHOUT ROWID;
INSERT INTO meta(name, value) VALUES('revision', 0);
