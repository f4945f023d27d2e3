//! `chatbox run`: the service.
use crate::stop::Stop;
use std::path::Path;
pub async fn run(_config: Option<&Path>, _or_chat: bool) -> Result<(), Stop> {
    Ok(())
}
