//! What follows when a person takes a message back: its text goes, wherever it stands.
//!
//! Talk of the bot about it that has not left is dropped. Safety wording is not, and the desk's
//! alerts still leave: danger does not end because its words were taken back.

use chatbox_core::effect::DeskKind;

use crate::{
    error::StoreError,
    plan::Body,
    seal::{self, Sealer},
};

/// Each of these takes the lane and the native id.
pub(crate) const FORGET: &str = "UPDATE inbox SET body = NULL
     WHERE seq IN (SELECT seq FROM heard WHERE lane = $1 AND native = $2 AND origin = 0)";

/// An epoch before every practitioner's: whoever leases such a row finds it stale.
pub(crate) const STOP: &str = "UPDATE outbox SET epoch = -1 WHERE kind = 3 AND status = 0
     AND id IN (SELECT id FROM said WHERE person = $1 AND heard = $2 AND origin = 0)";

/// id, status, handed, body of what the desk was told because of it.
pub(crate) const TOLD: &str = "SELECT id, status, handed, body FROM said
     WHERE person = $1 AND kind = 5 AND heard = $2 AND origin = 0";

/// Takes id, status, erase and body.
pub(crate) const CHANGE: &str = "UPDATE outbox SET status = $2, erase = $3, body = $4 WHERE id = $1";

pub(crate) type Told = (i64, i64, i64, Vec<u8>);

/// What is written in place of a row of the desk.
pub(crate) struct Change {
    pub(crate) status: i64,
    pub(crate) erase: i64,
    pub(crate) body: Vec<u8>,
}

/// `None`: the row stays as it is, because it is on its way just now, or cannot be read.
pub(crate) fn change(sealer: &Sealer, told: &Told) -> Result<Option<Change>, StoreError> {
    let (id, status, handed, sealed) = told;
    let Ok(body) = sealer.open_json::<Body>(seal::OUTBOX, &id.to_be_bytes(), sealed) else { return Ok(None) };
    let waits = *status == 0;
    let copy = matches!(&body, Body::Desk(post) if post.kind == DeskKind::Message);
    if waits && !copy {
        return Ok(Some(Change { status: 0, erase: 1, body: sealed.clone() }));
    }
    if waits && *handed == 1 {
        return Ok(None);
    }
    let body = sealer.seal_json(seal::OUTBOX, &id.to_be_bytes(), &wordless(body))?;
    Ok(Some(Change { status: if waits { 3 } else { *status }, erase: 0, body }))
}

fn wordless(body: Body) -> Body {
    match body {
        Body::Desk(mut post) => {
            post.text.clear();
            post.media = None;
            Body::Desk(post)
        }
        Body::Amend { of, text: _ } => Body::Amend { of, text: None },
        Body::Say(say) => Body::Say(say),
        Body::Clear { within, also } => Body::Clear { within, also },
    }
}
