//! What the bot shows of itself: commands and descriptions.

use serde_json::{Value, json};

use super::{Answer, Fail};
use crate::{params::Params, text::utf16, world::World};

const MAX_COMMANDS: usize = 100;

pub(super) fn set_commands(world: &mut World, params: &Params) -> Answer {
    let commands = params.json("commands").unwrap_or_default();
    let Some(list) = commands.as_array() else {
        return Err(Fail::bad("can't parse list of bot commands"));
    };
    if list.len() > MAX_COMMANDS {
        return Err(Fail::bad("BOT_COMMANDS_TOO_MUCH"));
    }
    for command in list {
        let name = command["command"].as_str().unwrap_or_default().trim_start_matches('/');
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !(1..=32).contains(&name.len()) || !name.chars().all(fits) {
            return Err(Fail::bad("BOT_COMMAND_INVALID"));
        }
        let words = utf16(command["description"].as_str().unwrap_or_default());
        if !(1..=256).contains(&words) {
            return Err(Fail::bad("BOT_COMMAND_DESCRIPTION_INVALID"));
        }
    }
    let key = command_key(params);
    world.profile.insert(key, commands);
    Ok(json!(true))
}

pub(super) fn commands(world: &mut World, params: &Params) -> Value {
    world.profile.get(&command_key(params)).cloned().unwrap_or_else(|| json!([]))
}

pub(super) fn delete_commands(world: &mut World, params: &Params) -> Value {
    world.profile.remove(&command_key(params));
    json!(true)
}

/// Sets `description`, `short_description` or `name`; the parameter is named like the field.
pub(super) fn set_text(world: &mut World, params: &Params, field: &str, longest: usize) -> Answer {
    let text = params.text(field).unwrap_or_default();
    if utf16(&text) > longest {
        return Err(Fail::bad(&format!("bot {} is too long", field.replace('_', " "))));
    }
    let key = text_key(params, field);
    world.profile.insert(key, json!(text));
    Ok(json!(true))
}

pub(super) fn text(world: &mut World, params: &Params, field: &str) -> Value {
    let text = world.profile.get(&text_key(params, field)).cloned().unwrap_or_else(|| json!(""));
    json!({ field: text })
}

fn command_key(params: &Params) -> String {
    let scope = params.json("scope").unwrap_or_else(|| json!({"type": "default"}));
    format!("commands {scope} {}", params.text("language_code").unwrap_or_default())
}

fn text_key(params: &Params, field: &str) -> String {
    format!("{field} {}", params.text("language_code").unwrap_or_default())
}
