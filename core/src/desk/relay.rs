//! Words across: from the person to the thread, from whoever holds the conversation to the person,
//! and what becomes of either when it is edited or taken back.

use jiff::SignedDuration;
use strsim::osa_distance;

use super::CLEAR_WITHIN;
use crate::{
    content::Word,
    conversation::{Holder, Relayed, Untold},
    dialogue::{CHECK_IN, Talk, kind_of_step, route_of_step},
    effect::{AuditKind, DeskKind, DeskPost, Effect, Media, Say, SayKind},
    input::{Attachment, DeskMessage, Message},
    safety::{Heard, Route},
    understanding::{Intent, Reading},
};

/// Messages that are remembered as carried over, of both sides together.
const RELAYED: usize = 50;

/// How long somebody whom a conversation was taken from is told that nothing is sent.
const JUST_LOST: SignedDuration = SignedDuration::from_hours(1);

/// How long the lines need not be shown again while a practitioner holds and nothing is worse.
const LINES_AGAIN: SignedDuration = SignedDuration::from_mins(30);

impl Talk<'_> {
    /// The person wrote while a practitioner holds.
    pub(crate) fn heard_while_held(&mut self, message: &Message, heard: &Heard) {
        if message.edited && self.amend(message.id.as_deref(), false, &message.text) {
            self.desk_post(DeskKind::Notice, "The person has changed an earlier message.".to_owned());
        } else {
            self.carry_to_desk(message);
        }
        let reading = self.content.understanding.read(&message.text, None);
        self.wants_while_held(reading.intent);
        self.conversation.desk.written = true;
        self.await_holder();
        if heard.route > Route::A && !heard.soft {
            let before = self.conversation.route();
            self.danger_while_held(heard);
            if self.conversation.route() > before.max(Route::B) {
                self.hurry_holder();
            }
        } else if !message.edited {
            self.answer_while_held(&reading);
        }
    }

    /// Passes the person's words on to the thread.
    pub(crate) fn carry_to_desk(&mut self, message: &Message) {
        let Some(case) = self.conversation.case.clone() else { return };
        let media = media_of(message);
        let mut text = message.text.trim().to_owned();
        if let (Some(attachment), None) = (message.attachment, &media) {
            text = format!("{text}\n({} that cannot be shown here)", attachment_name(attachment));
        }
        if message.forwarded {
            text = format!("(passed on from somebody else) {text}");
        }
        if message.edited {
            text = format!("(edited) {text}");
        }
        let text = text.trim();
        if text.is_empty() && media.is_none() {
            return;
        }
        let post = DeskPost { media, ..DeskPost::new(Some(case), DeskKind::Message, text) };
        self.effects.push(Effect::Desk(post));
        self.note_relayed(message.id.as_deref(), None);
    }

    /// From C on the thread follows what the person writes, also before anybody has taken it.
    pub(crate) fn listen_in(&mut self, message: &Message) {
        if self.conversation.route() >= Route::C && self.conversation.dialogue() != Some(CHECK_IN) {
            self.carry_to_desk(message);
        }
    }

    /// Wishes that must work whoever holds: hiding the chat at once, as somebody may be coming into
    /// the room; deleting once the practitioner has let go, as what is said here is kept till then.
    fn wants_while_held(&mut self, intent: Intent) {
        if intent == Intent::ClearChat && self.context.channel.can_clear {
            self.effects.push(Effect::ClearChat { within: CLEAR_WITHIN });
            self.desk_post(DeskKind::Notice, "The person has hidden this chat on their side.".to_owned());
        } else if intent == Intent::DeleteData {
            self.conversation.desk.wants_erasure = true;
            self.desk_post(
                DeskKind::Notice,
                "The person wants their data deleted. The bot asks them about it once you release or close. \
                 What you talked about stays in the Hub's records."
                    .to_owned(),
            );
        }
    }

    /// "No", to a question about safety that was open when the practitioner came in.
    fn answer_while_held(&mut self, reading: &Reading<'_>) {
        if let Some(answer) = self.said_yes_no(reading) {
            self.settle_while_held(answer);
        }
    }

    /// An answer to the open question of the check-in, for the practitioner to go on with. One that
    /// raises the route does so now as well.
    fn settle_while_held(&mut self, answer: &str) {
        if self.conversation.dialogue() != Some(CHECK_IN) {
            return;
        }
        let Some(ask) = self.open_ask() else { return };
        self.conversation.place = None;
        let question = ask.again.as_ref().unwrap_or(&ask.text).value.trim();
        self.desk_post(DeskKind::Notice, format!("That answers “{question}” with “{answer}”."));
        if ask.rises.iter().any(|rises| rises == answer) {
            let route = route_of_step(&ask.id.value).up();
            let kinds = kind_of_step(&ask.id.value).into_iter().collect();
            self.danger_while_held(&Heard { route, kinds, ..Heard::default() });
        }
    }

    /// A button, pressed while a practitioner holds.
    pub(crate) fn pressed_while_held(&mut self, choice: &str) {
        let open = &self.conversation.prompt.choices;
        let label = open.iter().find(|open| open.id == choice).map(|open| format!("“{}”", open.label));
        let label = label.as_deref().unwrap_or("an old button");
        let text = format!("Pressed {label}, under an earlier question of the bot.");
        self.desk_post(DeskKind::Message, text);
        self.conversation.desk.written = true;
        self.await_holder();
        if matches!(choice, "yes" | "no" | "unsure") {
            self.settle_while_held(choice);
        }
    }

    /// Danger while a practitioner holds: the person sees the lines, the practitioner an alert.
    /// Nothing is asked that could speak over the practitioner; at D and E, with one there, where
    /// the person is and what number to ring. The lines stand for a while, unless it gets worse.
    pub(crate) fn danger_while_held(&mut self, heard: &Heard) {
        self.put_aside(true);
        self.park_all();
        self.raise_flag(heard.route, &heard.kinds);
        self.tell_desk_of_danger(heard.route, &heard.kinds, &heard.reasons);
        let (desk, now) = (&mut self.conversation.desk, self.context.now);
        let again = desk.lines_at.is_none_or(|at| now.duration_since(at) > LINES_AGAIN);
        if !again && desk.lines_for.is_some_and(|shown| shown >= heard.route) {
            return;
        }
        desk.lines_for = Some(heard.route);
        desk.lines_at = Some(now);
        let text = self.text(if heard.route == Route::E { Word::HeldNow } else { Word::HeldDanger });
        self.say_as(SayKind::Safety, text);
        let held = matches!(self.conversation.holder, Holder::Practitioner { .. });
        if held && heard.route >= Route::D && !self.conversation.do_not_message {
            let text = self.text(Word::HeldWhere);
            self.say_as(SayKind::Safety, text);
        }
    }

    /// The holder's plain message goes to the person, from the thread in which the two talk.
    pub(super) fn relay(&mut self, message: &DeskMessage) {
        // What anybody else writes in a thread stays among colleagues. Who has just lost it may not
        // have seen that yet.
        if !self.holds_it(&message.by) {
            let lost = self.conversation.desk.lost.as_ref();
            if lost
                .is_some_and(|lost| lost.by == message.by && self.now().duration_since(lost.at) < JUST_LOST)
            {
                self.answer(message, "Not sent: you do not have it any more. To go on: !take");
            } else if !self.conversation.desk.hinted
                && !matches!(self.conversation.holder, Holder::Practitioner { .. })
            {
                // Once, so that colleagues can talk the case over in peace.
                self.conversation.desk.hinted = true;
                let text =
                    "That stays among colleagues, as nobody has this case. To talk with the person: !take";
                self.answer(message, text);
            }
            return;
        }
        // In the thread of a request colleagues talk over the request.
        if let Some(case) = self.conversation.case.clone().filter(|case| message.case.as_ref() != Some(case))
        {
            let text = format!(
                "Not sent: you talk with the person in {case}. What is written here stays among colleagues."
            );
            self.answer(message, &text);
            return;
        }
        if self.conversation.do_not_message && !self.conversation.desk.written {
            self.answer(
                message,
                "Not sent: somebody else may read along, and they have not written since you came. Wait until \
                 they write. To send it all the same: !send TEXT.",
            );
            return;
        }
        let text = message.said.text.trim();
        if looks_like_a_command(text) && message.said.attachment.is_none() {
            let hint = format!(
                "Not sent: “{text}” looks like a command or a choice. Commands begin with / or !, as in !help; a \
                 choice is pressed, or reacted to with its number. To send it to the person all the same: \
                 !send {text}"
            );
            self.answer(message, &hint);
            return;
        }
        self.send_to_person(message, text);
    }

    pub(super) fn send_to_person(&mut self, message: &DeskMessage, text: &str) {
        let media = media_of(&message.said);
        if let (Some(attachment), None) = (message.said.attachment, &media) {
            let what = attachment_name(attachment);
            let end = if text.is_empty() { "Nothing was sent." } else { "Only the words were sent." };
            self.answer(message, &format!("{what} cannot be passed on from here. {end}"));
        }
        if text.is_empty() && media.is_none() {
            return;
        }
        // What the bot had asked about danger is the practitioner's to ask now.
        if self.conversation.dialogue() == Some(CHECK_IN) {
            self.conversation.place = None;
        }
        self.effects.push(Effect::Say(Say { media, ..Say::new(SayKind::Relay, text) }));
        self.audit(AuditKind::Relayed, message);
        self.note_relayed(message.said.id.as_deref(), Some(&message.by));
        self.holder_wrote();
    }

    /// A practitioner edited or took back a message of theirs. What went to the person follows, but
    /// not where somebody else took it away, who may do so in the room. Returns whether it was one
    /// of those.
    pub(super) fn amended_at_desk(&mut self, message: &DeskMessage) -> bool {
        let id = message.said.id.as_deref();
        if message.redacted {
            let author = self.relayed(id, true).map(|relayed| relayed.by.clone());
            match (id, author) {
                (Some(_), Some(Some(author))) if author != message.by => self.answer(
                    message,
                    "Somebody else took away a message here. The person still has it: only whoever wrote it \
                     can take it back.",
                ),
                (Some(id), Some(_)) => {
                    self.effects.push(Effect::Amend { of: id.to_owned(), text: None });
                    self.audit(AuditKind::Relayed, message);
                }
                (Some(_) | None, None) | (None, Some(_)) => {}
            }
            return true;
        }
        if !message.said.edited {
            return false;
        }
        let text = message.said.text.trim();
        if text.starts_with(['/', '!']) {
            self.answer(
                message,
                "An edited message is not taken as a command, so nothing was done. Please write it again.",
            );
        } else if self.amend(id, true, text) {
            self.audit(AuditKind::Relayed, message);
        }
        true
    }

    /// The person took back a message: its copy in the thread goes. No flag does.
    pub(crate) fn taken_back(&mut self, of: &str) {
        if self.is_relayed(Some(of), false) {
            self.effects.push(Effect::Amend { of: of.to_owned(), text: None });
            self.desk_post(DeskKind::Notice, "The person has taken back a message.".to_owned());
        }
    }

    /// Carries an edit over. Returns whether there was a copy to change.
    pub(crate) fn amend(&mut self, id: Option<&str>, desk: bool, text: &str) -> bool {
        let (Some(id), true) = (id, self.is_relayed(id, desk)) else { return false };
        let text = if desk { text.to_owned() } else { format!("(edited) {}", text.trim()) };
        self.effects.push(Effect::Amend { of: id.to_owned(), text: Some(text) });
        true
    }

    fn is_relayed(&self, id: Option<&str>, desk: bool) -> bool {
        self.relayed(id, desk).is_some()
    }

    fn relayed(&self, id: Option<&str>, desk: bool) -> Option<&Relayed> {
        self.conversation.desk.relayed.iter().find(|it| it.desk == desk && Some(it.id.as_str()) == id)
    }

    /// `by`: the practitioner who wrote it; none where the person did.
    fn note_relayed(&mut self, id: Option<&str>, by: Option<&str>) {
        let Some(id) = id else { return };
        let relayed = &mut self.conversation.desk.relayed;
        relayed.push(Relayed { id: id.to_owned(), desk: by.is_some(), by: by.map(str::to_owned) });
        if relayed.len() > RELAYED {
            relayed.remove(0);
        }
    }

    /// News that waited for the person to write first.
    pub(crate) fn tell_untold(&mut self) {
        let held = matches!(self.conversation.holder, Holder::Practitioner { .. });
        match (self.conversation.desk.untold.take(), held) {
            (Some(Untold::Joined), true) => {
                let text = self.text(Word::PractitionerJoined);
                self.say_as(SayKind::Notice, text);
            }
            (Some(Untold::Left), false) => {
                let text = self.text(Word::HandedBack);
                self.say_as(SayKind::Notice, text);
            }
            // Overtaken meanwhile.
            (Some(Untold::Joined), false) | (Some(Untold::Left), true) | (None, _) => {}
        }
    }
}

/// Whether a message is a slip of somebody who meant a command: one word that names one, or nearly
/// ("release", "taek"); a note, or a name to hand over to, without its mark; or the number of a choice in a
/// list. Words that people say to each other as well are not among them.
fn looks_like_a_command(text: &str) -> bool {
    const COMMANDS: [&str; 10] =
        ["take", "release", "transfer", "history", "identify", "queue", "help", "close", "reply", "ack"];
    /// With what follows them.
    const WITH_MORE: [&str; 4] = ["note", "transfer", "identify", "ack"];
    let text = text.to_lowercase();
    if let Some((word, _)) = text.split_once(char::is_whitespace) {
        return WITH_MORE.contains(&word.trim_end_matches(':'));
    }
    if text.len() == 1 && text.starts_with(|letter: char| letter.is_ascii_digit()) {
        return true;
    }
    let letters = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    // Of a short one only two letters may have changed places: "bake" and "Kate" are no commands.
    let near = |command: &&str| {
        osa_distance(&text, command) <= 1 && (command.len() > 5 || letters(&text) == letters(command))
    };
    COMMANDS.iter().any(near)
}

fn media_of(message: &Message) -> Option<Media> {
    Some(Media { kind: message.attachment?, file: message.file.clone()? })
}

fn attachment_name(attachment: Attachment) -> &'static str {
    match attachment {
        Attachment::Voice => "a voice message",
        Attachment::Photo => "a photo",
        Attachment::Video => "a video",
        Attachment::Sticker => "a sticker",
        Attachment::File => "a file",
        Attachment::Location => "a location",
        Attachment::Contact => "a contact",
        Attachment::Other => "something",
    }
}
