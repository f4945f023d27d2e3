//! What goes wrong on purpose.

use serde::{Deserialize, Serialize};

/// A fault that strikes matching calls. Made by one of the constructors, narrowed by
/// [`on`](Self::on), [`for_chat`](Self::for_chat), [`times`](Self::times) and
/// [`after`](Self::after); strikes once unless told otherwise.
///
/// As JSON (`POST /_standin/fault`): `{"method": "sendMessage", "chat": 7, "times": 2, "skip": 0,
/// "what": {"retry_after": 3}}`; all but `what` may be left out, `times: null` strikes for ever.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Lower case; `None` is every method.
    #[serde(default)]
    pub(crate) method: Option<String>,
    #[serde(default)]
    pub(crate) chat: Option<i64>,
    #[serde(default = "once")]
    pub(crate) times: Option<u32>,
    /// How many matching calls to let through first.
    #[serde(default)]
    pub(crate) skip: u32,
    pub(crate) what: What,
}

#[expect(clippy::unnecessary_wraps, reason = "serde wants the type of the field")]
fn once() -> Option<u32> {
    Some(1)
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// Refused, not carried out.
    Refuse { code: u16, description: String },
    /// 429. Sends to the same chat before the seconds are over are refused again and counted.
    RetryAfter(u32),
    /// A gateway's error page instead of an answer, not carried out.
    Gateway(u16),
    /// As `Gateway`, but the call was carried out.
    GatewayAfter(u16),
    /// Never answered, not carried out.
    Hang,
    /// Carried out, never answered.
    HangAfter,
    /// The connection breaks, not carried out.
    Drop,
    /// Carried out; the connection breaks before the answer.
    DropAfter,
    /// Answered with a 200 that is no JSON, not carried out.
    Garbage,
    /// Carried out that many milliseconds later.
    Delay(u64),
}

impl Fault {
    fn new(what: What) -> Self {
        Self { method: None, chat: None, times: Some(1), skip: 0, what }
    }

    /// Refused with this code and description.
    pub fn refuse(code: u16, description: &str) -> Self {
        Self::new(What::Refuse { code, description: description.to_owned() })
    }

    /// 429 with `retry_after` in seconds. A send to that chat before then is refused too, and
    /// counted in [`Standin::violations`](crate::Standin::violations).
    pub fn retry_after(seconds: u32) -> Self {
        Self::new(What::RetryAfter(seconds))
    }

    /// A 5xx page of a gateway; nothing was carried out.
    pub fn gateway(code: u16) -> Self {
        Self::new(What::Gateway(code))
    }

    /// A 5xx page of a gateway although the call was carried out.
    pub fn gateway_after(code: u16) -> Self {
        Self::new(What::GatewayAfter(code))
    }

    /// The call is taken, never answered and never carried out.
    pub fn hang() -> Self {
        Self::new(What::Hang)
    }

    /// The call is carried out and never answered.
    pub fn hang_after() -> Self {
        Self::new(What::HangAfter)
    }

    /// The connection breaks before anything was carried out.
    pub fn drop() -> Self {
        Self::new(What::Drop)
    }

    /// The call is carried out, and the connection breaks before the answer: unknown outcome.
    pub fn drop_after() -> Self {
        Self::new(What::DropAfter)
    }

    /// A 200 whose body is no JSON; nothing was carried out.
    pub fn garbage() -> Self {
        Self::new(What::Garbage)
    }

    /// The call waits before it is carried out.
    pub fn delay(milliseconds: u64) -> Self {
        Self::new(What::Delay(milliseconds))
    }

    /// Only calls of this method.
    #[must_use]
    pub fn on(self, method: &str) -> Self {
        Self { method: Some(method.to_ascii_lowercase()), ..self }
    }

    /// Only calls with this `chat_id`.
    #[must_use]
    pub fn for_chat(self, chat: i64) -> Self {
        Self { chat: Some(chat), ..self }
    }

    /// Strikes this many calls.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Strikes until the faults are cleared.
    #[must_use]
    pub fn always(self) -> Self {
        Self { times: None, ..self }
    }

    /// Lets this many matching calls through first.
    #[must_use]
    pub fn after(self, calls: u32) -> Self {
        Self { skip: calls, ..self }
    }
}

/// Takes the fault that strikes this call, if one does.
pub(crate) fn strike(faults: &mut Vec<Fault>, method: &str, chat: Option<i64>) -> Option<What> {
    let matching = |fault: &Fault| {
        fault.method.as_deref().is_none_or(|m| m.eq_ignore_ascii_case(method))
            && (fault.chat.is_none() || fault.chat == chat)
    };
    let mut struck = None;
    for fault in faults.iter_mut().filter(|fault| matching(fault)) {
        if fault.skip > 0 {
            fault.skip -= 1;
            continue;
        }
        if let Some(times) = &mut fault.times {
            if *times == 0 {
                continue;
            }
            *times -= 1;
        }
        struck = Some(fault.what.clone());
        break;
    }
    faults.retain(|fault| fault.times != Some(0));
    struck
}
