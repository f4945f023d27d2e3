//! `chatbox practitioner`: who may act at the desk.

use std::path::Path;

use chatbox_core::desk::{CODE_LENGTH, CODE_LETTERS, write_code};
use chatbox_store::{Store, StoreError};

use super::print_line;
use crate::{cli::Practitioner, clock, config, seed, setup::store_config, stop::Stop};

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
    if name.trim().is_empty() {
        return Err(Stop::Usage("the name is empty: colleagues see it at the desk.".into()));
    }
    let code = code();
    match store.add_practitioner(name, organisation, lead, &code, clock::now()).await {
        Ok(()) => print_line(&format!(
            "{code}\nThis one-time code is good for 10 minutes. {} writes it to the bot in a private chat, on the \
             account that they use at the desk.",
            name.trim()
        )),
        Err(StoreError::Taken) => Err(Stop::Usage(
            "somebody of that name is enrolled already: remove them first, or use another name.".into(),
        )),
        Err(fault) => Err(fault.into()),
    }
}

async fn remove(store: &Store, name: &str) -> Result<(), Stop> {
    if store.remove_practitioner(name, clock::now()).await? {
        print_line(&format!("{} is removed, and can do nothing at the desk from now on.", name.trim()))
    } else {
        Err(Stop::Usage("there is nobody of that name; see `chatbox practitioner list`.".into()))
    }
}

async fn list(store: &Store) -> Result<(), Stop> {
    let now = clock::now();
    let all = store.practitioners().await?;
    for practitioner in &all {
        let channel = practitioner.who.as_deref().and_then(|who| who.split_once(':'));
        let state = match (channel, practitioner.expires) {
            (Some((channel, _)), _) => format!("enrolled on {channel}"),
            (None, Some(expires)) if expires > now => "has not used the code yet".to_owned(),
            (None, _) => "did not use the code in time".to_owned(),
        };
        let lead = if practitioner.lead { ", duty lead" } else { "" };
        let of = practitioner.organisation.as_ref().map(|of| format!(" ({of})")).unwrap_or_default();
        print_line(&format!("{}{of}: {state}{lead}", practitioner.name))?;
    }
    if all.is_empty() {
        print_line("Nobody is enrolled. `chatbox practitioner add NAME --organisation ORG` begins it.")?;
    }
    Ok(())
}

fn code() -> String {
    let mut bits = seed::fresh()();
    let mut letters = [0; CODE_LENGTH];
    for letter in &mut letters {
        *letter = CODE_LETTERS[usize::try_from(bits % 32).unwrap_or(0)];
        bits /= 32;
    }
    write_code(&letters)
}
