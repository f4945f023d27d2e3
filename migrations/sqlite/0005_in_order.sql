-- Keyed hashes of the messages that were received, in an order that grows with the messages of a channel, so that
-- the newest are on one page: a busy second has thousands. place: where a key stands, 0 if it has no order.
-- Earlier ones are known by their hash alone.
INSERT INTO seen_before SELECT key, at FROM seen WHERE true ORDER BY key ON CONFLICT (key) DO NOTHING;
DROP TABLE seen;
CREATE TABLE seen (
    place INTEGER NOT NULL,
    key   BLOB NOT NULL,
    at    INTEGER NOT NULL,
    PRIMARY KEY (place, key)
) STRICT, WITHOUT ROWID;
