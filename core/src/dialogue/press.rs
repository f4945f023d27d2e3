//! A button: it belongs to the open question, or leads somewhere from anywhere.

use super::{
    Answer,
    load::CHECK_IN,
    model::{Expect, Step},
    talk::Talk,
};
use crate::content::Word;

impl Talk<'_> {
    /// A press, checked to belong to the open question or to lead somewhere from anywhere.
    pub(crate) fn press(&mut self, choice: &str, prompt: Option<u32>) {
        if let Some(to) = choice.strip_prefix("go.") {
            self.navigate(to);
            return;
        }
        let open = &self.conversation.prompt;
        let fits = prompt.is_none_or(|number| number == open.number)
            && open.choices.iter().any(|open| open.id == choice);
        // A late no to "are you safe?" counts, whichever copy of the question it hangs on.
        if !fits && matches!(choice, "no" | "unsure") {
            if self.conversation.dialogue() == Some(CHECK_IN) && self.open_ask().is_some() {
                self.answer_check_in(choice);
                return;
            }
            if self.takes_it_back(choice) {
                return;
            }
        }
        if !fits {
            self.word(Word::StalePress);
            self.ask_again();
            return;
        }
        match choice {
            "skip" => self.skip(),
            "finish" => self.finish_form(),
            "resume" => self.resume_on_word(),
            "leave" => self.leave(),
            "change" => self.ask_what_to_change(),
            _ => match choice.strip_prefix("change.") {
                Some(field) => self.change_field(field),
                None => self.pressed_answer(choice),
            },
        }
    }

    pub(super) fn navigate(&mut self, to: &str) {
        match to {
            "menu" => self.go_to_menu(),
            "help" => self.help(),
            "resume" => self.resume_on_word(),
            "call_off" => self.call_off(),
            _ => match self.content.dialogues.get(to) {
                Some(_) => self.begin_or_ask_again(to),
                None => {
                    self.word(Word::StalePress);
                    self.ask_again();
                }
            },
        }
    }

    fn pressed_answer(&mut self, choice: &str) {
        let Some((dialogue, place)) = self.running() else {
            self.menu();
            return;
        };
        let (name, step) = (dialogue.dialogue.value.as_str(), dialogue.step(&place.step));
        match step {
            Some(Step::Ask(_)) if name == CHECK_IN => self.answer_check_in(choice),
            Some(Step::Ask(ask)) => {
                let answer = match &ask.answer {
                    Expect::Choice(options) | Expect::Needs(options)
                        if options.iter().any(|option| option.id.value == choice && option.other) =>
                    {
                        self.word(Word::OwnWords);
                        self.offer_choices(Vec::new());
                        return;
                    }
                    Expect::Needs(_) => Answer::Needs(vec![(choice.to_owned(), 1.0)]),
                    Expect::Area => {
                        let area = choice
                            .strip_prefix("area_")
                            .and_then(|nth| nth.parse::<usize>().ok())
                            .and_then(|nth| self.hub.areas.get(nth.checked_sub(1)?).cloned());
                        match area {
                            Some(area) => Answer::Choice(area),
                            None => return self.ask_again(),
                        }
                    }
                    Expect::Choice(_)
                    | Expect::YesNo
                    | Expect::Role
                    | Expect::Confirm
                    | Expect::Number(_)
                    | Expect::Size(_)
                    | Expect::When
                    | Expect::Talk
                    | Expect::Text(_)
                    | Expect::Contact => Answer::Choice(choice.to_owned()),
                };
                self.answered(ask, answer, None);
            }
            Some(Step::Offer(offer)) => match offer.next.get(choice) {
                Some(then) => self.go_to_anew(&then.value, None),
                None => self.ask_again(),
            },
            Some(Step::Say(_) | Step::Branch(_) | Step::Save(_) | Step::HandOver(_) | Step::Act(_))
            | None => {
                self.ask_again();
            }
        }
    }
}
