//! What rows say that were read: of both databases the same.

use std::{cmp::Reverse, time::Duration};

use chatbox_core::{
    channel::Post,
    effect::Record,
    ids::{Lane, Reference},
    input::{Input, InputKind},
};

use crate::{
    error::StoreError,
    plan::{self, Body},
    seal::{self, Sealer},
    views::{self, Audited, CaseState, Line, OpenCase, Parked, Saved, SendState, Spoken},
};

type Result<T> = std::result::Result<T, StoreError>;

/// seq, received, body.
pub(crate) type Heard = (i64, i64, Option<Vec<u8>>);
/// id, made, status, body.
pub(crate) type Said = (i64, i64, i64, Vec<u8>);
/// reference, kind, lane, created, body, state.
pub(crate) type RecordFound = (String, String, Option<String>, i64, Vec<u8>, Option<i64>);

/// lane, case, urgency, holder, since, changed.
pub(crate) type CaseFound = (String, Option<String>, i64, i64, Option<i64>, i64);

pub(crate) fn lane(text: &str, table: &'static str) -> Result<Lane> {
    text.parse().map_err(|_| StoreError::Unreadable { table, column: "lane" })
}

/// Newest first in, the last `limit` of both together in order out.
pub(crate) fn lines(sealer: &Sealer, heard: Vec<Heard>, said: Vec<Said>, limit: usize) -> Result<Vec<Line>> {
    let mut lines = Vec::with_capacity(heard.len() + said.len());
    for (seq, received, body) in heard {
        let input = body.map(|body| sealer.open_json(seal::INBOX, &seq.to_be_bytes(), &body)).transpose()?;
        let at = views::time(received, "inbox", "received")?;
        lines.push(((seq, 0, 0), Line { at, what: Spoken::Heard { seq, input } }));
    }
    for (row, made, status, body) in said {
        let post = match sealer.open_json(seal::OUTBOX, &row.to_be_bytes(), &body)? {
            Body::Say(say) => Post::Say(say),
            Body::Desk(post) => Post::Desk(post),
            Body::Clear { .. } | Body::Amend { .. } => continue,
        };
        let state = match status {
            0 => SendState::Waiting,
            1 => SendState::Sent,
            3 => SendState::Dropped,
            _ => SendState::Refused,
        };
        let id = plan::outbox_id(row);
        let at = views::time(made, "outbox", "made")?;
        lines.push(((id.input, 1, id.nth), Line { at, what: Spoken::Said { id, post, state } }));
    }
    lines.sort_by_key(|(key, _)| Reverse(*key));
    lines.truncate(limit);
    Ok(lines.into_iter().rev().map(|(_, line)| line).collect())
}

/// The case in whose thread something was said at the desk.
pub(crate) fn desk_case(sealer: &Sealer, seq: i64, body: &[u8]) -> Result<Option<Reference>> {
    let input: Input = sealer.open_json(seal::INBOX, &seq.to_be_bytes(), body)?;
    Ok(if let InputKind::Desk(message) = input.what { message.case } else { None })
}

pub(crate) fn saved(sealer: &Sealer, row: RecordFound) -> Result<Saved> {
    let (reference, kind, of, created, body, state) = row;
    let data = sealer.open_json(seal::RECORD, reference.as_bytes(), &body)?;
    Ok(Saved {
        record: Record { kind, reference: Reference(reference), data },
        created: views::time(created, "record", "created")?,
        state: CaseState::of(state),
        lane: of.map(|of| lane(&of, "record")).transpose()?,
    })
}

pub(crate) fn open_case(row: CaseFound) -> Result<OpenCase> {
    let (of, case, urgency, holder, since, changed) = row;
    let since = since.map(|since| views::time(since, "conversation", "since")).transpose()?;
    Ok(OpenCase {
        lane: lane(&of, "conversation")?,
        reference: case.map(Reference),
        urgency: i16::try_from(urgency).unwrap_or(i16::MAX),
        waiting: since.filter(|_| holder == 1),
        held: since.filter(|_| holder == 2),
        changed: views::time(changed, "conversation", "changed")?,
    })
}

pub(crate) fn parked(row: (i64, String, i64, i64)) -> Result<Parked> {
    let (seq, of, received, tries) = row;
    Ok(Parked {
        seq,
        lane: lane(&of, "inbox")?,
        received: views::time(received, "inbox", "received")?,
        tries: u16::try_from(tries).unwrap_or(u16::MAX),
    })
}

pub(crate) fn audited(row: (i64, String, Option<String>, Option<String>)) -> Result<Audited> {
    let (at, what, by, case) = row;
    Ok(Audited {
        at: views::time(at, "audit", "at")?,
        what: serde_json::from_value(what.into())
            .map_err(|_| StoreError::Unreadable { table: "audit", column: "what" })?,
        by,
        case: case.map(Reference),
    })
}

pub(crate) fn age(now: i64, then: Option<i64>) -> Option<Duration> {
    then.map(|then| Duration::from_micros(u64::try_from(now.saturating_sub(then)).unwrap_or(0)))
}
