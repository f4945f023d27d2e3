//! Who may act at the desk: codes and what they open. The same SQL on both databases: `postgres/enrol.rs`
//! and `sqlite/enrol.rs` run it.

use chatbox_core::input::{Input, InputKind};
use jiff::{SignedDuration, Timestamp};

use crate::{
    arrival,
    error::{Fail, StoreError},
    seal::{self, Sealer},
    views::{self, Practitioner},
};

/// How long a code can be used.
pub(crate) const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// Codes that one account may try within [`GUESS_WINDOW`].
pub(crate) const GUESSES: i64 = 5;
pub(crate) const GUESS_WINDOW: i64 = 3_600_000_000;

/// Counts a code that somebody tries, and returns how many they tried. Takes who, now and
/// [`GUESS_WINDOW`].
pub(crate) const GUESS: &str = "INSERT INTO guess (who, since, tries) VALUES ($1, $2, 1)
     ON CONFLICT (who) DO UPDATE SET
        tries = CASE WHEN guess.since > $2 - $3 THEN guess.tries + 1 ELSE 1 END,
        since = CASE WHEN guess.since > $2 - $3 THEN guess.since ELSE excluded.since END
     RETURNING tries";

/// Gives the place that a code is for to who tries it. Takes the code, who and now; returns key and name.
pub(crate) const REDEEM: &str = "UPDATE practitioner SET who = $2, code = NULL, expires = NULL
     WHERE code = $1 AND expires > $3
     AND NOT EXISTS (SELECT 1 FROM practitioner other WHERE other.who = $2)
     RETURNING key, name";

/// Takes now and who.
pub(crate) const ENROLLED: &str = "INSERT INTO audit (at, what, by) VALUES ($1, 'enrolled', $2)";

/// Adds somebody, or gives somebody who did not use their code yet another one. Changes no row if the name is
/// taken by somebody who is enrolled, or the id by another name. Takes the fields of [`New`] in their order.
pub(crate) const ADD: &str =
    "INSERT INTO practitioner (key, who, code, expires, lead, added, name, organisation)
     SELECT $1, $2, $3, $4, $5, $6, $7, $8
     WHERE NOT EXISTS (SELECT 1 FROM practitioner other WHERE other.who = $2)
     ON CONFLICT (key) DO UPDATE SET who = excluded.who, code = excluded.code,
        expires = excluded.expires, lead = excluded.lead, added = excluded.added,
        name = excluded.name, organisation = excluded.organisation
     WHERE practitioner.who IS NULL";

/// Takes the key; returns who it was.
pub(crate) const REMOVE: &str = "DELETE FROM practitioner WHERE key = $1 RETURNING who";

/// Takes now and who.
pub(crate) const REMOVED: &str = "INSERT INTO audit (at, what, by) VALUES ($1, 'removed', $2)";

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
    Ok(arrival::body(&Input::new(views::time(received, "inbox", "received")?, what))?)
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
