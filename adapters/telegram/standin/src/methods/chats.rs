//! Chats, their members and their topics.

use serde_json::{Value, json};

use super::{Answer, Fail};
use crate::{
    params::Params,
    text::utf16,
    transcript::Event,
    world::{Kind, Rank, Topic, World},
};

pub(super) fn get(world: &mut World, params: &Params) -> Answer {
    let id = params.int("chat_id").ok_or_else(|| Fail::bad("chat_id is empty"))?;
    if !world.chats.contains_key(&id) {
        return Err(Fail::bad("chat not found"));
    }
    let mut chat = world.chat_json(id);
    chat["accent_color_id"] = json!(0);
    chat["max_reaction_count"] = json!(11);
    chat["accepted_gift_types"] = json!({"unlimited_gifts": false, "limited_gifts": false,
        "unique_gifts": false, "premium_subscription": false, "gifts_from_channels": false});
    Ok(chat)
}

pub(super) fn member(world: &mut World, params: &Params) -> Answer {
    let chat = world.writable(params.int("chat_id"))?;
    let user = params.int("user_id").ok_or_else(|| Fail::bad("invalid user_id specified"))?;
    let chat = &world.chats[&chat];
    let rank = if user == world.bot_id() {
        chat.bot
    } else if world.people.contains_key(&user) {
        chat.members.get(&user).copied()
    } else {
        return Err(Fail::bad("PARTICIPANT_ID_INVALID"));
    };
    Ok(membership(&world.user(user), rank))
}

pub(super) fn leave(world: &mut World, params: &Params) -> Answer {
    let id = world.writable(params.int("chat_id"))?;
    let chat = world.chats.get_mut(&id).ok_or_else(|| Fail::bad("chat not found"))?;
    if chat.kind == Kind::Private {
        return Err(Fail::bad("chat member status can't be changed in private chats"));
    }
    chat.bot = None;
    world.note_act(Event::Left, id, None, "");
    Ok(json!(true))
}

pub(super) fn create_topic(world: &mut World, params: &Params) -> Answer {
    let id = forum(world, params, true)?;
    let name = topic_name(params)?.ok_or_else(|| Fail::bad("TOPIC_TITLE_EMPTY"))?;
    let by = world.bot_id();
    // The topic's id is the id of the message that announces it.
    let created = json!({"forum_topic_created": {"name": name, "icon_color": 7_322_096}});
    let message = world.post(id, by, None, created);
    let thread = message["message_id"].as_i64().unwrap_or_default();
    if let Some(chat) = world.chats.get_mut(&id) {
        chat.topics.insert(thread, Topic { name: name.clone(), closed: false });
    }
    world.note_act(Event::TopicCreated, id, Some(thread), &name);
    Ok(json!({"message_thread_id": thread, "name": name, "icon_color": 7_322_096}))
}

pub(super) fn edit_topic(world: &mut World, params: &Params) -> Answer {
    let id = forum(world, params, true)?;
    let name = topic_name(params)?;
    let (thread, topic) = topic(world, params, id)?;
    let name = name.unwrap_or_else(|| topic.name.clone());
    if name == topic.name {
        return Err(Fail::bad("TOPIC_NOT_MODIFIED"));
    }
    topic.name.clone_from(&name);
    world.note_act(Event::TopicEdited, id, Some(thread), &name);
    Ok(json!(true))
}

pub(super) fn close_topic(world: &mut World, params: &Params, closed: bool) -> Answer {
    let id = forum(world, params, true)?;
    let (thread, topic) = topic(world, params, id)?;
    if topic.closed == closed {
        return Err(Fail::bad("TOPIC_NOT_MODIFIED"));
    }
    topic.closed = closed;
    let name = topic.name.clone();
    let event = if closed { Event::TopicClosed } else { Event::TopicReopened };
    world.note_act(event, id, Some(thread), &name);
    Ok(json!(true))
}

/// A `ChatMember` of this rank; `None` has left.
pub(crate) fn membership(user: &Value, rank: Option<Rank>) -> Value {
    match rank {
        Some(Rank::Admin) => json!({"status": "administrator", "user": user, "can_be_edited": false,
            "is_anonymous": false, "can_manage_chat": true, "can_delete_messages": true,
            "can_manage_video_chats": true, "can_restrict_members": true, "can_promote_members": false,
            "can_change_info": true, "can_invite_users": true, "can_pin_messages": true,
            "can_manage_topics": true, "can_post_stories": false, "can_edit_stories": false,
            "can_delete_stories": false}),
        Some(Rank::Member) => json!({"status": "member", "user": user}),
        None => json!({"status": "left", "user": user}),
    }
}

fn forum(world: &mut World, params: &Params, manage: bool) -> Result<i64, Fail> {
    let id = world.writable(params.int("chat_id"))?;
    let chat = &world.chats[&id];
    if !matches!(chat.kind, Kind::Supergroup { forum: true }) {
        return Err(Fail::bad("the chat is not a forum"));
    }
    if manage && chat.bot != Some(Rank::Admin) {
        return Err(Fail::bad("not enough rights to create a topic"));
    }
    Ok(id)
}

fn topic<'a>(world: &'a mut World, params: &Params, id: i64) -> Result<(i64, &'a mut Topic), Fail> {
    let gone = || Fail::bad("message thread not found");
    let thread = params.int("message_thread_id").ok_or_else(gone)?;
    let chat = world.chats.get_mut(&id).ok_or_else(gone)?;
    Ok((thread, chat.topics.get_mut(&thread).ok_or_else(gone)?))
}

fn topic_name(params: &Params) -> Result<Option<String>, Fail> {
    match params.text("name").map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()) {
        Some(name) if utf16(&name) > 128 => Err(Fail::bad("TOPIC_TITLE_TOO_LONG")),
        name => Ok(name),
    }
}
