//! `chatbox chat`: a person at this terminal.
use crate::stop::Stop;
use std::path::Path;
pub async fn run(_config: Option<&Path>) -> Result<(), Stop> {
    Ok(())
}
