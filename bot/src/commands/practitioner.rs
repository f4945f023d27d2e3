//! `chatbox practitioner`: who may act at the desk.

use std::path::Path;

use chatbox_store::{Store, StoreError};

use super::print_line;
use crate::{cli::Practitioner, clock, config, seed, setup::store_config, stop::Stop};

/// Letters of a one-time code: no two that look alike.
const LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

const CODE_LENGTH: usize = 8;

pub async fn run(config: Option<&Path>, args: Practitioner) -> Result<(), Stop> {
    let loaded = config::load(config, std::env::vars_os())?;
    let store = Store::open(store_config(&loaded.config, None)).await?;
    let result = match args {
        Practitioner::Add { name, organisation, lead } => {
            add(&store, &name, organisation.as_deref(), lead).await
        }
        Practitioner::Remove { name } => remove(&store, &name).await,
        Practitioner::List => list(&store).await,
    };
    store.close().await;
    result
}

async fn add(store: &Store, name: &str, organisation: Option<&str>, lead: bool) -> Result<(), Stop> {
    if organisation.is_some() {
        return Err(Stop::Usage("--organisation cannot be kept yet: leave it out.".into()));
    }
    let code = code();
    match store.add_practitioner(name, lead, &code, clock::now()).await {
        Ok(()) => print_line(&format!(
            "{name} is added, with the one-time code {code}, good for 10 minutes. This version of the bot does not \
             take codes yet."
        )),
        Err(StoreError::Taken) => Err(Stop::Usage("there is somebody of that name already.".into())),
        Err(fault) => Err(fault.into()),
    }
}

async fn remove(store: &Store, name: &str) -> Result<(), Stop> {
    if store.remove_practitioner(name).await? {
        print_line(&format!("{name} is removed."))
    } else {
        Err(Stop::Usage("there is nobody of that name; see `chatbox practitioner list`.".into()))
    }
}

async fn list(store: &Store) -> Result<(), Stop> {
    for practitioner in store.practitioners().await? {
        let state = if practitioner.who.is_some() { "enrolled" } else { "has not used the code yet" };
        let lead = if practitioner.lead { ", duty lead" } else { "" };
        print_line(&format!("{}: {state}{lead}", practitioner.name))?;
    }
    Ok(())
}

fn code() -> String {
    let mut seeds = seed::fresh();
    let mut code = String::new();
    let mut bits = seeds();
    for _ in 0..CODE_LENGTH {
        let letter = usize::try_from(bits % 32).unwrap_or(0);
        code.push(char::from(LETTERS[letter]));
        bits /= 32;
    }
    code
}
