//! Deleting what is kept about a person, and hiding the chat.

use std::collections::BTreeMap;

use super::CLEAR_WITHIN;
use crate::{
    content::Word,
    conversation::{AtDesk, Conversation},
    dialogue::Talk,
    effect::{DeskKind, DeskPost, Effect, Kept},
};

impl Talk<'_> {
    /// Deletes what is kept about the person, and says what must stay and why.
    pub(crate) fn erase(&mut self) {
        let mut keep = Vec::new();
        let mut kept = Vec::new();
        if self.conversation.handled {
            keep.push(Kept::Handled);
            kept.push(self.text(Word::KeptHandled));
        }
        if self.conversation.flag.is_some() {
            keep.push(Kept::OpenFlag);
            kept.push(self.text(Word::KeptFlag));
        }
        if keep.is_empty() {
            kept.push(self.text(Word::ErasedRequests));
        }
        self.kept = kept.join(" ");
        let old = std::mem::take(&mut self.conversation);
        let stays = !keep.is_empty();
        let old_case = old.case.clone();
        let requests: Vec<_> = old.desk.requests.iter().map(|request| request.case.clone()).collect();
        // Where nothing must stay, nothing does: they are greeted like anybody new.
        self.conversation = if stays {
            Conversation {
                holder: old.holder,
                epoch: old.epoch,
                case: old.case,
                flag: old.flag,
                content: old.content,
                welcomed: true,
                prompt: old.prompt,
                lines_shown: old.lines_shown,
                do_not_message: old.do_not_message,
                handled: old.handled,
                desk: AtDesk { avoid: None, wants_erasure: false, relayed: Vec::new(), ..old.desk },
                ..Conversation::default()
            }
        } else {
            Conversation::default()
        };
        // Nothing of this turn may bring the words back.
        self.words.clear();
        self.effects.clear();
        self.effects.push(Effect::Erase { keep });
        if self.context.desk.exists {
            let stay = if stays { " This request stays." } else { " This request is deleted too." };
            let told = requests.into_iter().map(|case| (case, stay)).chain(old_case.map(|case| (case, "")));
            for (case, stay) in told.collect::<BTreeMap<_, _>>() {
                let text = format!("The person has deleted their data here.{stay}");
                self.effects.push(Effect::Desk(DeskPost::new(Some(case), DeskKind::Notice, text)));
            }
        }
        self.word(Word::Erased);
        if self.context.desk.exists {
            self.word(Word::ErasedDesk);
        }
        // The menu would be something to remember.
        if stays {
            self.keep_waiting();
            self.offer_choices(self.menu_choices());
        }
    }

    /// Deletes the messages on the platform, where it lets a bot.
    pub(crate) fn clear_chat(&mut self) {
        if self.context.channel.can_clear {
            self.word(Word::ClearCan);
            self.effects.push(Effect::ClearChat { within: CLEAR_WITHIN });
        } else {
            self.word(Word::ClearCannot);
        }
    }
}
