//! `chatbox run`, and `chatbox` alone.

use std::path::Path;

use super::chat;
use crate::{clock, config, service, setup::Setup, stop::Stop};

/// Runs the service. `or_chat`: without a channel it is a chat in this terminal.
pub async fn run(file: Option<&Path>, or_chat: bool) -> Result<(), Stop> {
    let loaded = config::load(file, std::env::vars_os())?;
    if or_chat && !loaded.config.has_live_channel() {
        return Box::pin(chat::with(Setup::with(loaded, clock::now())?)).await;
    }
    Box::pin(service::run(loaded)).await
}
