//! `chatbox practitioner`: who may act at the desk.

use std::path::Path;

use chatbox_core::{
    channel::Incoming,
    conversation::Holder,
    desk::{CODE_LENGTH, CODE_LETTERS, LOOK, write_code},
    input::{Input, InputKind},
};
use chatbox_store::{OpenCase, Store, StoreError};

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
    let code = code()?;
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
    let before = store.practitioners().await?;
    if !store.remove_practitioner(name, clock::now()).await? {
        return Err(Stop::Usage("there is nobody of that name; see `chatbox practitioner list`.".into()));
    }
    let after = store.practitioners().await?;
    let gone = before.into_iter().filter(|one| after.iter().all(|left| left.name != one.name));
    let mut returned = 0;
    for who in gone.filter_map(|one| one.who) {
        returned += give_back(store, &who).await?;
    }
    let name = name.trim();
    print_line(&format!("{name} is removed, and can do nothing at the desk from now on."))?;
    match returned {
        0 => Ok(()),
        1 => print_line("The person they were talking with goes back to the queue."),
        many => print_line(&format!("The {many} people they were talking with go back to the queue.")),
    }
}

/// Has the service look at every conversation that somebody held, so that the person is told and
/// waits again, and does not write to nobody. Returns how many there are.
async fn give_back(store: &Store, who: &str) -> Result<usize, Stop> {
    let who = who.split_once(':').map_or(who, |(_, id)| id);
    let now = clock::now();
    let mut looks = Vec::new();
    for OpenCase { lane, held, .. } in store.open_cases().await? {
        let held = held.is_some()
            && store.conversation(&lane).await?.is_some_and(
                |conversation| matches!(&conversation.holder, Holder::Practitioner { id, .. } if id == who),
            );
        if held {
            let look = InputKind::Timer { name: LOOK.to_owned(), step: String::new() };
            let key = format!("look/{lane}/{now}");
            looks.push(Incoming { lane, key, order: 0, native: None, input: Input::new(now, look) });
        }
    }
    store.receive(&looks, None, now, seed::fresh()).await?;
    Ok(looks.len())
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

/// A code that nobody can guess; none at all without randomness.
fn code() -> Result<String, Stop> {
    let Some(mut bits) = seed::unforeseeable() else {
        return Err(Stop::Failed(anyhow::Error::msg("the system has no randomness for a code: try again.")));
    };
    let mut letters = [0; CODE_LENGTH];
    for letter in &mut letters {
        *letter = CODE_LETTERS[usize::try_from(bits % 32).unwrap_or(0)];
        bits /= 32;
    }
    Ok(write_code(&letters))
}
