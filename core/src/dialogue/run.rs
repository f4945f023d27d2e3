//! Leads a person through a dialogue: start, ask, fill, go on, end.

use super::{
    Answer, Place,
    dates::with_date,
    load::CHECK_IN,
    model::{
        Act, Ask, BY_CONFIDENTIALITY, Branch, Condition, DeskIs, Dialogue, END, Expect, HandOver, Save, Step,
    },
    talk::Talk,
};
use crate::{
    content::Word,
    conversation::{Aside, Holder},
    desk::DeskState,
    effect::{Choice, Effect, Record},
    safety::Route,
};

/// Steps that one turn may pass without waiting for the person: more than any sound dialogue
/// needs, and an end to an unsound one.
const STEPS_A_TURN: usize = 100;

/// The field of the team or organisation that somebody would rather not talk to.
pub(super) const AVOID: &str = "avoid";

/// Roles that have a button; the others are understood when they are written.
const ROLES_SHOWN: usize = 8;

/// Forms put aside that are remembered; the oldest goes when there are more.
const FORMS_ASIDE: usize = 3;

impl<'a> Talk<'a> {
    /// The dialogue under way and where it is.
    pub(crate) fn running(&self) -> Option<(&'a Dialogue, &Place)> {
        let place = self.conversation.place.as_ref()?;
        Some((self.content.dialogues.get(&place.dialogue)?, place))
    }

    /// The open question.
    pub(crate) fn open_ask(&self) -> Option<&'a Ask> {
        let (dialogue, place) = self.running()?;
        dialogue.ask(&place.step)
    }

    /// Starts a dialogue at its first step. A form under way is put aside; anything else is left.
    pub(crate) fn start(&mut self, name: &str) {
        self.put_aside(false);
        self.conversation.place = Some(Place { dialogue: name.to_owned(), ..Place::default() });
        let group = self.content.dialogues.get(name).is_some_and(|dialogue| dialogue.group_slots);
        if let (true, Some(area)) = (group, self.conversation.area.clone()) {
            self.fill("area", Answer::Choice(area));
        }
        self.settle_avoid();
    }

    /// "Who would you rather not talk to?" is asked once, and of nobody who may be in danger.
    fn settle_avoid(&mut self) {
        let settled = match &self.conversation.desk.avoid {
            Some(avoid) => Answer::Text(avoid.clone()),
            None if self.conversation.route() >= Route::C => Answer::Skipped,
            None => return,
        };
        let asks = self.running().is_some_and(|(dialogue, _)| dialogue.ask(AVOID).is_some());
        if let (true, Some(place)) = (asks, self.conversation.place.as_mut()) {
            place.answers.insert(AVOID.to_owned(), settled);
        }
    }

    /// Puts the form under way aside. `parked`: it goes on only on the person's word.
    /// Returns whether there was one.
    pub(crate) fn put_aside(&mut self, parked: bool) -> bool {
        let Some(place) = self.conversation.place.take() else { return false };
        if !self.content.dialogues.get(&place.dialogue).is_some_and(|dialogue| dialogue.form) {
            return false;
        }
        self.conversation.aside.retain(|aside| aside.place.dialogue != place.dialogue);
        self.conversation.aside.push(Aside { place, parked });
        if self.conversation.aside.len() > FORMS_ASIDE {
            self.conversation.aside.remove(0);
        }
        true
    }

    /// Takes the newest form back up and asks its open question again.
    pub(crate) fn resume(&mut self) {
        let Some(aside) = self.conversation.aside.pop() else {
            self.word(Word::NothingToResume);
            return;
        };
        self.conversation.place = Some(aside.place);
        self.word(Word::Resumed);
        if !self.follow_content() {
            self.ask_again();
        }
    }

    /// Goes on from the step at `from` until something waits for the person or the end comes.
    pub(crate) fn advance(&mut self, from: usize) {
        let Some((dialogue, _)) = self.running() else { return };
        let mut at = from;
        for _ in 0..STEPS_A_TURN {
            let Some(step) = dialogue.steps.get(at) else {
                self.end_dialogue();
                return;
            };
            let id = &step.id().value;
            let then = match step {
                Step::Say(say) => {
                    if self.holds(say.only_if.as_ref()) && !self.passed(id) {
                        let text = self.render(&say.text.value);
                        self.say_in(dialogue, text);
                    }
                    self.pass(id);
                    say.then.as_ref().map(|then| then.value.clone())
                }
                Step::Ask(ask) => match self.next_after(ask) {
                    Some(then) => then,
                    None => {
                        self.open(dialogue, ask);
                        return;
                    }
                },
                Step::Offer(offer) => {
                    if self.show_offers(offer) {
                        return;
                    }
                    Some(offer.nothing.value.clone())
                }
                Step::Branch(branch) => Some(self.branch(branch)),
                Step::Save(save) => {
                    self.save(dialogue, save);
                    self.pass(id);
                    save.then.as_ref().map(|then| then.value.clone())
                }
                Step::HandOver(step) => {
                    self.hand_over();
                    self.pass(id);
                    self.after_hand_over(step)
                }
                Step::Act(step) => {
                    if self.act(step.what) {
                        return;
                    }
                    self.pass(id);
                    step.then.as_ref().map(|then| then.value.clone())
                }
            };
            at = match then {
                None => at + 1,
                Some(name) if name == END => dialogue.steps.len(),
                Some(name) => dialogue.position(&name).unwrap_or(dialogue.steps.len()),
            };
        }
        self.end_dialogue();
    }

    /// Says what stands before a dialogue's first question, so that it comes before anything that
    /// is said about answers.
    pub(crate) fn say_opening(&mut self) {
        let Some((dialogue, _)) = self.running() else { return };
        let opening: Vec<_> = dialogue
            .steps
            .iter()
            .map_while(|step| match step {
                Step::Say(say) => Some(say),
                Step::Ask(_)
                | Step::Offer(_)
                | Step::Branch(_)
                | Step::Save(_)
                | Step::HandOver(_)
                | Step::Act(_) => None,
            })
            .collect();
        for say in opening {
            if self.holds(say.only_if.as_ref()) && !self.passed(&say.id.value) {
                let text = self.render(&say.text.value);
                self.say(text);
            }
            self.pass(&say.id.value);
        }
    }

    /// Goes to a step that the person chose: a question there is asked anew, unless they told its answer
    /// at once.
    pub(crate) fn go_to_anew(&mut self, step: &str, told: Option<Answer>) {
        if let Some((dialogue, _)) = self.running()
            && dialogue.ask(step).is_some()
            && let Some(place) = self.conversation.place.as_mut()
        {
            place.answers.remove(step);
            place
                .path
                .retain(|passed| passed != step && !matches!(dialogue.step(passed), Some(Step::Say(_))));
        }
        if let Some(told) = told {
            self.fill(step, told);
        }
        self.go_to(step);
    }

    /// Goes on from the named step; from the end when the name is `end`.
    pub(crate) fn go_to(&mut self, step: &str) {
        let at = self.running().and_then(|(dialogue, _)| dialogue.position(step)).unwrap_or(usize::MAX);
        self.advance(at);
    }

    /// `None`: the question must be asked. `Some(then)`: it is settled, and this is where its
    /// answer leads (`None` inside: the next step).
    fn next_after(&self, ask: &Ask) -> Option<Option<String>> {
        let place = self.conversation.place.as_ref()?;
        let onward = |key: Option<&str>| {
            key.and_then(|key| ask.next.get(key)).or(ask.then.as_ref()).map(|then| then.value.clone())
        };
        if let Some(answer) = place.answers.get(&ask.id.value) {
            return Some(onward(answer.key()));
        }
        if !self.is_asked(ask) {
            return Some(None);
        }
        let skippable = ask.skip.as_deref() != Some("") && !matches!(ask.answer, Expect::Confirm);
        if place.finish && skippable {
            return Some(onward(Some("skipped")));
        }
        None
    }

    /// Opens a question: it is said, with its choices, and waits.
    pub(crate) fn open(&mut self, dialogue: &Dialogue, ask: &Ask) {
        if let Some(place) = self.conversation.place.as_mut() {
            place.step.clone_from(&ask.id.value);
            place.tries = 0;
            place.changing = false;
        }
        let text = self.render(&ask.text.value);
        self.say_in(dialogue, text);
        self.hang_choices();
        self.watch_silence(ask);
        self.conversation.asked_at = (dialogue.dialogue.value == CHECK_IN).then(|| self.now());
    }

    /// Says the open question again, shorter where the content has it shorter.
    pub(crate) fn ask_again(&mut self) {
        if let Some(place) = self.conversation.place.as_mut() {
            place.changing = false;
        }
        match self
            .running()
            .and_then(|(dialogue, place)| dialogue.step(&place.step).map(|step| (dialogue, step)))
        {
            Some((dialogue, Step::Ask(ask))) => {
                let text = self.render(&ask.again.as_ref().unwrap_or(&ask.text).value);
                self.say_in(dialogue, text);
                self.hang_choices();
                self.watch_silence(ask);
            }
            Some((_, Step::Offer(offer))) => {
                let text = self.render(&offer.ask.value);
                self.say(text);
                self.hang_choices();
            }
            Some((_, Step::Say(_) | Step::Branch(_) | Step::Save(_) | Step::HandOver(_) | Step::Act(_)))
            | None => self.menu(),
        }
    }

    /// The choices of the open question.
    pub(crate) fn hang_choices(&mut self) {
        let Some((dialogue, place)) = self.running() else { return };
        let mut choices = Vec::new();
        match dialogue.step(&place.step) {
            Some(Step::Ask(ask)) => {
                if place.changing {
                    choices = self.change_choices(dialogue, place);
                } else {
                    choices = self.choices_of(ask);
                    // "Not sure" is to skip.
                    let may_skip = !matches!(ask.answer, Expect::Confirm | Expect::YesNo);
                    if ask.skip.as_deref() != Some("") && may_skip {
                        choices.push(match &ask.skip {
                            Some(label) => Choice { id: "skip".to_owned(), label: label.clone() },
                            None => self.choice("skip", Word::ChoiceSkip),
                        });
                        if dialogue.form && !place.answers.is_empty() {
                            choices.push(self.choice("finish", Word::ChoiceFinish));
                        }
                    }
                }
            }
            Some(Step::Offer(offer)) => {
                choices = offer
                    .choices
                    .iter()
                    .map(|option| Choice { id: option.id.value.clone(), label: option.label.clone() })
                    .collect();
            }
            Some(Step::Say(_) | Step::Branch(_) | Step::Save(_) | Step::HandOver(_) | Step::Act(_))
            | None => {}
        }
        self.offer_choices(choices);
    }

    fn choices_of(&self, ask: &Ask) -> Vec<Choice> {
        match &ask.answer {
            Expect::Choice(options) | Expect::Needs(options) => options
                .iter()
                .map(|option| Choice { id: option.id.value.clone(), label: option.label.clone() })
                .collect(),
            Expect::YesNo => vec![
                self.choice("yes", Word::ChoiceYes),
                self.choice("no", Word::ChoiceNo),
                self.choice("unsure", Word::ChoiceUnsure),
            ],
            Expect::Confirm => vec![
                self.choice("yes", Word::ChoiceSend),
                self.choice("change", Word::ChoiceChange),
                self.choice("leave", Word::ChoiceLeave),
            ],
            Expect::Area => self
                .hub
                .areas
                .iter()
                .enumerate()
                .map(|(nth, area)| Choice { id: format!("area_{}", nth + 1), label: area.clone() })
                .collect(),
            Expect::Role => self
                .content
                .directory
                .taxonomy()
                .roles
                .iter()
                .take(ROLES_SHOWN)
                .map(|role| Choice { id: role.id.clone(), label: role.label.clone() })
                .collect(),
            Expect::Number(_)
            | Expect::Size(_)
            | Expect::When
            | Expect::Talk
            | Expect::Text(_)
            | Expect::Contact => Vec::new(),
        }
    }

    /// Takes an answer for a field and drops what it made irrelevant.
    pub(crate) fn fill(&mut self, field: &str, answer: Answer) {
        let answer = with_date(self.with_how_to_reach(field, answer), self.at);
        match (field, &answer) {
            ("area", Answer::Choice(area)) if self.hub.areas.contains(area) => {
                self.conversation.area = Some(area.clone());
            }
            ("role", Answer::Choice(role)) => self.conversation.role = Some(role.clone()),
            _ => {}
        }
        if let (AVOID, Answer::Text(avoid)) = (field, &answer) {
            let avoid = avoid.clone();
            self.avoid(&avoid);
        }
        let Some(place) = self.conversation.place.as_mut() else { return };
        place.answers.insert(field.to_owned(), answer);
        if !place.path.iter().any(|step| step == field) {
            place.path.push(field.to_owned());
        }
        self.drop_irrelevant();
    }

    /// An answer whose question would no longer be asked is dropped, not kept hidden.
    fn drop_irrelevant(&mut self) {
        let Some((dialogue, place)) = self.running() else { return };
        let gone: Vec<String> = dialogue
            .asks()
            .filter(|ask| matches!(ask.only_if, Some(Condition::Is { .. })))
            .filter(|ask| place.answers.contains_key(&ask.id.value) && !self.holds(ask.only_if.as_ref()))
            .map(|ask| ask.id.value.clone())
            .collect();
        if let Some(place) = self.conversation.place.as_mut() {
            for field in gone {
                place.answers.remove(&field);
                place.path.retain(|step| *step != field);
            }
        }
    }

    /// Goes on after an answer to `field`. In a form the earliest open question comes next, so
    /// that a correction that opens a question has it asked.
    pub(crate) fn go_on_after(&mut self, field: &str) {
        let Some((dialogue, place)) = self.running() else { return };
        let at = dialogue.position(field).unwrap_or(0);
        let onward = dialogue.ask(field).and_then(|ask| {
            place
                .answers
                .get(field)
                .and_then(Answer::key)
                .and_then(|key| ask.next.get(key))
                .or(ask.then.as_ref())
                .map(|then| then.value.clone())
        });
        match onward {
            Some(step) => self.go_to(&step),
            None if dialogue.form => self.advance(0),
            None => self.advance(at + 1),
        }
    }

    /// Whether a question is one for this person and this hub.
    pub(crate) fn is_asked(&self, ask: &Ask) -> bool {
        self.holds(ask.only_if.as_ref()) && !(matches!(ask.answer, Expect::Area) && self.hub.areas.is_empty())
    }

    /// Whether a condition holds now; no condition always does.
    fn holds(&self, condition: Option<&Condition>) -> bool {
        match condition {
            None => true,
            Some(Condition::Is { field, answer }) => {
                let place = self.conversation.place.as_ref();
                match place.and_then(|place| place.answers.get(&field.value)) {
                    Some(Answer::Needs(needs)) => needs.iter().any(|(need, _)| need == answer),
                    given => given.and_then(Answer::key) == Some(answer),
                }
            }
            Some(Condition::ChangesOffers(field)) => self.changes_offers(*field),
            Some(Condition::Confidentiality(levels)) => levels.contains(&self.confidentiality),
            Some(Condition::Desk(state)) => match (state, self.desk_state()) {
                (DeskIs::Staffed, DeskState::Staffed { .. }) | (DeskIs::None, DeskState::None) => true,
                (DeskIs::Closed, DeskState::Closed { .. } | DeskState::Unknown) => true,
                (
                    DeskIs::Staffed | DeskIs::None | DeskIs::Closed,
                    DeskState::Staffed { .. }
                    | DeskState::Closed { .. }
                    | DeskState::Unknown
                    | DeskState::None,
                ) => false,
            },
        }
    }

    fn branch(&self, branch: &Branch) -> String {
        let answer = || {
            let place = self.conversation.place.as_ref()?;
            place.answers.get(&branch.on.value).and_then(Answer::key)
        };
        let private = branch.on.value == BY_CONFIDENTIALITY;
        let key = if private { Some(self.confidentiality.as_str()) } else { answer() };
        key.and_then(|key| branch.to.get(key)).unwrap_or(&branch.otherwise).value.clone()
    }

    fn save(&mut self, dialogue: &Dialogue, save: &Save) {
        let reference = self.draw_reference(&save.prefix);
        self.reference = Some(reference.clone());
        let data = self.record_data(dialogue, &save.kind);
        self.effects.push(Effect::Save(Record {
            kind: save.kind.clone(),
            reference: reference.clone(),
            data,
        }));
        if save.case {
            self.open_record_case(&save.kind, &reference);
        }
    }

    /// Where a hand-over leads. With no desk there is nobody to leave a message for.
    fn after_hand_over(&self, step: &HandOver) -> Option<String> {
        if self.desk_state() == DeskState::None
            || matches!(self.conversation.holder, Holder::Practitioner { .. })
        {
            return Some(END.to_owned());
        }
        step.then.as_ref().map(|then| then.value.clone())
    }

    /// Returns whether the turn is over.
    fn act(&mut self, act: Act) -> bool {
        match act {
            Act::Erase => {
                self.erase();
                return true;
            }
            Act::Clear => self.clear_chat(),
            Act::Resume => {
                self.conversation.place = None;
                self.resume();
                return true;
            }
            Act::Lines => {
                let lines = self.lines();
                self.say(lines);
            }
            Act::MayMessage => self.conversation.do_not_message = false,
            Act::DoNotMessage => self.conversation.do_not_message = true,
        }
        false
    }

    /// The dialogue is over. A form that was put aside for it goes on.
    pub(crate) fn end_dialogue(&mut self) {
        self.conversation.place = None;
        self.conversation.tries = 0;
        if self.conversation.aside.last().is_some_and(|aside| !aside.parked) {
            self.resume();
        } else {
            self.offer_choices(self.menu_choices());
        }
    }

    fn passed(&self, step: &str) -> bool {
        self.conversation.place.as_ref().is_some_and(|place| place.path.iter().any(|passed| passed == step))
    }

    fn pass(&mut self, step: &str) {
        if let Some(place) = self.conversation.place.as_mut()
            && !place.path.iter().any(|passed| passed == step)
        {
            place.path.push(step.to_owned());
        }
    }
}
