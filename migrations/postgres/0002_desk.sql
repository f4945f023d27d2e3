-- The desk's people: where they work (sealed), and until when a code can be used.
ALTER TABLE practitioner ADD COLUMN organisation BYTEA;
ALTER TABLE practitioner ADD COLUMN expires BIGINT;

-- Codes that somebody tried since a moment: guessing is limited. who: as in practitioner.
CREATE TABLE guess (
    who   TEXT PRIMARY KEY,
    since BIGINT NOT NULL,
    tries BIGINT NOT NULL
);

-- What the desk did with a case.
CREATE INDEX audit_case ON audit (case_ref) WHERE case_ref IS NOT NULL;

-- What was said at the desk, by the platform's id: a message taken back names nothing else.
CREATE INDEX inbox_desk ON inbox (native) WHERE origin = 1;
