-- What somebody wrote is found in parts, 2048 inputs in each. What comes in touches the few pages of the newest part,
-- where an index by person alone has a page for each. Whoever looks for what a person wrote looks into every
-- part; nobody does so for a message that comes in.
DROP VIEW said;
DROP INDEX inbox_lane;
CREATE INDEX inbox_lane ON inbox (seq / 2048, lane);

-- The inbox, to be asked for the rows of one lane.
CREATE VIEW heard AS
WITH RECURSIVE part (nth) AS (
    SELECT min(seq) / 2048 FROM inbox
    UNION ALL
    SELECT nth + 1 FROM part WHERE nth < (SELECT max(seq) / 2048 FROM inbox)
)
SELECT i.* FROM part CROSS JOIN inbox i INDEXED BY inbox_lane ON i.seq / 2048 = part.nth;

-- Each row of the outbox with the input it follows from. seq, heard, origin: the input's place, id and origin.
CREATE VIEW said AS
SELECT o.id, o.lane, o.kind, o.status, o.handed, o.made, o.native, o.body,
       i.lane AS person, i.seq, i.native AS heard, i.origin
FROM heard i CROSS JOIN outbox o NOT INDEXED ON o.id >= i.seq * 65536 AND o.id < (i.seq + 1) * 65536;
