//! The engine: one input in, one turn out.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};

use crate::{
    channel::ChannelFacts, content::Content, conversation::Conversation, effect::Effect, input::Input,
    understanding::Meaning,
};

/// Decides what happens next in a conversation. Immutable and pure: the same arguments give the
/// same turn, byte for byte, on every machine.
pub struct Engine {
    content: Content,
    hub: Hub,
}

/// What a turn decided. The store commits all of it in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    pub conversation: Conversation,
    /// In the order in which they should happen.
    pub effects: Vec<Effect>,
}

/// What the engine must know besides the conversation.
#[derive(Debug, Clone)]
pub struct Context {
    /// When the input is decided (its time of receipt, so that deciding again gives the same).
    pub now: Timestamp,
    /// Stands in the inbox row; drawn once when the input was received.
    pub seed: u64,
    pub channel: ChannelFacts,
    pub desk: DeskView,
}

/// The desk as the engine sees it.
#[derive(Debug, Clone, Default)]
pub struct DeskView {
    /// There is a desk at all: somebody receives cases and alerts.
    pub exists: bool,
    /// Enrolled practitioners by who the channel proves them to be (a Matrix id, a numeric
    /// Telegram id, a name given to `converse --desk`).
    pub members: BTreeMap<String, Member>,
}

/// An enrolled practitioner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    pub organisation: Option<String>,
    pub duty_lead: bool,
}

/// The deployer's own facts, from the section `hub` of the configuration.
#[derive(Debug, Clone)]
pub struct Hub {
    pub name: String,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub web: Option<String>,
    /// Boroughs or places it serves. Empty: not asked.
    pub areas: Vec<String>,
    pub nation: String,
    /// When somebody is at the desk.
    pub hours: String,
    /// Days on which it is closed whatever the hours say.
    pub closed_days: Vec<Date>,
    /// Who can see the chat, in the deployer's own words.
    pub confidentiality: String,
    /// Days for which a chat without a practitioner is kept.
    pub chat_days: u32,
    /// Messages a minute that one person may send before the bot only listens for danger.
    /// 0: no limit.
    pub person_per_minute: u32,
}

impl Engine {
    pub fn new(content: Content, hub: Hub) -> Self {
        Self { content, hub }
    }

    pub fn content(&self) -> &Content {
        &self.content
    }

    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Decides one input. Never fails: what cannot be understood is answered as such.
    pub fn turn(&self, conversation: &Conversation, input: &Input, context: &Context) -> Turn {
        let _ = (input, context);
        Turn { conversation: conversation.clone(), effects: Vec::new() }
    }

    /// The turn for an input that made [`Engine::turn`] panic too often: its text is still
    /// checked for safety, the person is told, the desk is alerted, the conversation stays
    /// where it is.
    pub fn give_up(&self, conversation: &Conversation, input: &Input, context: &Context) -> Turn {
        let _ = (input, context);
        Turn { conversation: conversation.clone(), effects: Vec::new() }
    }

    /// What a text means on its own. `step`: the question it answers.
    pub fn understand(&self, text: &str, step: Option<&str>) -> Meaning {
        let _ = (text, step);
        Meaning::default()
    }
}
