//! What is known of the outcome of a request.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex as SyncMutex, PoisonError, Weak},
    time::Duration,
};

use matrix_sdk::{
    Error, HttpError, Room,
    ruma::{
        OwnedEventId, OwnedRoomId, OwnedTransactionId, RoomId,
        api::error::{ErrorKind, FromHttpResponseError, RetryAfter},
    },
};
use serde_json::Value;
use tokio::sync::Mutex;

/// The wait when the homeserver names none, and the longest that is obeyed.
const DEFAULT_RETRY: Duration = Duration::from_secs(5);
const LONGEST_RETRY: Duration = Duration::from_mins(10);

/// How a request failed. Holds nothing of the homeserver's words, which may quote the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No connection came about.
    Connect,
    /// May or may not have been carried out.
    Unknown,
    /// Not carried out; not before this wait.
    RetryAfter(Duration),
    /// The homeserver does not know the bot's login any longer.
    Token,
    /// The homeserver refuses the request for good. `gone`: because the bot may not be there.
    Refused { code: u16, gone: bool },
    /// The answer is not one of a homeserver.
    Unreadable,
    /// It failed on this side, before anything was sent.
    Local,
}

impl Failure {
    /// For the log.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Unknown => "unknown",
            Self::RetryAfter(_) => "retry after",
            Self::Token => "token",
            Self::Refused { .. } => "refused",
            Self::Unreadable => "unreadable",
            Self::Local => "local",
        }
    }
}

/// One text of a room is encrypted at a time: two that share the last message which a key may
/// encrypt would have the SDK panic. Rooms do not wait for each other.
static SENDING: LazyLock<SyncMutex<BTreeMap<OwnedRoomId, Weak<Mutex<()>>>>> =
    LazyLock::new(SyncMutex::default);

/// Rooms that are remembered before those are forgotten in which nothing is being sent.
const MAX_SENDING: usize = 1_000;

/// The turn of a room, to be held while something is sent there.
fn turn_of(room: &RoomId) -> Arc<Mutex<()>> {
    let mut sending = SENDING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(turn) = sending.get(room).and_then(Weak::upgrade) {
        return turn;
    }
    if sending.len() >= MAX_SENDING {
        sending.retain(|_, turn| turn.strong_count() > 0);
    }
    let turn = Arc::default();
    sending.insert(room.to_owned(), Arc::downgrade(&turn));
    turn
}

/// Sends one event, encrypted where the room is.
pub(crate) async fn put(
    room: &Room,
    kind: &str,
    content: Value,
    id: &str,
) -> matrix_sdk::Result<OwnedEventId> {
    let id = OwnedTransactionId::from(id);
    let turn = turn_of(room.room_id());
    let _turn = turn.lock().await;
    Ok(room.send_raw(kind, content).with_transaction_id(&id).await?.response.event_id)
}

/// What an error of the SDK says about the request.
pub(crate) fn failure_of(error: &Error) -> Failure {
    if let Error::Http(error) = error {
        http_failure(error)
    } else if let Error::WrongRoomState(_) = error {
        // A room that we are not in (any more), as the local store knows.
        Failure::Refused { code: 403, gone: true }
    } else {
        Failure::Local
    }
}

/// As [`failure_of`].
pub(crate) fn http_failure(error: &HttpError) -> Failure {
    match error {
        HttpError::Reqwest(error) if error.is_builder() => Failure::Local,
        HttpError::Reqwest(error) if error.is_connect() => Failure::Connect,
        HttpError::Reqwest(_) => Failure::Unknown,
        HttpError::IntoHttp(_) => Failure::Local,
        HttpError::RefreshToken(_) => Failure::Token,
        HttpError::Cached(error) => http_failure(error),
        HttpError::Api(response) => match &**response {
            FromHttpResponseError::Deserialization(_) => Failure::Unreadable,
            FromHttpResponseError::Server(_) => server_failure(error),
            _ => Failure::Unknown,
        },
    }
}

fn server_failure(error: &HttpError) -> Failure {
    let Some(api) = error.as_client_api_error() else {
        // A request for more proof of who we are.
        return Failure::Refused { code: 401, gone: false };
    };
    let code = api.status_code.as_u16();
    match api.error_kind() {
        Some(ErrorKind::LimitExceeded(data)) => Failure::RetryAfter(match data.retry_after {
            Some(RetryAfter::Delay(wait)) => wait.clamp(Duration::from_millis(100), LONGEST_RETRY),
            Some(RetryAfter::DateTime(_)) | None => DEFAULT_RETRY,
        }),
        Some(ErrorKind::UnknownToken(_) | ErrorKind::MissingToken) => Failure::Token,
        Some(ErrorKind::Forbidden) => Failure::Refused { code, gone: true },
        _ if code >= 500 => Failure::Unknown,
        _ if code == 429 => Failure::RetryAfter(DEFAULT_RETRY),
        Some(_) => Failure::Refused { code, gone: false },
        // Without an error code of Matrix's it was somebody in front of the homeserver.
        None if code == 413 => Failure::Refused { code, gone: false },
        None => Failure::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::room_id;

    use super::*;

    #[test]
    fn rooms_take_turns_of_their_own() {
        let held = turn_of(room_id!("!a:x.test"));
        let _sending = held.try_lock().unwrap();
        assert!(turn_of(room_id!("!a:x.test")).try_lock().is_err());
        for nth in 0..2 * MAX_SENDING {
            let room = RoomId::parse(format!("!{nth}:x.test")).unwrap();
            assert!(turn_of(&room).try_lock().is_ok(), "{room}");
        }
        assert!(turn_of(room_id!("!a:x.test")).try_lock().is_err(), "and it is not forgotten");
    }
}
