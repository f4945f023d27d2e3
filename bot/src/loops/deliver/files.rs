//! Files that go along with a text, from one platform to the other.

use std::time::Duration;

use chatbox_core::{
    channel::{Channel, Delivery, FetchError, Post},
    effect::Media,
    ids::ChannelKind,
};
use chatbox_store::SendEnd;
use jiff::Timestamp;

use super::send::{Sending, not_yet};

/// The largest file that is passed on: what Telegram hands to a bot.
const MAX_FILE: u64 = 20 << 20;

const FETCH_WITHIN: Duration = Duration::from_secs(20);

/// After so many tries a file that cannot be fetched is left behind, so that its words get through.
const MAX_TRIES: u32 = 5;

/// What goes with a post.
#[derive(Default)]
pub(super) struct Content {
    pub(super) file: Option<Vec<u8>>,
    /// In place of the post: it says that the file is missing.
    pub(super) post: Option<Post>,
    /// The file stays behind.
    pub(super) lost: bool,
}

impl<C: Channel + Clone + 'static> Sending<'_, C> {
    /// Fetches what a post carries, if it carries anything.
    pub(super) async fn content(
        &self,
        post: &Post,
        to: ChannelKind,
        now: &(impl Fn() -> Timestamp + Sync),
    ) -> Result<Content, SendEnd> {
        let Some(Media { file, .. }) = media(post) else { return Ok(Content::default()) };
        // Telegram passes on what it has by its id.
        if file.channel == ChannelKind::Telegram && to == ChannelKind::Telegram {
            return Ok(Content::default());
        }
        let fetched = match self.outlet.channel(file.channel) {
            Some(channel) => Box::pin(channel.fetch(file, MAX_FILE, FETCH_WITHIN)).await,
            None => Err(FetchError::Later),
        };
        let why = match fetched {
            Ok(bytes) => return Ok(Content { file: Some(bytes), ..Content::default() }),
            Err(FetchError::Later) if self.job.attempts < MAX_TRIES => {
                return Err(not_yet(self.outlet, self.job, &self.job.person, &Delivery::Unsent, now));
            }
            Err(FetchError::TooLarge) => "A file came with this that is too large to pass on.",
            Err(FetchError::Later | FetchError::Gone { .. }) => {
                "A file came with this that could not be passed on."
            }
        };
        tracing::warn!(outbox.id = %self.job.id, "a file stays behind");
        Ok(Content { file: None, post: Some(without_file(post, why)), lost: true })
    }
}

fn media(post: &Post) -> Option<&Media> {
    match post {
        Post::Say(say) => say.media.as_ref(),
        Post::Desk(post) => post.media.as_ref(),
    }
}

fn without_file(post: &Post, why: &str) -> Post {
    let mut post = post.clone();
    let (text, media) = match &mut post {
        Post::Say(say) => (&mut say.text, &mut say.media),
        Post::Desk(post) => (&mut post.text, &mut post.media),
    };
    *media = None;
    if !text.is_empty() {
        text.push('\n');
    }
    text.push('(');
    text.push_str(why);
    text.push(')');
    post
}
