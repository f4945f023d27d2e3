-- Times are microseconds since 1970, UTC. Columns named body, state, value and name are sealed.

-- Facts about the database itself: the key of the keyed hashes, which also proves the key file.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Where a channel goes on.
CREATE TABLE cursor (
    channel TEXT PRIMARY KEY,
    value   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Keyed hashes of the messages that were received.
CREATE TABLE seen (
    key BLOB PRIMARY KEY,
    at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What came in. status: 0 undecided, 1 decided, 2 parked. origin: 0 the person, 1 the desk, 2 a
-- timer, 3 the platform. A body that is null was taken back.
CREATE TABLE inbox (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    lane     TEXT NOT NULL,
    native   TEXT,
    origin   INTEGER NOT NULL,
    status   INTEGER NOT NULL DEFAULT 0,
    tries    INTEGER NOT NULL DEFAULT 0,
    seed     INTEGER NOT NULL,
    received INTEGER NOT NULL,
    body     BLOB
) STRICT;
CREATE INDEX inbox_waiting ON inbox (seq) WHERE status = 0;
CREATE INDEX inbox_parked ON inbox (seq) WHERE status = 2;
CREATE INDEX inbox_lane ON inbox (lane, seq);

-- One row a conversation. holder: 0 bot, 1 waiting, 2 practitioner. handled: a practitioner held
-- it once.
CREATE TABLE conversation (
    lane     TEXT NOT NULL UNIQUE,
    epoch    INTEGER NOT NULL DEFAULT 0,
    holder   INTEGER NOT NULL DEFAULT 0,
    since    INTEGER,
    case_ref TEXT,
    urgency  INTEGER NOT NULL DEFAULT 0,
    handled  INTEGER NOT NULL DEFAULT 0,
    changed  INTEGER NOT NULL DEFAULT 0,
    state    BLOB
) STRICT;
CREATE INDEX conversation_open ON conversation (urgency) WHERE urgency > 0 OR holder > 0;

-- What goes out. id: seq of the input * 65536 + place of the effect. lane: the person's, or
-- desk/REFERENCE. kind: 0 safety, 1 relay, 2 notice, 3 bot, 4 clear, 5 desk. place: 0 goes before
-- 1 in its lane. status: 0 queued, 1 sent, 2 refused, 3 dropped, 4 no key
-- opens it. fence counts the times it was
-- handed out; handed: the last of them was not reported yet. gate: waits until no older bot row
-- of the person is leased. erase: goes when it was sent.
CREATE TABLE outbox (
    id      INTEGER PRIMARY KEY,
    lane    TEXT NOT NULL,
    person  TEXT NOT NULL,
    kind    INTEGER NOT NULL,
    rank    INTEGER NOT NULL,
    place   INTEGER NOT NULL,
    epoch   INTEGER NOT NULL,
    gate    INTEGER NOT NULL,
    erase   INTEGER NOT NULL,
    made    INTEGER NOT NULL,
    due     INTEGER NOT NULL DEFAULT 0,
    status  INTEGER NOT NULL DEFAULT 0,
    fence   INTEGER NOT NULL DEFAULT 0,
    handed  INTEGER NOT NULL DEFAULT 0,
    unknown INTEGER NOT NULL DEFAULT 0,
    native  TEXT,
    body    BLOB NOT NULL
) STRICT;
CREATE INDEX outbox_queued ON outbox (lane, place, id) WHERE status = 0;
CREATE INDEX outbox_person ON outbox (person, id);
CREATE INDEX outbox_gated ON outbox (person) WHERE gate = 1 AND status = 0;

-- One row a lane that has something queued. ready: not before; the end of the lease while leased.
-- rank: the most urgent row's.
CREATE TABLE sending (
    lane  TEXT PRIMARY KEY,
    rank  INTEGER NOT NULL,
    ready INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sending_next ON sending (rank, ready);
CREATE INDEX sending_ready ON sending (ready);

CREATE TABLE timer (
    lane TEXT NOT NULL,
    name TEXT NOT NULL,
    step TEXT NOT NULL,
    due  INTEGER NOT NULL,
    PRIMARY KEY (lane, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX timer_due ON timer (due);

-- References are given out once, to cases and records alike. lane: whose; null once erased.
-- thread: the case's at the desk.
CREATE TABLE reference (
    reference TEXT PRIMARY KEY,
    lane      TEXT,
    thread    TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX reference_lane ON reference (lane);
CREATE INDEX reference_thread ON reference (thread);

CREATE TABLE record (
    reference TEXT PRIMARY KEY,
    kind      TEXT NOT NULL,
    lane      TEXT,
    created   INTEGER NOT NULL,
    body      BLOB NOT NULL
) STRICT;
CREATE INDEX record_lane ON record (lane);

CREATE TABLE audit (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL,
    what     TEXT NOT NULL,
    by       TEXT,
    case_ref TEXT
) STRICT;

-- Who may act at the desk. key: keyed hash of the name in lower case; code: keyed hash.
CREATE TABLE practitioner (
    key   BLOB PRIMARY KEY,
    who   TEXT UNIQUE,
    code  BLOB UNIQUE,
    lead  INTEGER NOT NULL,
    added INTEGER NOT NULL,
    name  BLOB NOT NULL
) STRICT, WITHOUT ROWID;
