//! A bot on Matrix, and somebody who talks to it.

use std::{fs, path::PathBuf};

use chatbox_matrix_synapse::{Account, Event, Person, Room, Synapse};
use tempfile::TempDir;

use crate::support::{Service, folder};

/// A folder, an account and a configuration that the bot can be started with again and again.
pub(crate) struct Stage {
    pub(crate) dir: TempDir,
    pub(crate) synapse: &'static Synapse,
    pub(crate) bot: Account,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        let synapse = Synapse::shared().await;
        let stage = Self { dir: folder(), synapse, bot: synapse.account("bot").await };
        stage.configure(synapse.url(), &stage.bot.password);
        stage
    }

    /// Writes the configuration.
    pub(crate) fn configure(&self, homeserver: &str, password: &str) {
        let text = format!(
            "[matrix]\nhomeserver = \"{homeserver}\"\nuser = \"{}\"\npassword = \"{password}\"\nstate_dir = \
             \"matrix\"\n[desk]\nnone = true\n[limits]\nperson_per_minute = 0\n",
            self.bot.id
        );
        fs::write(self.config(), text).unwrap();
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.dir.path().join("chatbox.toml")
    }

    pub(crate) fn start(&self) -> Service {
        Service::start(self.dir.path(), &self.config())
    }

    /// Somebody new, in an encrypted direct room with the bot.
    pub(crate) async fn guest(&self, name: &str) -> Guest {
        let person = self.synapse.person(name).await;
        let room = person.meets(&self.bot.id).await;
        Guest { person, room, bot: self.bot.id.clone() }
    }
}

/// Somebody in a room with the bot.
pub(crate) struct Guest {
    person: Person,
    pub(crate) room: Room,
    pub(crate) bot: String,
}

impl Guest {
    /// The bot's next message. It must have come encrypted.
    pub(crate) async fn hears(&self) -> Event {
        let event = self.room.next(&self.bot).await;
        assert!(event.encrypted, "everything that the bot says is encrypted");
        event
    }

    /// Says something and returns the answer.
    pub(crate) async fn asks(&self, text: &str) -> Event {
        self.room.says(text).await;
        self.hears().await
    }

    /// From now on what they say is encrypted with keys that the bot does not get.
    pub(crate) async fn keeps_keys_back(&self) {
        self.person.keeps_keys_back().await;
    }

    /// The bot gets those keys after all.
    pub(crate) async fn hands_keys_over(&self) {
        self.person.hands_keys_over().await;
    }

    /// Every text of the bot, oldest first.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.room.messages(&self.bot).iter().map(|event| event.text().to_owned()).collect()
    }
}
