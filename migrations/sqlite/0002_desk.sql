-- The desk's people: where they work (sealed), and until when a code can be used.
ALTER TABLE practitioner ADD COLUMN organisation BLOB;
ALTER TABLE practitioner ADD COLUMN expires INTEGER;

-- Codes that somebody tried since a moment: guessing is limited. who: as in practitioner.
CREATE TABLE guess (
    who   TEXT PRIMARY KEY,
    since INTEGER NOT NULL,
    tries INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What the desk did with a case.
CREATE INDEX audit_case ON audit (case_ref) WHERE case_ref IS NOT NULL;

-- What was said at the desk, by the platform's id: a message taken back names nothing else.
CREATE INDEX inbox_desk ON inbox (native) WHERE origin = 1;
