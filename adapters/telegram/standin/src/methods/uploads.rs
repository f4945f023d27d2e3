//! Photos, documents and voice messages of the bot, and what it downloads.

use serde_json::json;

use super::{
    Answer, Fail,
    messages::{MAX_CAPTION, envelope, thread},
};
use crate::{
    media::{keep, with},
    params::Params,
    text::{shown, utf16},
    world::World,
};

pub(super) fn send(world: &mut World, params: &Params, kind: &str) -> Answer {
    let chat = world.writable(params.int("chat_id"))?;
    let caption = shown(&params.text("caption").unwrap_or_default(), params.text("parse_mode").as_deref())?;
    if utf16(&caption) > MAX_CAPTION {
        return Err(Fail::bad("message caption is too long"));
    }
    let mut content = envelope(world, params, chat)?;
    let thread = thread(world, params, chat)?;
    let file = file(world, params, kind)?;
    content[kind] = match kind {
        "photo" => json!([with(file, &json!({"width": 90, "height": 60}))]),
        "voice" | "audio" => with(file, &json!({"duration": 1})),
        "video" | "animation" => with(file, &json!({"width": 90, "height": 60, "duration": 1})),
        "video_note" => with(file, &json!({"length": 90, "duration": 1})),
        "sticker" => with(
            file,
            &json!({"type": "regular", "width": 512, "height": 512, "is_animated": false, "is_video": false}),
        ),
        _ => file,
    };
    if !caption.is_empty() {
        content["caption"] = json!(caption);
    }
    Ok(world.post(chat, world.bot_id(), thread, content))
}

pub(super) fn send_location(world: &mut World, params: &Params) -> Answer {
    let chat = world.writable(params.int("chat_id"))?;
    let mut content = envelope(world, params, chat)?;
    let thread = thread(world, params, chat)?;
    let number = |key: &str| params.json(key).and_then(|number| number.as_f64());
    let (Some(latitude), Some(longitude)) = (number("latitude"), number("longitude")) else {
        return Err(Fail::bad("wrong latitude or longitude"));
    };
    content["location"] = json!({"latitude": latitude, "longitude": longitude});
    Ok(world.post(chat, world.bot_id(), thread, content))
}

pub(super) fn get(world: &mut World, params: &Params) -> Answer {
    let id = params.text("file_id").unwrap_or_default();
    let Some(upload) = world.files.get(&id) else { return Err(Fail::bad("invalid file_id")) };
    Ok(json!({"file_id": id, "file_unique_id": format!("u-{id}"), "file_size": upload.bytes.len(),
        "file_path": format!("{id}/{}", upload.name)}))
}

/// The file named by the parameter: uploaded beside it, or known by its id.
fn file(world: &mut World, params: &Params, kind: &str) -> Answer {
    let named = params.text(kind);
    let field = named.as_deref().and_then(|name| name.strip_prefix("attach://")).unwrap_or(kind);
    if let Some(upload) = params.files.get(field) {
        if upload.bytes.is_empty() {
            return Err(Fail::bad("file must be non-empty"));
        }
        let extra = json!({"file_name": upload.name, "mime_type": upload.mime});
        let file = keep(world, upload.clone());
        return Ok(if kind == "photo" { file } else { with(file, &extra) });
    }
    match named {
        None => Err(Fail::bad(&format!("there is no {kind} in the request"))),
        Some(url) if url.starts_with("http") => Err(Fail::bad("failed to get HTTP URL content")),
        Some(id) => match world.files.get(&id) {
            Some(upload) => Ok(
                json!({"file_id": id, "file_unique_id": format!("u-{id}"), "file_size": upload.bytes.len()}),
            ),
            None => Err(Fail::bad("wrong file identifier/HTTP URL specified")),
        },
    }
}
