//! Updates that Telegram pushes.

use std::{future::Future, sync::Arc};

use axum::{Router, body::to_bytes, extract::Request, http::StatusCode, routing::post};
use chatbox_core::channel::Batch;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use subtle::{Choice, ConstantTimeEq};

use crate::Telegram;

/// As many as Telegram allows, where it would open 40: several processes behind one address have them between
/// them, and each takes in what is under way to it at once with one commit.
pub(crate) const CONNECTIONS: u8 = 100;

/// One update has one message of at most 4,096 letters; the rest is room for what it quotes.
const MAX_BODY: usize = 1 << 20;
const SECRET: &str = "x-telegram-bot-api-secret-token";

impl Telegram {
    /// The route for [`Mode::Webhook`](crate::Mode::Webhook), at `path`.
    ///
    /// A request without one of `secrets` (several are valid while one is being changed) gets a
    /// 401 and is not read. `commit` stores a batch, which has no cursor, and returns true once it
    /// is on disk: only then is Telegram answered with a 200. Otherwise it gets a 503 and delivers
    /// again. An update that brings nothing is answered with a 200 and does not reach `commit`.
    pub fn webhook_router<F, Fut>(
        self: &Arc<Self>,
        path: &str,
        secrets: Vec<SecretString>,
        commit: F,
    ) -> Router
    where
        F: Fn(Batch) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send,
    {
        let telegram = Arc::clone(self);
        let secrets: Arc<[SecretString]> = secrets.into();
        let handler = move |request: Request| async move {
            let given = request.headers().get(SECRET).map_or(&[][..], |secret| secret.as_bytes());
            if !known(&secrets, given) {
                return StatusCode::UNAUTHORIZED;
            }
            let Ok(body) = to_bytes(request.into_body(), MAX_BODY).await else {
                return StatusCode::PAYLOAD_TOO_LARGE;
            };
            telegram.pushed(&body, commit).await
        };
        Router::new().route(path, post(handler))
    }

    async fn pushed<F, Fut>(&self, body: &[u8], commit: F) -> StatusCode
    where
        F: Fn(Batch) -> Fut,
        Fut: Future<Output = bool>,
    {
        let Ok(update) = serde_json::from_slice::<Value>(body) else { return StatusCode::BAD_REQUEST };
        let (mut batch, mut queries) = (Batch::default(), Vec::new());
        self.take(&update, (self.clock)(), &mut batch, &mut queries);
        if batch == Batch::default() {
            return StatusCode::OK;
        }
        if !commit(batch).await {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        self.answer(queries, None);
        StatusCode::OK
    }
}

/// Compares with every secret, in a time that tells nothing of where they differ.
fn known(secrets: &[SecretString], given: &[u8]) -> bool {
    let same = |secret: &SecretString| secret.expose_secret().as_bytes().ct_eq(given);
    secrets.iter().fold(Choice::from(0), |found, secret| found | same(secret)).into()
}
