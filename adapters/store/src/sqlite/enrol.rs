//! Who may act at the desk.

use rusqlite::{Connection, OptionalExtension, params};

use super::{inbox::Seen, statement::shared};
use crate::{
    arrival::Arrival,
    enrol::{self, New},
    error::Fail,
    seal::Sealer,
};

/// Gives each arrival that is a code and was not seen before what came of it.
pub(super) fn redeem(
    db: &Connection,
    sealer: &Sealer,
    arrivals: &mut [Arrival],
    seen: &mut Seen<'_>,
) -> Result<(), Fail> {
    for arrival in arrivals {
        let Some(proof) = &arrival.proof else { continue };
        if seen.knows(arrival)? {
            continue;
        }
        let now = arrival.received;
        let tries: i64 = shared(db, enrol::GUESS)?
            .query_row(params![proof.who, now, enrol::GUESS_WINDOW], |row| row.get(0))?;
        let mut found: Option<(Vec<u8>, Vec<u8>)> = None;
        if tries <= enrol::GUESSES {
            found = shared(db, enrol::REDEEM)?
                .query_row(params![proof.code, proof.who, now], |row| row.try_into())
                .optional()?;
        }
        if found.is_some() {
            shared(db, enrol::ENROLLED)?.execute(params![now, proof.who])?;
        }
        arrival.body = enrol::outcome(sealer, now, found)?;
    }
    Ok(())
}

/// False where [`enrol::ADD`] changes nothing.
pub(super) fn add(db: &Connection, new: &New) -> Result<bool, Fail> {
    let New { key, who, code, expires, lead, added, name, organisation } = new;
    let changed =
        shared(db, enrol::ADD)?.execute(params![key, who, code, expires, lead, added, name, organisation])?;
    Ok(changed > 0)
}

/// False if there is nobody of that name.
pub(super) fn remove(db: &Connection, key: &[u8], now: i64) -> Result<bool, Fail> {
    let gone: Option<Option<String>> =
        shared(db, enrol::REMOVE)?.query_row([key], |row| row.get(0)).optional()?;
    let Some(who) = gone else { return Ok(false) };
    shared(db, enrol::REMOVED)?.execute(params![now, who])?;
    Ok(true)
}
