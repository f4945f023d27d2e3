//! `chatbox run`, and `chatbox` alone.

use std::path::Path;

use super::chat;
use crate::{clock, service, setup::Setup, stop::Stop};

/// Runs the service. `or_chat`: without a channel it is a chat in this terminal.
pub async fn run(config: Option<&Path>, or_chat: bool) -> Result<(), Stop> {
    let setup = Setup::read(config, clock::now())?;
    if or_chat && !setup.config.has_live_channel() {
        return Box::pin(chat::with(setup)).await;
    }
    Box::pin(service::run(setup)).await
}
