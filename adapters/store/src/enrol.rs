//! Who may act at the desk: codes and what they open. The same SQL on both databases.

use chatbox_core::input::{Input, InputKind};
use jiff::{SignedDuration, Timestamp};

use crate::{
    error::StoreError,
    plan::{self, Fail},
    seal::{self, Sealer},
    views::{self, Practitioner},
};

/// How long a code can be used.
pub(crate) const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// Codes that one account may try within [`GUESS_WINDOW`].
pub(crate) const GUESSES: i64 = 5;
pub(crate) const GUESS_WINDOW: i64 = 3_600_000_000;

/// Defines a module of statements for one database's connection.
macro_rules! enrolment {
    ($name:ident, $connection:ty) => {
        mod $name {
            use crate::{
                enrol::{self, New},
                plan::{Arrival, Fail},
                seal::Sealer,
            };

            type Connection = $connection;

            /// Gives each arrival that is a code and was not seen before what came of it.
            pub(super) async fn redeem(
                tx: &mut Connection,
                sealer: &Sealer,
                arrivals: &mut [Arrival],
            ) -> Result<(), Fail> {
                for arrival in arrivals.iter_mut() {
                    let Some(proof) = &arrival.proof else { continue };
                    let seen: Option<i64> = sqlx::query_scalar("SELECT at FROM seen WHERE key = $1")
                        .bind(&arrival.key[..])
                        .fetch_optional(&mut *tx)
                        .await?;
                    if seen.is_some() {
                        continue;
                    }
                    let tries: i64 = sqlx::query_scalar(
                        "INSERT INTO guess (who, since, tries) VALUES ($1, $2, 1)
                         ON CONFLICT (who) DO UPDATE SET
                            tries = CASE WHEN guess.since > $2 - $3 THEN guess.tries + 1 ELSE 1 END,
                            since = CASE WHEN guess.since > $2 - $3 THEN guess.since ELSE excluded.since END
                         RETURNING tries",
                    )
                    .bind(&proof.who)
                    .bind(arrival.received)
                    .bind(enrol::GUESS_WINDOW)
                    .fetch_one(&mut *tx)
                    .await?;
                    let mut found: Option<(Vec<u8>, Vec<u8>)> = None;
                    if tries <= enrol::GUESSES {
                        found = sqlx::query_as(
                            "UPDATE practitioner SET who = $2, code = NULL, expires = NULL
                             WHERE code = $1 AND expires > $3
                             AND NOT EXISTS (SELECT 1 FROM practitioner other WHERE other.who = $2)
                             RETURNING key, name",
                        )
                        .bind(&proof.code)
                        .bind(&proof.who)
                        .bind(arrival.received)
                        .fetch_optional(&mut *tx)
                        .await?;
                    }
                    if found.is_some() {
                        sqlx::query("INSERT INTO audit (at, what, by) VALUES ($1, 'enrolled', $2)")
                            .bind(arrival.received)
                            .bind(&proof.who)
                            .execute(&mut *tx)
                            .await?;
                    }
                    arrival.body = enrol::outcome(sealer, arrival.received, found)?;
                }
                Ok(())
            }

            /// Adds somebody, or gives somebody who did not use their code yet another one. False
            /// if the name is taken by somebody who is enrolled, or the id by another name.
            pub(super) async fn add(tx: &mut Connection, new: &New) -> Result<bool, Fail> {
                let added = sqlx::query(
                    "INSERT INTO practitioner (key, who, code, expires, lead, added, name, organisation)
                     SELECT $1, $2, $3, $4, $5, $6, $7, $8
                     WHERE NOT EXISTS (SELECT 1 FROM practitioner other WHERE other.who = $2)
                     ON CONFLICT (key) DO UPDATE SET who = excluded.who, code = excluded.code,
                        expires = excluded.expires, lead = excluded.lead, added = excluded.added,
                        name = excluded.name, organisation = excluded.organisation
                     WHERE practitioner.who IS NULL",
                )
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

            pub(super) async fn remove(tx: &mut Connection, key: &[u8], now: i64) -> Result<bool, Fail> {
                let gone: Option<Option<String>> =
                    sqlx::query_scalar("DELETE FROM practitioner WHERE key = $1 RETURNING who")
                        .bind(key)
                        .fetch_optional(&mut *tx)
                        .await?;
                let Some(who) = gone else { return Ok(false) };
                sqlx::query("INSERT INTO audit (at, what, by) VALUES ($1, 'removed', $2)")
                    .bind(now)
                    .bind(who)
                    .execute(&mut *tx)
                    .await?;
                Ok(true)
            }
        }
    };
}
pub(crate) use enrolment;

/// What came of a code, as the input that its conversation gets.
pub(crate) fn outcome(
    sealer: &Sealer,
    received: i64,
    found: Option<(Vec<u8>, Vec<u8>)>,
) -> Result<zeroize::Zeroizing<Vec<u8>>, Fail> {
    let what = match found {
        Some((key, name)) => {
            let name = sealer.open(seal::NAME, &key, &name)?;
            InputKind::Enrolled { name: String::from_utf8_lossy(&name).into_owned() }
        }
        None => InputKind::NotEnrolled,
    };
    Ok(plan::body(&Input::new(views::time(received, "inbox", "received")?, what))?)
}

/// What a row of `practitioner` is to hold.
#[derive(Clone)]
pub(crate) struct New {
    pub(crate) key: Vec<u8>,
    pub(crate) who: Option<String>,
    pub(crate) code: Option<Vec<u8>>,
    pub(crate) expires: Option<i64>,
    pub(crate) lead: i64,
    pub(crate) added: i64,
    pub(crate) name: Vec<u8>,
    pub(crate) organisation: Option<Vec<u8>>,
}

/// How somebody will be known.
pub(crate) enum Known<'a> {
    Code(&'a str),
    Who(&'a str),
}

impl New {
    pub(crate) fn of(
        sealer: &Sealer,
        name: &str,
        organisation: Option<&str>,
        lead: bool,
        known: &Known<'_>,
        now: Timestamp,
    ) -> Self {
        let key = name_key(sealer, name);
        let (who, code) = match known {
            Known::Code(code) => (None, Some(sealer.hash("code", &[code]).to_vec())),
            Known::Who(who) => (Some((*who).to_owned()), None),
        };
        let expires = now.checked_add(CODE_LIFE).unwrap_or(Timestamp::MAX).as_microsecond();
        Self {
            key: key.to_vec(),
            who,
            expires: code.is_some().then_some(expires),
            code,
            lead: i64::from(lead),
            added: now.as_microsecond(),
            name: sealer.seal(seal::NAME, &key, name.trim().as_bytes()),
            organisation: organisation
                .map(|organisation| sealer.seal(seal::ORGANISATION, &key, organisation.trim().as_bytes())),
        }
    }
}

pub(crate) fn name_key(sealer: &Sealer, name: &str) -> [u8; 16] {
    sealer.hash("name", &[&name.trim().to_lowercase()])
}

/// key, who, lead, added, name, organisation, expires.
pub(crate) type Found = (Vec<u8>, Option<String>, i64, i64, Vec<u8>, Option<Vec<u8>>, Option<i64>);

pub(crate) fn practitioner(sealer: &Sealer, row: Found) -> Result<Practitioner, StoreError> {
    let (key, who, lead, added, name, organisation, expires) = row;
    let text = |bytes: zeroize::Zeroizing<Vec<u8>>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Practitioner {
        name: text(sealer.open(seal::NAME, &key, &name)?),
        organisation: organisation
            .map(|organisation| sealer.open(seal::ORGANISATION, &key, &organisation).map(text))
            .transpose()?,
        who,
        lead: lead == 1,
        added: views::time(added, "practitioner", "added")?,
        expires: expires.map(|expires| views::time(expires, "practitioner", "expires")).transpose()?,
    })
}
