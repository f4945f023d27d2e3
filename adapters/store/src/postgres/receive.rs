//! Receiving: each conversation is locked before what goes to it takes its place.

use sqlx::{PgConnection, PgPool};

use super::{Postgres, Result, again, enrol, own::Own, written::write};
use crate::{
    arrival::Arrival,
    error::Fail,
    rows,
    seal::{self, Sealer},
};

type Tried<T> = std::result::Result<T, Fail>;

/// Arrivals under the seqs that they took.
pub(super) type Taken<'a> = Vec<(i64, &'a Arrival)>;

/// A transaction of its own, which waits for whoever is writing to the same conversations.
pub(super) async fn alone(
    pool: &PgPool,
    sealer: &Sealer,
    own: &Own,
    arrivals: Vec<Arrival>,
    cursor: Option<(String, String)>,
) -> Result<usize> {
    again(|| async {
        let mut tx = pool.begin().await?;
        lock_lanes(&mut tx, &arrivals, sealer).await?;
        // Codes are rare: everything else goes as it is.
        let mut proving;
        let mut arrivals = &arrivals[..];
        if arrivals.iter().any(|arrival| arrival.proof.is_some()) {
            proving = arrivals.to_vec();
            enrol::redeem(&mut tx, sealer, &mut proving).await?;
            arrivals = &proving[..];
        }
        let seqs = seqs(&mut tx, arrivals.len()).await?;
        let taken: Taken<'_> = seqs.into_iter().zip(arrivals).collect();
        let (_, new) = write(&mut tx, (&[], 0), &taken, sealer).await?;
        if let Some((channel, value)) = &cursor {
            sqlx::query(
                "INSERT INTO cursor (channel, value) VALUES ($1, $2)
                 ON CONFLICT (channel) DO UPDATE SET value = excluded.value",
            )
            .bind(channel)
            .bind(value)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        own.take_in(taken.iter().zip(&new).filter(|(_, new)| **new).map(|(taken, _)| *taken));
        Ok(new.into_iter().filter(|new| *new).count())
    })
    .await
}

impl Postgres {
    pub(crate) async fn receive(
        &self,
        arrivals: Vec<Arrival>,
        cursor: Option<(String, String)>,
    ) -> Result<usize> {
        if cursor.is_some() || arrivals.iter().any(|arrival| arrival.proof.is_some()) {
            return alone(&self.pool, &self.sealer, &self.own, arrivals, cursor).await;
        }
        self.together.receive(arrivals).await
    }
}

/// Whoever appends to a conversation holds its lock until the commit, so that a lower seq of it is
/// never committed after a higher one.
pub(super) async fn lock_lanes(tx: &mut PgConnection, arrivals: &[Arrival], sealer: &Sealer) -> Tried<()> {
    let mut locks: Vec<i64> = arrivals.iter().map(|arrival| lock_of(arrival, sealer)).collect();
    locks.sort_unstable();
    locks.dedup();
    if !locks.is_empty() {
        sqlx::query("SELECT pg_advisory_xact_lock(k) FROM unnest($1::bigint[]) k")
            .bind(&locks)
            .execute(tx)
            .await?;
    }
    Ok(())
}

/// The lock of the conversation that it goes to.
pub(super) fn lock_of(arrival: &Arrival, sealer: &Sealer) -> i64 {
    let hash = u128::from_be_bytes(sealer.hash("lane", &[&arrival.lane]));
    ((hash >> 64) as u64).cast_signed()
}

/// Appends what nothing else can have brought.
pub(super) async fn append(tx: &mut PgConnection, arrivals: &[&Arrival], sealer: &Sealer) -> Tried<()> {
    if arrivals.is_empty() {
        return Ok(());
    }
    let seqs = seqs(tx, arrivals.len()).await?;
    let bodies: Vec<Vec<u8>> =
        arrivals.iter().zip(&seqs).map(|(arrival, seq)| sealed(*seq, arrival, sealer)).collect();
    sqlx::query(
        "INSERT INTO inbox (seq, lane, native, origin, seed, received, body)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[],
                              $7::bytea[])",
    )
    .bind(&seqs)
    .bind(arrivals.iter().map(|a| a.lane.as_str()).collect::<Vec<_>>())
    .bind(arrivals.iter().map(|a| a.native.as_deref()).collect::<Vec<_>>())
    .bind(arrivals.iter().map(|a| a.origin).collect::<Vec<_>>())
    .bind(arrivals.iter().map(|a| a.seed).collect::<Vec<_>>())
    .bind(arrivals.iter().map(|a| a.received).collect::<Vec<_>>())
    .bind(&bodies)
    .execute(tx)
    .await?;
    Ok(())
}

/// So many seqs, lowest first. To be taken once the conversations are locked.
async fn seqs(tx: &mut PgConnection, count: usize) -> Tried<Vec<i64>> {
    let mut seqs: Vec<i64> =
        sqlx::query_scalar("SELECT nextval('inbox_seq_seq') FROM generate_series(1, $1::bigint)")
            .bind(rows::at_most(count))
            .fetch_all(tx)
            .await?;
    seqs.sort_unstable();
    Ok(seqs)
}

/// The seq is bound into the sealed body, so it must be known before.
pub(super) fn sealed(seq: i64, arrival: &Arrival, sealer: &Sealer) -> Vec<u8> {
    sealer.seal(seal::INBOX, &seq.to_be_bytes(), &arrival.body)
}
