//! Attachments as people send them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{params::Upload, world::World};

/// The fields of a message that say it is more than text.
pub(crate) const KINDS: [&str; 12] = [
    "photo",
    "voice",
    "video",
    "video_note",
    "audio",
    "animation",
    "sticker",
    "document",
    "location",
    "contact",
    "poll",
    "dice",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Media {
    Photo,
    Voice,
    Video,
    VideoNote,
    Audio,
    Animation,
    Sticker,
    Document,
    Location,
    Contact,
    Poll,
    Dice,
}

impl Media {
    /// The fields that a message with it has. Bytes, where there are any, can be fetched through
    /// `getFile`.
    pub(crate) fn content(self, world: &mut World, caption: &str) -> Value {
        let mut content = match self {
            Self::Photo => {
                let file = store(world, "photo.jpg", "image/jpeg", b"not really a photo");
                json!({"photo": [with(file, &json!({"width": 90, "height": 60}))]})
            }
            Self::Voice => {
                let file = store(world, "voice.ogg", "audio/ogg", b"not really a voice");
                json!({"voice": with(file, &json!({"duration": 4, "mime_type": "audio/ogg"}))})
            }
            Self::Video => {
                let file = store(world, "video.mp4", "video/mp4", b"not really a video");
                json!({"video": with(file, &json!({"width": 90, "height": 60, "duration": 4}))})
            }
            Self::VideoNote => {
                let file = store(world, "note.mp4", "video/mp4", b"not really a video");
                json!({"video_note": with(file, &json!({"length": 90, "duration": 4}))})
            }
            Self::Audio => {
                let file = store(world, "audio.mp3", "audio/mpeg", b"not really a song");
                json!({"audio": with(file, &json!({"duration": 4}))})
            }
            Self::Animation => {
                let file = store(world, "fun.mp4", "video/mp4", b"not really fun");
                let animation = with(file, &json!({"width": 90, "height": 60, "duration": 4}));
                json!({"animation": animation, "document": animation})
            }
            Self::Sticker => {
                let file = store(world, "sticker.webp", "image/webp", b"not really a sticker");
                let rest = json!({"type": "regular", "width": 512, "height": 512, "is_animated": false,
                    "is_video": false, "emoji": "👍"});
                json!({"sticker": with(file, &rest)})
            }
            Self::Document => {
                let file = store(world, "letter.pdf", "application/pdf", b"not really a letter");
                json!({"document": with(file, &json!({"file_name": "letter.pdf"}))})
            }
            Self::Location => json!({"location": {"latitude": 51.5, "longitude": -0.1}}),
            Self::Contact => json!({"contact": {"phone_number": "+440000000000", "first_name": "Sam"}}),
            Self::Poll => json!({"poll": {"id": "1", "question": "Which?", "options": [],
                "total_voter_count": 0, "is_closed": false, "is_anonymous": true, "type": "regular",
                "allows_multiple_answers": false}}),
            Self::Dice => json!({"dice": {"emoji": "🎲", "value": 3}}),
        };
        if !caption.is_empty() {
            content["caption"] = json!(caption);
        }
        content
    }
}

/// Keeps bytes for `getFile` and describes them as Telegram does.
pub(crate) fn keep(world: &mut World, upload: Upload) -> Value {
    let serial = world.serial();
    let id = format!("file-{serial}");
    let file =
        json!({"file_id": id, "file_unique_id": format!("u{serial}"), "file_size": upload.bytes.len()});
    world.files.insert(id, upload);
    file
}

fn store(world: &mut World, name: &str, mime: &str, bytes: &[u8]) -> Value {
    keep(world, Upload { name: name.to_owned(), mime: mime.to_owned(), bytes: bytes.to_vec() })
}

pub(crate) fn with(mut file: Value, more: &Value) -> Value {
    if let (Some(file), Some(more)) = (file.as_object_mut(), more.as_object()) {
        file.extend(more.clone());
    }
    file
}
