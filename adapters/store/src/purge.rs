//! What goes when its period is over. The same SQL on both databases.

use jiff::Timestamp;

use crate::{
    plan,
    views::{Periods, Purged},
};

/// The moments before which things go.
pub(crate) struct Cuts {
    chat: i64,
    records: i64,
    handled: i64,
    audit: i64,
    seen: i64,
}

impl Cuts {
    pub(crate) fn of(now: Timestamp, periods: &Periods) -> Self {
        let now = now.as_microsecond();
        Self {
            chat: plan::since(now, periods.chat),
            records: plan::since(now, periods.records),
            handled: plan::since(now, periods.handled),
            audit: plan::since(now, periods.audit),
            seen: plan::since(now, periods.seen),
        }
    }
}

pub(crate) struct Step {
    /// Ends in its condition, so that another can follow.
    pub(crate) sql: &'static str,
    pub(crate) slices: Option<Slices>,
    pub(crate) bind: fn(&Cuts) -> Vec<i64>,
    pub(crate) count: fn(&mut Purged, u64),
}

/// How SQLite goes through a long table: a piece at a time, oldest first, so that nobody waits for
/// the writer meanwhile.
pub(crate) struct Slices {
    pub(crate) table: &'static str,
    pub(crate) key: &'static str,
    /// What rises with the key: a piece that is younger than every period ends the step.
    pub(crate) time: Option<&'static str>,
}

/// In this order: what a conversation decides about goes before the conversation.
pub(crate) const STEPS: &[Step] = &[
    Step {
        sql: "DELETE FROM outbox WHERE status <> 0 AND made < CASE WHEN EXISTS
              (SELECT 1 FROM conversation c WHERE c.lane = outbox.person AND c.handled = 1)
              THEN $2 ELSE $1 END",
        slices: Some(Slices { table: "outbox", key: "id", time: Some("made") }),
        bind: |cuts| vec![cuts.chat, cuts.handled],
        count: |purged, rows| purged.outbox += rows,
    },
    // An input stays as long as anything that was said because of it: by the input it is found.
    Step {
        sql: "DELETE FROM inbox WHERE status <> 0 AND received < CASE WHEN EXISTS
              (SELECT 1 FROM conversation c WHERE c.lane = inbox.lane AND c.handled = 1)
              THEN $2 ELSE $1 END
              AND NOT EXISTS (SELECT 1 FROM outbox o
                  WHERE o.id >= inbox.seq * 65536 AND o.id < (inbox.seq + 1) * 65536)",
        slices: Some(Slices { table: "inbox", key: "seq", time: Some("received") }),
        bind: |cuts| vec![cuts.chat, cuts.handled],
        count: |purged, rows| purged.inbox += rows,
    },
    Step {
        sql: "DELETE FROM record WHERE created < CASE WHEN EXISTS
              (SELECT 1 FROM conversation c WHERE c.lane = record.lane AND c.handled = 1)
              THEN $2 ELSE $1 END",
        slices: None,
        bind: |cuts| vec![cuts.records, cuts.handled],
        count: |purged, rows| purged.records += rows,
    },
    Step {
        sql: "DELETE FROM conversation WHERE changed < CASE WHEN handled = 1 THEN $2 ELSE $1 END
              AND urgency <= 1 AND holder <> 2
              AND NOT EXISTS (SELECT 1 FROM timer t WHERE t.lane = conversation.lane)
              AND lane NOT IN (SELECT lane FROM inbox WHERE status = 0)
              AND lane NOT IN (SELECT person FROM outbox WHERE status = 0)",
        slices: Some(Slices { table: "conversation", key: "rowid", time: None }),
        bind: |cuts| vec![cuts.chat, cuts.handled],
        count: |purged, rows| purged.conversations += rows,
    },
    // A record outlives the chat it came from; whose it was does not.
    Step {
        sql: "UPDATE record SET lane = NULL WHERE lane IS NOT NULL AND created < $1
              AND NOT EXISTS (SELECT 1 FROM conversation c WHERE c.lane = record.lane)",
        slices: None,
        bind: |cuts| vec![cuts.chat],
        count: |_, _| {},
    },
    Step {
        sql: "UPDATE reference SET lane = NULL WHERE lane IS NOT NULL
              AND NOT EXISTS (SELECT 1 FROM conversation c WHERE c.lane = reference.lane)
              AND NOT EXISTS (SELECT 1 FROM record r WHERE r.lane = reference.lane)",
        slices: None,
        bind: |_| Vec::new(),
        count: |_, _| {},
    },
    Step {
        sql: "DELETE FROM audit WHERE at < $1",
        slices: None,
        bind: |cuts| vec![cuts.audit],
        count: |purged, rows| purged.audit += rows,
    },
    Step {
        sql: "DELETE FROM guess WHERE since < $1",
        slices: None,
        bind: |cuts| vec![cuts.seen],
        count: |_, _| {},
    },
    Step {
        sql: "DELETE FROM seen WHERE at < $1",
        slices: None,
        bind: |cuts| vec![cuts.seen],
        count: |purged, rows| purged.seen += rows,
    },
];

/// On SQLite alone, after the others: keys that an earlier version kept.
pub(crate) const SEEN_BEFORE: Step = Step {
    sql: "DELETE FROM seen_before WHERE at < $1",
    slices: None,
    bind: |cuts| vec![cuts.seen],
    count: |purged, rows| purged.seen += rows,
};
