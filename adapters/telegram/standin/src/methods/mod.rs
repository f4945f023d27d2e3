//! The methods of the Bot API.

pub(crate) mod chats;
mod messages;
mod profile;
mod uploads;

use serde_json::{Value, json};

use crate::{params::Params, world::World};

/// How Telegram says no.
#[derive(Debug, Clone)]
pub(crate) struct Fail {
    pub(crate) code: u16,
    pub(crate) description: String,
    pub(crate) parameters: Option<Value>,
}

pub(crate) type Answer = Result<Value, Fail>;

impl Fail {
    pub(crate) fn new(code: u16, description: &str) -> Self {
        Self { code, description: description.to_owned(), parameters: None }
    }

    pub(crate) fn bad(what: &str) -> Self {
        Self::new(400, &format!("Bad Request: {what}"))
    }

    pub(crate) fn retry_after(seconds: u64) -> Self {
        Self {
            parameters: Some(json!({"retry_after": seconds})),
            ..Self::new(429, &format!("Too Many Requests: retry after {seconds}"))
        }
    }
}

/// Carries out every method that needs no waiting: all but `getUpdates`. `method` is lower case.
pub(crate) fn carry_out(world: &mut World, method: &str, params: &Params) -> Answer {
    match method {
        "getme" => Ok(world.bot.clone()),
        "logout" | "close" => Ok(json!(true)),
        "setwebhook" => crate::webhook::set(world, params),
        "deletewebhook" => Ok(crate::webhook::delete(world, params)),
        "getwebhookinfo" => Ok(crate::webhook::info(world)),
        "sendmessage" => messages::send(world, params),
        "editmessagetext" => messages::edit_text(world, params),
        "editmessagecaption" => messages::edit_caption(world, params),
        "setmessagereaction" => messages::react(world, params),
        "editmessagereplymarkup" => messages::edit_markup(world, params),
        "deletemessage" => messages::delete(world, params),
        "deletemessages" => messages::delete_many(world, params),
        "answercallbackquery" => messages::answer_query(world, params),
        "sendchataction" => messages::action(world, params),
        "sendphoto" => uploads::send(world, params, "photo"),
        "senddocument" => uploads::send(world, params, "document"),
        "sendvoice" => uploads::send(world, params, "voice"),
        "sendaudio" => uploads::send(world, params, "audio"),
        "sendvideo" => uploads::send(world, params, "video"),
        "sendvideonote" => uploads::send(world, params, "video_note"),
        "sendanimation" => uploads::send(world, params, "animation"),
        "sendsticker" => uploads::send(world, params, "sticker"),
        "sendlocation" => uploads::send_location(world, params),
        "getfile" => uploads::get(world, params),
        "getchat" => chats::get(world, params),
        "getchatmember" => chats::member(world, params),
        "leavechat" => chats::leave(world, params),
        "createforumtopic" => chats::create_topic(world, params),
        "editforumtopic" => chats::edit_topic(world, params),
        "closeforumtopic" => chats::close_topic(world, params, true),
        "reopenforumtopic" => chats::close_topic(world, params, false),
        "setmycommands" => profile::set_commands(world, params),
        "getmycommands" => Ok(profile::commands(world, params)),
        "deletemycommands" => Ok(profile::delete_commands(world, params)),
        "setmydescription" => profile::set_text(world, params, "description", 512),
        "getmydescription" => Ok(profile::text(world, params, "description")),
        "setmyshortdescription" => profile::set_text(world, params, "short_description", 120),
        "getmyshortdescription" => Ok(profile::text(world, params, "short_description")),
        "setmyname" => profile::set_text(world, params, "name", 64),
        "getmyname" => Ok(profile::text(world, params, "name")),
        _ => Err(Fail::new(404, "Not Found")),
    }
}
