-- What a conversation was told is found by what came in: a row of the outbox is one of the 65536 ids that
-- its input has. An input stays as long as anything that was said because of it, so the outbox needs
-- no index by person, which cost as much as the row itself.
DELETE FROM outbox WHERE status <> 0 AND NOT EXISTS (SELECT 1 FROM inbox WHERE seq = outbox.id / 65536);
DROP INDEX outbox_person;

-- Each row of the outbox with the input it follows from. seq, heard, origin: the input's place, id and origin.
CREATE VIEW said AS
SELECT o.id, o.lane, o.kind, o.status, o.handed, o.made, o.native, o.body,
       i.lane AS person, i.seq, i.native AS heard, i.origin
FROM inbox i CROSS JOIN outbox o ON o.id >= i.seq * 65536 AND o.id < (i.seq + 1) * 65536;

-- Keyed hashes of the messages that were received, those of one time together: a hash alone has a page to
-- itself. sent: seconds since 1970, 0 where it is not known.
ALTER TABLE seen RENAME TO seen_before;
CREATE TABLE seen (
    sent INTEGER NOT NULL,
    key  BLOB NOT NULL,
    at   INTEGER NOT NULL,
    PRIMARY KEY (sent, key)
) STRICT, WITHOUT ROWID;
