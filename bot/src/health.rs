//! `/healthz`, `/readyz` and `/metrics`. No personal data.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use chatbox_core::ids::ChannelKind;
use chatbox_store::{Stats, Store, StoreError};
use metrics::gauge;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde::Serialize;
use serde_json::json;
use tokio::net::TcpListener;

use crate::{clock, stop::Stop};

/// What the routes answer from.
pub struct Health {
    pub store: Store,
    /// Content that ought to be looked at: expired or unverified entries.
    pub warnings: usize,
    pub metrics: PrometheusHandle,
    pub platforms: Platforms,
}

/// How each platform of this process stands. Cloning shares it.
#[derive(Clone, Default)]
pub struct Platforms(Arc<Mutex<BTreeMap<ChannelKind, Standing>>>);

/// How a platform stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It has not answered since the start.
    Connecting,
    Connected,
    /// It wants no more of the bot: nothing comes in by it until the service is started again.
    Lost,
}

impl Platforms {
    pub fn set(&self, kind: ChannelKind, standing: Standing) {
        let (connected, lost) = match standing {
            Standing::Connecting => (0.0, 0.0),
            Standing::Connected => (1.0, 0.0),
            Standing::Lost => (0.0, 1.0),
        };
        gauge!("chatbox_channel_connected", "channel" => kind.as_str()).set(connected);
        gauge!("chatbox_channel_lost", "channel" => kind.as_str()).set(lost);
        self.lock().insert(kind, standing);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ChannelKind, Standing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts to count. Once a process.
pub fn recorder() -> Result<PrometheusHandle, Stop> {
    PrometheusBuilder::new().install_recorder().map_err(|fault| Stop::Failed(fault.into()))
}

/// Opens the address; serving begins with the returned future.
pub async fn listen(address: SocketAddr, key: &str) -> Result<TcpListener, Stop> {
    TcpListener::bind(address)
        .await
        .map_err(|fault| Stop::Usage(format!("{key}: {address} cannot be listened on ({}).", fault.kind())))
}

pub fn router(health: Arc<Health>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(show_metrics))
        .with_state(health)
}

/// What waits, if a message could be kept: a disk that is full can still be read.
async fn look(store: &Store) -> Result<Stats, StoreError> {
    let now = clock::now();
    store.receive(&[], Some(("readyz", &now.to_string())), now, || 0).await?;
    store.stats(now).await
}

/// Ready is who can keep a message. A platform that is lost leaves it so: the other one's pushes still have to
/// come here.
async fn ready(State(health): State<Arc<Health>>) -> Response {
    match look(&health.store).await {
        Ok(stats) => Json(json!({
            "ready": true,
            "channels": *health.platforms.lock(),
            "content_warnings": health.warnings,
            "inbox_waiting": stats.inbox_waiting,
            "outbox_waiting": stats.outbox_waiting,
            "parked": stats.parked,
        }))
        .into_response(),
        Err(fault) => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"ready": false, "why": fault.to_string()})))
                .into_response()
        }
    }
}

async fn show_metrics(State(health): State<Arc<Health>>) -> Response {
    let stats = look(&health.store).await;
    gauge!("chatbox_database_up").set(if stats.is_ok() { 1.0 } else { 0.0 });
    if let Ok(stats) = stats {
        measure(&stats);
    }
    health.metrics.render().into_response()
}

#[expect(clippy::cast_precision_loss, reason = "gauges are floating point, and no queue is that long")]
fn measure(stats: &Stats) {
    let seconds = |age: Option<std::time::Duration>| age.map_or(0.0, |age| age.as_secs_f64());
    gauge!("chatbox_inbox_waiting").set(stats.inbox_waiting as f64);
    gauge!("chatbox_inbox_oldest_seconds").set(seconds(stats.inbox_oldest));
    gauge!("chatbox_outbox_waiting").set(stats.outbox_waiting as f64);
    gauge!("chatbox_outbox_oldest_seconds").set(seconds(stats.outbox_oldest));
    gauge!("chatbox_parked").set(stats.parked as f64);
    gauge!("chatbox_desk_waiting").set(stats.waiting as f64);
    gauge!("chatbox_desk_oldest_seconds").set(seconds(stats.waiting_oldest));
    for (urgency, open) in stats.open.iter().enumerate().skip(1) {
        gauge!("chatbox_cases_open", "urgency" => urgency.to_string()).set(*open as f64);
    }
}
