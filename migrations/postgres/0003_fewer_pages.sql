-- What a conversation was told is found by what came in: a row of the outbox is one of the 65536 ids that
-- its input has. An input stays as long as anything that was said because of it, so the outbox needs
-- no index by person.
DELETE FROM outbox WHERE status <> 0 AND NOT EXISTS (SELECT 1 FROM inbox WHERE seq = outbox.id / 65536);
DROP INDEX outbox_person;

-- Each row of the outbox with the input it follows from. seq, heard, origin: the input's place, id and origin.
CREATE VIEW said AS
SELECT o.id, o.lane, o.kind, o.status, o.handed, o.made, o.native, o.body,
       i.lane AS person, i.seq, i.native AS heard, i.origin
FROM inbox i JOIN outbox o ON o.id >= i.seq * 65536 AND o.id < (i.seq + 1) * 65536;
