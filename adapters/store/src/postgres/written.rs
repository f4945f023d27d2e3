//! The one statement that writes down how sends ended and takes messages in: the way to the server and back
//! costs as much as most of it.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use super::{
    outbox::{self, End, Finished},
    receive::sealed,
};
use crate::{
    arrival::Arrival,
    error::Fail,
    seal::Sealer,
    sends::{self, Ended},
};

type Tried<T> = std::result::Result<T, Fail>;

/// The ends that were written.
pub(super) struct Written {
    ids: BTreeSet<i64>,
    /// Something is left to be sent in one of their lanes, or waited for one of them.
    left: bool,
}

impl Written {
    pub(super) fn of(&self, ends: &[End]) -> Finished {
        Finished { late: sends::late(ends, self.ids.iter().copied()), left: self.left }
    }
}

/// A row that was written.
#[derive(sqlx::FromRow)]
struct Row {
    /// The id of a text that ended, or the seq of what came in.
    id: i64,
    ended: bool,
    /// It is to be erased now that it is over.
    erase: bool,
    /// The person whom others wait behind a gate for.
    awaited: Option<String>,
    /// Something is left in its lane.
    left: bool,
}

/// Writes ends, known at `now`, once what they need is held; and of what came in what was not seen before, each
/// under its seq and with its first try counted, and tells which of it that was. Of two with one key the first
/// counts.
pub(super) async fn write(
    tx: &mut PgConnection,
    (ends, now): (&[End], i64),
    arrivals: &[(i64, &Arrival)],
    sealer: &Sealer,
) -> Tried<(Written, Vec<bool>)> {
    if ends.is_empty() && arrivals.is_empty() {
        return Ok((Written { ids: BTreeSet::new(), left: false }, Vec::new()));
    }
    let ended = Ended::of(ends);
    let mut known = BTreeSet::new();
    let firsts: Vec<_> = arrivals.iter().filter(|(_, arrival)| known.insert(arrival.key)).collect();
    let rows: Vec<Row> = sqlx::query_as(WRITE)
        .bind(outbox::ids(ends).collect::<Vec<_>>())
        .bind(ended.iter().map(|end| end.1).collect::<Vec<_>>())
        .bind(ended.iter().map(|end| end.2).collect::<Vec<_>>())
        .bind(ended.iter().map(|end| end.3).collect::<Vec<_>>())
        .bind(ended.iter().map(|end| end.4).collect::<Vec<_>>())
        .bind(ended.iter().map(|end| end.5).collect::<Vec<_>>())
        .bind(now)
        .bind(firsts.iter().map(|(seq, _)| *seq).collect::<Vec<_>>())
        .bind(firsts.iter().map(|(_, a)| a.lane.as_str()).collect::<Vec<_>>())
        .bind(firsts.iter().map(|(_, a)| a.native.as_deref()).collect::<Vec<_>>())
        .bind(firsts.iter().map(|(_, a)| a.origin).collect::<Vec<_>>())
        .bind(firsts.iter().map(|(_, a)| a.seed).collect::<Vec<_>>())
        .bind(firsts.iter().map(|(_, a)| a.received).collect::<Vec<_>>())
        .bind(firsts.iter().map(|(seq, a)| sealed(*seq, a, sealer)).collect::<Vec<_>>())
        .bind(firsts.iter().map(|(_, a)| &a.key[..]).collect::<Vec<_>>())
        .bind(firsts.first().map_or(0, |(_, first)| first.received))
        .fetch_all(&mut *tx)
        .await?;
    let (ended, taken): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.ended);
    let gone: Vec<i64> = ended.iter().filter(|row| row.erase).map(|row| row.id).collect();
    if !gone.is_empty() {
        sqlx::query("DELETE FROM outbox WHERE id = ANY($1)").bind(&gone).execute(&mut *tx).await?;
    }
    let awaited: Vec<&str> = ended.iter().filter_map(|row| row.awaited.as_deref()).collect();
    if !awaited.is_empty() {
        sqlx::query(
            "UPDATE sending SET ready = $2 WHERE lane IN (
                SELECT lane FROM outbox
                WHERE person = ANY($1) AND gate = 1 AND status = 0 AND handed = 0 AND due <= $2)
             AND ready > $2 AND NOT EXISTS (
                SELECT 1 FROM outbox o
                WHERE o.lane = sending.lane AND o.status = 0 AND (o.handed = 1 OR o.due > $2))",
        )
        .bind(&awaited)
        .bind(now)
        .execute(&mut *tx)
        .await?;
    }
    let left = !awaited.is_empty() || ended.iter().any(|row| row.left);
    let written = Written { ids: ended.iter().map(|row| row.id).collect(), left };
    let new: BTreeSet<i64> = taken.iter().map(|row| row.id).collect();
    Ok((written, arrivals.iter().map(|(seq, _)| new.contains(seq)).collect()))
}

/// Ends and when they were known, then what came in and when; returns [`Row`]s.
///
/// What is left in each lane is told from the rows as they were and from what is written now: no part of a
/// statement sees what another part of it does. Whether anybody waits behind a gate is asked after the locks:
/// who was waited for may have put it there.
const WRITE: &str = "
    WITH written AS (
        UPDATE outbox SET status = j.status, native = j.native, due = j.due, handed = 0,
               unknown = outbox.unknown + j.unknown
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[])
             j (id, fence, status, native, due, unknown)
        WHERE outbox.id = ANY($1) AND outbox.id = j.id AND outbox.fence = j.fence
          AND outbox.status = 0 AND outbox.handed = 1
        RETURNING outbox.id, outbox.lane, outbox.person, outbox.erase, outbox.status, outbox.due),
    queued AS (
        SELECT o.lane, min(o.rank) AS rank, max(coalesce(w.due, o.due)) AS due,
               max(CASE WHEN w.id IS NULL THEN o.handed ELSE 0 END) AS handed
        FROM outbox o LEFT JOIN written w ON w.id = o.id
        WHERE o.lane IN (SELECT lane FROM written) AND o.status = 0 AND coalesce(w.status, 0) = 0
        GROUP BY o.lane),
    empty AS (
        DELETE FROM sending WHERE lane IN (SELECT lane FROM written)
        AND lane NOT IN (SELECT lane FROM queued)),
    next AS (
        UPDATE sending SET rank = q.rank, ready = greatest(q.due, $7) FROM queued q
        WHERE sending.lane = q.lane AND q.handed = 0),
    fresh AS (
        INSERT INTO seen (key, at) SELECT key, $16 FROM unnest($15::bytea[]) j (key)
        ON CONFLICT DO NOTHING RETURNING key),
    taken AS (
        INSERT INTO inbox (seq, lane, native, origin, tries, seed, received, body)
        SELECT seq, lane, native, origin, 1, seed, received, body
        FROM unnest($8::bigint[], $9::text[], $10::text[], $11::bigint[], $12::bigint[], $13::bigint[],
                    $14::bytea[], $15::bytea[]) j (seq, lane, native, origin, seed, received, body, key)
        WHERE key IN (SELECT key FROM fresh)
        RETURNING seq)
    SELECT id, true AS ended, erase = 1 AND status > 0 AS erase,
           CASE WHEN EXISTS (SELECT FROM outbox o
                             WHERE o.person = written.person AND o.gate = 1 AND o.status = 0)
                THEN person END AS awaited,
           lane IN (SELECT lane FROM queued) AS left
    FROM written
    UNION ALL SELECT seq, false, false, NULL, false FROM taken";
