//! The copies that were made of a message on the other side, found and changed. The same SQL on
//! both databases.

use chatbox_core::{
    effect::{DeskKind, SayKind},
    ids::OutboxId,
};

use crate::{
    error::{Fail, StoreError},
    plan::{self, Body},
    seal::{self, Sealer},
    sends,
    views::Copy,
};

/// What is left of a text that was taken back.
const TAKEN_BACK: &str = "(taken back)";

/// Defines a module of statements for one database's connection.
macro_rules! copies {
    ($name:ident, $connection:ty) => {
        mod $name {
            use std::collections::BTreeSet;

            use crate::{
                copies::{self, Found},
                error::StoreError,
                seal::Sealer,
                views::Copy,
            };

            type Connection = $connection;

            /// Those that were sent of a person's message (`desk` true: at the desk) or of a
            /// practitioner's, and the rows that went out in one message with them.
            pub(super) async fn find(
                db: &mut Connection,
                sealer: &Sealer,
                person: &str,
                of: &str,
                desk: bool,
            ) -> Result<Vec<Copy>, StoreError> {
                let rows: Vec<Found> = sqlx::query_as(
                    "SELECT id, lane, native, body FROM said
                     WHERE person = $1 AND heard = $2 AND kind = $3 AND status = 1 AND native IS NOT NULL
                     ORDER BY id",
                )
                .bind(person)
                .bind(of)
                .bind(copies::kind(desk))
                .fetch_all(&mut *db)
                .await?;
                let mut found = Vec::new();
                for row in rows {
                    found.extend(copies::read(sealer, row, true)?);
                }
                let known: BTreeSet<_> = found.iter().map(|copy| copy.id).collect();
                let natives: BTreeSet<String> = found.iter().map(|copy| copy.native.clone()).collect();
                for native in natives {
                    let rows: Vec<Found> = sqlx::query_as(
                        "SELECT id, lane, native, body FROM said
                         WHERE person = $1 AND kind = $2 AND native = $3 AND status = 1 ORDER BY id",
                    )
                    .bind(person)
                    .bind(copies::kind(desk))
                    .bind(native)
                    .fetch_all(&mut *db)
                    .await?;
                    for row in rows {
                        found.extend(
                            copies::read(sealer, row, false)?.filter(|copy| !known.contains(&copy.id)),
                        );
                    }
                }
                found.sort_by_key(|copy| copy.id);
                Ok(found)
            }
        }
    };
}
pub(crate) use copies;

/// The text of a row that is over. Takes its id.
pub(crate) const OVER: &str = "SELECT body FROM outbox WHERE id = $1 AND status > 0";

/// Takes id and text.
pub(crate) const REWRITE: &str = "UPDATE outbox SET body = $2 WHERE id = $1";

/// id, lane, native, body.
pub(crate) type Found = (i64, String, String, Vec<u8>);

pub(crate) fn kind(desk: bool) -> i64 {
    if desk { plan::DESK } else { plan::RELAY }
}

/// `None` for what does not pass on somebody's words.
pub(crate) fn read(sealer: &Sealer, row: Found, of_it: bool) -> Result<Option<Copy>, StoreError> {
    let (id, lane, native, body) = row;
    let text = match sealer.open_json(seal::OUTBOX, &id.to_be_bytes(), &body)? {
        Body::Say(say) if say.kind == SayKind::Relay => say.text,
        Body::Desk(post) if post.kind == DeskKind::Message => post.text,
        Body::Say(_) | Body::Desk(_) | Body::Clear { .. } | Body::Amend { .. } => return Ok(None),
    };
    Ok(Some(Copy { id: plan::outbox_id(id), to: sends::destination(&lane)?, native, text, of_it }))
}

pub(crate) fn changed(sealer: &Sealer, id: i64, body: &[u8], text: Option<&str>) -> Result<Vec<u8>, Fail> {
    let mut body: Body = sealer.open_json(seal::OUTBOX, &id.to_be_bytes(), body)?;
    let text = text.unwrap_or(TAKEN_BACK).to_owned();
    match &mut body {
        Body::Say(say) => {
            say.text = text;
            say.media = None;
        }
        Body::Desk(post) => {
            post.text = text;
            post.media = None;
        }
        Body::Clear { .. } | Body::Amend { .. } => {}
    }
    sealer.seal_json(seal::OUTBOX, &id.to_be_bytes(), &body).map_err(|_| Fail::Rows)
}

pub(crate) fn rows(ids: &[OutboxId]) -> Vec<i64> {
    ids.iter().map(|id| plan::row_id(*id)).collect()
}
