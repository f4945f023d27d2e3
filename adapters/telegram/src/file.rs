//! Files: fetched from Telegram, and on their way out.

use std::{borrow::Cow, time::Duration};

use chatbox_core::{
    channel::FetchError,
    effect::Media,
    ids::ChannelKind,
    input::{Attachment, FileRef},
};
use reqwest::{
    StatusCode,
    multipart::{Form, Part},
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{Telegram, call::Outcome, send::Sent};

/// Longest caption of a file, in UTF-16 units.
pub(crate) const MAX_CAPTION: usize = 1024;

/// A file to send, as the call that does it.
pub(crate) struct Sending<'a> {
    pub(crate) method: &'static str,
    content: Content<'a>,
    /// The kind can carry words.
    pub(crate) captioned: bool,
}

enum Content<'a> {
    /// Telegram has it: the parameters that name it.
    There(Value),
    /// To be uploaded, under this field.
    Bytes { field: &'static str, name: Cow<'a, str>, mime: Option<&'a str>, bytes: &'a [u8] },
}

impl<'a> Sending<'a> {
    /// What came by Telegram is passed on by its id; anything else needs its bytes. `None` without
    /// either.
    pub(crate) fn of(media: &'a Media, bytes: Option<&'a [u8]>) -> Option<Self> {
        if media.file.channel == ChannelKind::Telegram {
            return Self::there(&media.file.handle);
        }
        let bytes = bytes?;
        let mime = media.file.mime.as_deref();
        // A voice message is shown as one only in this format.
        let ogg = mime.is_some_and(|mime| mime.starts_with("audio/ogg"));
        let (method, field) = match media.kind {
            Attachment::Photo => ("sendPhoto", "photo"),
            Attachment::Video => ("sendVideo", "video"),
            Attachment::Voice if ogg => ("sendVoice", "voice"),
            Attachment::Voice
            | Attachment::File
            | Attachment::Sticker
            | Attachment::Location
            | Attachment::Contact
            | Attachment::Other => ("sendDocument", "document"),
        };
        let name = media.file.name.as_deref().map_or_else(|| Cow::Owned(plain_name(mime)), Cow::Borrowed);
        Some(Self { method, content: Content::Bytes { field, name, mime, bytes }, captioned: true })
    }

    fn there(handle: &str) -> Option<Self> {
        let (kind, id) = handle.split_once(':')?;
        let (method, field, captioned) = match kind {
            "photo" => ("sendPhoto", "photo", true),
            "voice" => ("sendVoice", "voice", true),
            "audio" => ("sendAudio", "audio", true),
            "video" => ("sendVideo", "video", true),
            "animation" => ("sendAnimation", "animation", true),
            "document" => ("sendDocument", "document", true),
            "video_note" => ("sendVideoNote", "video_note", false),
            "sticker" => ("sendSticker", "sticker", false),
            "location" => {
                let (lat, lon) = id.split_once(',')?;
                let place =
                    json!({"latitude": lat.parse::<f64>().ok()?, "longitude": lon.parse::<f64>().ok()?});
                return Some(Self {
                    method: "sendLocation",
                    content: Content::There(place),
                    captioned: false,
                });
            }
            _ => return None,
        };
        Some(Self { method, content: Content::There(json!({ field: id })), captioned })
    }

    /// Sends it, with these fields beside it.
    pub(crate) async fn send(&self, telegram: &Telegram, more: &Value, within: Duration) -> Outcome<Sent> {
        match &self.content {
            Content::There(named) => {
                let mut payload = more.clone();
                merge(&mut payload, named);
                telegram.api.post(self.method, &payload, within).await
            }
            Content::Bytes { field, name, mime, bytes } => {
                let mut part = Part::bytes(bytes.to_vec()).file_name(name.clone().into_owned());
                if let Some(mime) = mime {
                    // One that is no media type is left to Telegram to find out.
                    part = part
                        .mime_str(mime)
                        .unwrap_or_else(|_| Part::bytes(bytes.to_vec()).file_name(name.clone().into_owned()));
                }
                let mut form = Form::new().part(*field, part);
                for (key, value) in more.as_object().into_iter().flatten() {
                    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    form = form.text(key.clone(), value);
                }
                telegram.api.upload(self.method, form, within).await
            }
        }
    }
}

impl Telegram {
    /// Telegram hands a bot files of up to 20 MB.
    pub(crate) async fn download(
        &self,
        file: &FileRef,
        limit: u64,
        within: Duration,
    ) -> Result<Vec<u8>, FetchError> {
        if file.size.is_some_and(|size| size > limit) {
            return Err(FetchError::TooLarge);
        }
        let deadline = Instant::now() + within;
        let (kind, id) = file.handle.split_once(':').ok_or(FetchError::Gone { code: 0 })?;
        if kind == "location" {
            return Ok(format!("geo:{id}").into_bytes());
        }
        let there: Value = match self.api.post("getFile", &json!({ "file_id": id }), within).await {
            Outcome::Done(there) => there,
            Outcome::Refused(refused) if refused.description.contains("too big") => {
                return Err(FetchError::TooLarge);
            }
            Outcome::Refused(refused) => return Err(FetchError::Gone { code: refused.code }),
            Outcome::RetryAfter(_) | Outcome::Unsent(_) | Outcome::Unknown => return Err(FetchError::Later),
        };
        if there["file_size"].as_u64().is_some_and(|size| size > limit) {
            return Err(FetchError::TooLarge);
        }
        let path = there["file_path"].as_str().ok_or(FetchError::Gone { code: 0 })?;
        let left = deadline.saturating_duration_since(Instant::now());
        let mut response = self.api.file(path, left).await.map_err(|_| FetchError::Later)?;
        match response.status() {
            StatusCode::OK => {}
            status if status.is_client_error() => return Err(FetchError::Gone { code: status.as_u16() }),
            _ => return Err(FetchError::Later),
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| FetchError::Later)? {
            if (bytes.len() + chunk.len()) as u64 > limit {
                return Err(FetchError::TooLarge);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

/// Puts the fields of `more` into `into`.
pub(crate) fn merge(into: &mut Value, more: &Value) {
    if let (Some(into), Some(more)) = (into.as_object_mut(), more.as_object()) {
        into.extend(more.clone());
    }
}

fn plain_name(mime: Option<&str>) -> String {
    let ending = match mime {
        Some("image/jpeg") => "jpg",
        Some("image/png") => "png",
        Some("audio/ogg") => "ogg",
        Some("audio/mpeg") => "mp3",
        Some("video/mp4") => "mp4",
        Some("application/pdf") => "pdf",
        Some("text/plain") => "txt",
        Some(_) | None => "bin",
    };
    format!("file.{ending}")
}
