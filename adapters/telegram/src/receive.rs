//! Waiting for updates: long polling, and answers to pressed buttons.

use std::{collections::BTreeSet, fmt, time::Duration};

use chatbox_core::channel::{Batch, ReceiveError};
use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde_json::Value;
use teloxide_core::{
    payloads::{
        AnswerCallbackQuery, AnswerCallbackQuerySetters, GetMe, GetUpdates, SendMessage, SendMessageSetters,
    },
    types::{AllowedUpdate, CallbackQueryId, ChatId, MessageId, ThreadId},
};

use crate::{
    Telegram,
    call::{NotSent, Outcome},
    read::{self, Here, Reading},
};

/// Waits grow from one second to this.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// How much longer the HTTP client waits than Telegram is asked to.
const SLACK: Duration = Duration::from_secs(10);
/// What is nice to have may take this long.
pub(crate) const COURTESY: Duration = Duration::from_secs(5);
/// How many groups are remembered as told to write privately; then one may be told again.
const MAX_TOLD: usize = 1000;

pub(crate) const ALLOWED: [AllowedUpdate; 4] = [
    AllowedUpdate::Message,
    AllowedUpdate::EditedMessage,
    AllowedUpdate::CallbackQuery,
    AllowedUpdate::MyChatMember,
];

/// What polling remembers. Nothing of it outlives the process.
#[derive(Default)]
pub(crate) struct Polling {
    /// The cursor of the newest batch, and the queries in it that wait for their answer.
    waiting: Option<(String, Vec<String>)>,
    /// The cursor that Telegram was last told, so that it is told each only once: after a quiet
    /// week update ids start anew, and an old offset would confirm updates unseen.
    confirmed: Option<String>,
    failures: u32,
    told: BTreeSet<i64>,
}

/// Does not show the queries: their ids are of people's presses.
impl fmt::Debug for Polling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Polling").field("failures", &self.failures).finish_non_exhaustive()
    }
}

impl Telegram {
    pub(crate) async fn poll(&self, committed: Option<&str>, wait: Duration) -> Result<Batch, ReceiveError> {
        // A cursor of another process says nothing about the updates of this one.
        let committed =
            committed.filter(|cursor| cursor.split_once('/').is_some_and(|(run, _)| run == self.run));
        let offset = {
            let mut polling = self.polling();
            if let Some((_, queries)) =
                polling.waiting.take_if(|(cursor, _)| Some(cursor.as_str()) == committed)
            {
                self.answer(queries, None);
            }
            committed
                .filter(|cursor| polling.confirmed.as_deref() != Some(*cursor))
                .and_then(|cursor| cursor.split_once('/')?.1.parse().ok())
        };
        let payload = GetUpdates {
            offset,
            limit: Some(100),
            timeout: Some(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX)),
            allowed_updates: Some(ALLOWED.to_vec()),
        };
        let updates: Vec<Value> = match self.api.call(&payload, wait + SLACK).await {
            Outcome::Done(updates) => updates,
            failed @ (Outcome::Refused(_)
            | Outcome::RetryAfter(_)
            | Outcome::Unsent(_)
            | Outcome::Unknown) => return Err(self.failed(failed)),
        };
        let mut polling = self.polling();
        polling.failures = 0;
        if offset.is_some() {
            polling.confirmed = committed.map(str::to_owned);
        }
        drop(polling);

        let now = (self.clock)();
        let mut queries = Vec::new();
        let mut batch = Batch::default();
        for update in &updates {
            self.take(update, now, &mut batch, &mut queries);
        }
        let last = updates.iter().rev().find_map(|update| update["update_id"].as_i64());
        batch.cursor = match last {
            Some(last) => Some(format!("{}/{}", self.run, last + 1)),
            None => committed.map(str::to_owned),
        };
        if let Some(cursor) = batch.cursor.clone().filter(|_| !queries.is_empty()) {
            self.polling().waiting = Some((cursor, queries));
        }
        Ok(batch)
    }

    /// Adds what one update brings to a batch. Queries to answer after the commit go to `queries`;
    /// what needs no commit is answered at once.
    pub(crate) fn take(&self, update: &Value, now: Timestamp, batch: &mut Batch, queries: &mut Vec<String>) {
        let news = &update["message"];
        if let (Some(from), Some(to)) = (news["chat"]["id"].as_i64(), news["migrate_to_chat_id"].as_i64()) {
            self.follow(from, to);
        }
        let here = Here { now, desk: *self.desk_chat(), username: &self.username };
        match read::read(update, here) {
            Reading::Take(incoming) => batch.incoming.push(incoming),
            Reading::Prove(proof) => batch.proofs.push(proof),
            Reading::Press { incoming, query } => {
                queries.push(query);
                batch.incoming.push(incoming);
            }
            Reading::Desk { said, query } => {
                queries.extend(query);
                batch.desk.push(said);
            }
            Reading::Decline { query, words } => self.answer(vec![query], Some(words)),
            Reading::Elsewhere { chat, thread } => self.send_away(chat, thread),
            Reading::Skip => {}
        }
    }

    /// Ends the little clock on pressed buttons. Best effort, in the background.
    pub(crate) fn answer(&self, queries: Vec<String>, words: Option<&str>) {
        for query in queries {
            let mut payload = AnswerCallbackQuery::new(CallbackQueryId(query));
            if let Some(words) = words {
                payload = payload.text(words);
            }
            let api = self.api.clone();
            tokio::spawn(async move {
                let outcome: Outcome<IgnoredAny> = api.call(&payload, COURTESY).await;
                note("AnswerCallbackQuery", &outcome);
            });
        }
    }

    /// Tells a group, once, where the bot can be spoken to.
    fn send_away(&self, chat: i64, thread: Option<i32>) {
        {
            let told = &mut self.polling().told;
            if told.len() >= MAX_TOLD {
                told.clear();
            }
            if !told.insert(chat) {
                return;
            }
        }
        let words = format!(
            "Please write to me privately, so that nobody else can read it: https://t.me/{}",
            self.username
        );
        let mut payload = SendMessage::new(ChatId(chat), words);
        if let Some(thread) = thread {
            payload = payload.message_thread_id(ThreadId(MessageId(thread)));
        }
        let api = self.api.clone();
        tokio::spawn(async move {
            let outcome: Outcome<IgnoredAny> = api.call(&payload, COURTESY).await;
            note("SendMessage", &outcome);
        });
    }

    /// Looks at the token every so often, and ends when Telegram does not know it any more: nobody pushes for a
    /// token that was revoked, and nobody says so.
    pub(crate) async fn until_void(&self, every: Duration) -> ReceiveError {
        loop {
            tokio::time::sleep(every).await;
            let outcome: Outcome<IgnoredAny> = self.api.call(&GetMe::new(), COURTESY).await;
            if let Outcome::Unsent(NotSent::Token) = outcome {
                return self.failed(outcome);
            }
        }
    }

    fn failed<T>(&self, outcome: Outcome<T>) -> ReceiveError {
        let failures = {
            let failures = &mut self.polling().failures;
            *failures = failures.saturating_add(1);
            *failures
        };
        let growing = Duration::from_secs(1 << failures.saturating_sub(1).min(6)).min(LONGEST_WAIT);
        match outcome {
            Outcome::RetryAfter(wait) => {
                ReceiveError::Later { what: "Telegram asks for a pause", wait }
            }
            Outcome::Unsent(NotSent::Token) => ReceiveError::Fatal(
                "Telegram does not accept the bot token any longer. Ask @BotFather for the current one and set telegram.token."
                    .to_owned(),
            ),
            Outcome::Refused(refused) if refused.code == 409 && refused.description.contains("webhook") => {
                ReceiveError::Later {
                    what: "another program has set a webhook for this bot, so it cannot poll",
                    wait: growing,
                }
            }
            Outcome::Refused(refused) if refused.code == 409 => ReceiveError::Later {
                what: "another program is polling Telegram with this bot's token",
                wait: growing,
            },
            Outcome::Refused(_) => {
                ReceiveError::Later { what: "Telegram refuses to hand out updates", wait: growing }
            }
            Outcome::Unsent(NotSent::Intermediary(_)) => ReceiveError::Later {
                what: "something between here and Telegram refuses the call",
                wait: growing,
            },
            Outcome::Unsent(NotSent::Connect | NotSent::Request) => {
                ReceiveError::Later { what: "Telegram cannot be reached", wait: growing }
            }
            Outcome::Unknown | Outcome::Done(_) => {
                ReceiveError::Later { what: "Telegram does not answer", wait: growing }
            }
        }
    }
}

/// Logs a courtesy that failed.
pub(crate) fn note<T>(method: &'static str, outcome: &Outcome<T>) {
    let (result, code) = match outcome {
        Outcome::Done(_) => return,
        Outcome::Refused(refused) => ("refused", refused.code),
        Outcome::RetryAfter(_) => ("retry after", 429),
        Outcome::Unsent(_) => ("unsent", 0),
        Outcome::Unknown => ("unknown", 0),
    };
    tracing::debug!(telegram.method = method, telegram.outcome = result, telegram.code = code, "call failed");
}
