//! Who may act at the desk.

use sqlx::PgConnection;

use crate::{
    arrival::Arrival,
    enrol::{self, New},
    error::Fail,
    seal::Sealer,
};

/// When a message was received, if it was. Takes its key.
const SEEN: &str = "SELECT at FROM seen WHERE key = $1";

/// Gives each arrival that is a code and was not seen before what came of it.
pub(super) async fn redeem(
    tx: &mut PgConnection,
    sealer: &Sealer,
    arrivals: &mut [Arrival],
) -> Result<(), Fail> {
    for arrival in arrivals.iter_mut() {
        let Some(proof) = &arrival.proof else { continue };
        let seen: Option<i64> =
            sqlx::query_scalar(SEEN).bind(&arrival.key[..]).fetch_optional(&mut *tx).await?;
        if seen.is_some() {
            continue;
        }
        let tries: i64 = sqlx::query_scalar(enrol::GUESS)
            .bind(&proof.who)
            .bind(arrival.received)
            .bind(enrol::GUESS_WINDOW)
            .fetch_one(&mut *tx)
            .await?;
        let mut found: Option<(Vec<u8>, Vec<u8>)> = None;
        if tries <= enrol::GUESSES {
            found = sqlx::query_as(enrol::REDEEM)
                .bind(&proof.code)
                .bind(&proof.who)
                .bind(arrival.received)
                .fetch_optional(&mut *tx)
                .await?;
        }
        if found.is_some() {
            sqlx::query(enrol::ENROLLED).bind(arrival.received).bind(&proof.who).execute(&mut *tx).await?;
        }
        arrival.body = enrol::outcome(sealer, arrival.received, found)?;
    }
    Ok(())
}

/// False where [`enrol::ADD`] changes nothing.
pub(super) async fn add(tx: &mut PgConnection, new: &New) -> Result<bool, Fail> {
    let added = sqlx::query(enrol::ADD)
        .bind(&new.key)
        .bind(&new.who)
        .bind(&new.code)
        .bind(new.expires)
        .bind(new.lead)
        .bind(new.added)
        .bind(&new.name)
        .bind(&new.organisation)
        .execute(&mut *tx)
        .await?;
    Ok(added.rows_affected() > 0)
}

/// False if there is nobody of that name.
pub(super) async fn remove(tx: &mut PgConnection, key: &[u8], now: i64) -> Result<bool, Fail> {
    let gone: Option<Option<String>> =
        sqlx::query_scalar(enrol::REMOVE).bind(key).fetch_optional(&mut *tx).await?;
    let Some(who) = gone else { return Ok(false) };
    sqlx::query(enrol::REMOVED).bind(now).bind(who).execute(&mut *tx).await?;
    Ok(true)
}
