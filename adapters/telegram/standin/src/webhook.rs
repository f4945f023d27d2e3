//! Pushes updates to the bot's webhook, each until it is answered with a 2xx.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    methods::{Answer, Fail},
    params::Params,
    shared::Shared,
    world::{Webhook, World},
};

const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(2);
const PUSH_TIMEOUT: Duration = Duration::from_secs(30);
const FOREVER: Duration = Duration::from_hours(365 * 24);

pub(crate) fn set(world: &mut World, params: &Params) -> Answer {
    let url = params.text("url").unwrap_or_default();
    if url.is_empty() {
        return Ok(delete(world, params));
    }
    let parsed = reqwest::Url::parse(&url).map_err(|_| Fail::bad("bad webhook: invalid URL"))?;
    // Telegram takes https alone; tests have no certificate for this machine.
    let here = matches!(parsed.host_str(), Some("127.0.0.1" | "localhost"));
    if parsed.scheme() != "https" && !here {
        return Err(Fail::bad("bad webhook: An HTTPS URL must be provided for webhook"));
    }
    let secret = params.text("secret_token").filter(|secret| !secret.is_empty());
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if secret.as_ref().is_some_and(|secret| secret.len() > 256 || !secret.chars().all(fits)) {
        return Err(Fail::bad("secret token contains unallowed characters"));
    }
    if params.flag("drop_pending_updates") {
        world.updates.queue.clear();
    }
    if let Some(kinds) = params.json("allowed_updates") {
        world.updates.allow(&kinds);
    }
    let connections = usize::try_from(params.int("max_connections").unwrap_or(40).clamp(1, 100)).unwrap_or(1);
    let serial = world.serial();
    world.updates.webhook =
        Some(Webhook { url, secret, connections, in_flight: BTreeSet::new(), last_error: None, serial });
    Ok(json!(true))
}

pub(crate) fn delete(world: &mut World, params: &Params) -> Value {
    world.updates.webhook = None;
    if params.flag("drop_pending_updates") {
        world.updates.queue.clear();
    }
    json!(true)
}

pub(crate) fn info(world: &mut World) -> Value {
    let waiting = world.updates.queue.len();
    let mut info = json!({"url": "", "has_custom_certificate": false, "pending_update_count": waiting});
    if let Some(webhook) = &world.updates.webhook {
        info["url"] = json!(webhook.url);
        info["max_connections"] = json!(webhook.connections);
        if let Some((date, message)) = &webhook.last_error {
            info["last_error_date"] = json!(date);
            info["last_error_message"] = json!(message);
        }
    }
    if let Some(kinds) = &world.updates.allowed {
        info["allowed_updates"] = json!(kinds);
    }
    info
}

/// One update on its way to the bot.
struct Push {
    webhook: Webhook,
    update: i64,
    chat: i64,
    body: String,
}

/// Pushes whatever is due, until dropped.
pub(crate) async fn run(shared: Shared) {
    let client = reqwest::Client::new();
    let mut pushes = JoinSet::new();
    loop {
        if let Some(push) = shared.wait(FOREVER, next).await {
            while pushes.try_join_next().is_some() {}
            pushes.spawn(deliver(shared.clone(), client.clone(), push));
        }
    }
}

/// The oldest update of a chat that none is on its way from.
fn next(world: &mut World) -> Option<Push> {
    let updates = &mut world.updates;
    let webhook = updates.webhook.as_mut()?;
    if webhook.in_flight.len() >= webhook.connections {
        return None;
    }
    let update = updates.queue.iter().find(|update| !webhook.in_flight.contains(&update.chat))?;
    webhook.in_flight.insert(update.chat);
    let push = Push {
        webhook: webhook.clone(),
        update: update.id,
        chat: update.chat,
        body: update.body.to_string(),
    };
    Some(push)
}

async fn deliver(shared: Shared, client: reqwest::Client, push: Push) {
    let mut wait = FIRST_RETRY;
    loop {
        let mut request = client
            .post(&push.webhook.url)
            .timeout(PUSH_TIMEOUT)
            .header("content-type", "application/json")
            .body(push.body.clone());
        if let Some(secret) = &push.webhook.secret {
            request = request.header("X-Telegram-Bot-Api-Secret-Token", secret);
        }
        let error = match request.send().await {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("Wrong response from the webhook: {}", answer.status())),
            Err(_) => Some("Connection failed".to_owned()),
        };
        let again = shared.with(|world| {
            let now = world.now();
            let current = world.updates.webhook.as_mut().filter(|hook| hook.serial == push.webhook.serial);
            let Some(webhook) = current else { return false };
            if let Some(error) = error {
                webhook.last_error = Some((now, error));
                return true;
            }
            webhook.in_flight.remove(&push.chat);
            world.updates.queue.retain(|update| update.id != push.update);
            false
        });
        if !again {
            return;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LAST_RETRY);
    }
}
