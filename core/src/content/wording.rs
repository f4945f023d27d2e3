//! Texts that several dialogues share, from `wording.yaml`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{Finding, Severity, Source, template};

/// One text for each [`Word`].
#[derive(Debug, Clone, Default)]
pub struct Wording(BTreeMap<&'static str, String>);

macro_rules! words {
    ($($(#[doc = $doc:expr])* $word:ident = $key:literal,)*) => {
        /// The name of a shared text. Each must stand in `wording.yaml`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Word { $($(#[doc = $doc])* $word,)* }

        impl Word {
            /// Every word there is.
            pub const ALL: &'static [Word] = &[$(Word::$word,)*];

            /// Its key in the file.
            pub fn key(self) -> &'static str {
                match self { $(Word::$word => $key,)* }
            }
        }
    };
}

words! {
    /// The first thing anyone reads.
    Welcome = "welcome",
    /// Asked at the end of the welcome and whenever nothing is open.
    Menu = "menu",
    Help = "help",
    /// To an "ok" or a "no" that answers nothing.
    AtEase = "at_ease",
    /// The same to somebody who told of danger before.
    StillHere = "still_here",
    /// To a "don't know" about what was shown.
    NoNeedToChoose = "no_need_to_choose",
    /// To somebody who will be back in a moment.
    Pause = "pause",
    /// To a "don't know" that answers nothing.
    NoNeedToKnow = "no_need_to_know",
    /// A role or an area that changes nothing in what was shown.
    Noted = "noted",
    /// To somebody who said what is wrong, before anything else is asked or shown.
    ToldANeed = "told_a_need",
    /// Words in which no need was found, after some were.
    HeardMore = "heard_more",
    /// To somebody who speaks of themselves in the middle of a form.
    HeardInForm = "heard_in_form",
    /// To words in another language.
    OtherLanguage = "other_language",
    /// To somebody who asks whether their request was sent, with its `{reference}`; and where none was.
    RequestSent = "request_sent",
    RequestNotSent = "request_not_sent",
    /// After "stop", while somebody was asked to join.
    StillAsked = "still_asked",
    /// To somebody who is cross with the bot.
    SorryForThis = "sorry_for_this",
    Thanks = "thanks",
    /// To thanks in the middle of something.
    ThanksMeanwhile = "thanks_meanwhile",
    /// To an "ok" in the middle of something, before the open question.
    WheneverReady = "whenever_ready",
    /// To "text only", where it is not known yet how somebody can be reached.
    AndHowToReach = "and_how_to_reach",
    /// To "no calls at work", from somebody who waits.
    PassedOn = "passed_on",
    /// Nobody is wanted any more.
    CalledOff = "called_off",
    /// The same from somebody whose flag of C or above is open.
    CannotCallOff = "cannot_call_off",
    ChoiceCallOff = "choice_call_off",
    Bye = "bye",
    /// "Stop": nothing is going on any more.
    Stopped = "stopped",
    /// "Stop" in the middle of a form.
    StoppedForm = "stopped_form",
    StartedAgain = "started_again",
    NothingToGoBack = "nothing_to_go_back",
    NothingToResume = "nothing_to_resume",
    /// Before the open question, once a parked form goes on.
    Resumed = "resumed",
    /// A form put aside for something else.
    PutAside = "put_aside",
    /// A form put aside because of danger.
    Parked = "parked",
    /// A form left for later.
    Left = "left",
    NotUnderstood = "not_understood",
    /// Before the question what is going on, when the bot has guesses at it.
    WhichNeed = "which_need",
    /// The second time in a row.
    NotUnderstoodAgain = "not_understood_again",
    /// A question that the bot has no answer to.
    /// Words that are no wish and no need, from somebody whose flag is open.
    Listening = "listening",
    UnknownQuestion = "unknown_question",
    /// "Why do you ask?" where the content says nothing.
    NoReason = "no_reason",
    Skipped = "skipped",
    /// An answer in the person's own words is wanted.
    OwnWords = "own_words",
    /// A summary in which nothing stands yet.
    NothingYet = "nothing_yet",
    NotSureYet = "not_sure_yet",
    CannotSkip = "cannot_skip",
    /// Before what was changed by a correction.
    Changed = "changed",
    WhatToChange = "what_to_change",
    StalePress = "stale_press",
    ContentChanged = "content_changed",
    Empty = "empty",
    TooLong = "too_long",
    /// More messages a minute than the limit.
    TooMany = "too_many",
    Voice = "voice",
    Picture = "picture",
    File = "file",
    Unreadable = "unreadable",
    /// A soft B: believed.
    Believed = "believed",
    /// Professional talk of something hard.
    Gentle = "gentle",
    /// On an answer given long after it was written, at C and above.
    Late = "late",
    /// In front of an ordinary answer to an old message.
    LateOrdinary = "late_ordinary",
    /// After 5 minutes of silence to "are you safe?".
    Silence = "silence",
    PrivacyPlatform = "privacy_platform",
    /// Encrypted up to the desk, whose own platform can read it.
    PrivacyDesk = "privacy_desk",
    /// A room that is not encrypted.
    PrivacyServer = "privacy_server",
    /// In front of who can read along, when that has become more.
    PrivacyChanged = "privacy_changed",
    PrivacyEncrypted = "privacy_encrypted",
    PrivacyVerified = "privacy_verified",
    PrivacyLocal = "privacy_local",
    ClearCan = "clear_can",
    ClearCannot = "clear_cannot",
    /// After `Effect::Erase`.
    Erased = "erased",
    /// What the desk was sent already.
    ErasedDesk = "erased_desk",
    /// That people of the hub can join, as far as it is so; empty is fine for none.
    JoinCan = "join_can",
    JoinCannot = "join_cannot",
    /// Requests are gone too: nothing had to stay.
    ErasedRequests = "erased_requests",
    KeptHandled = "kept_handled",
    KeptFlag = "kept_flag",
    DeskStaffed = "desk_staffed",
    DeskClosed = "desk_closed",
    DeskUnknown = "desk_unknown",
    DeskNone = "desk_none",
    /// What happens with a saved request, and by when.
    RequestStaffed = "request_staffed",
    RequestClosed = "request_closed",
    RequestUnknown = "request_unknown",
    RequestNone = "request_none",
    /// "I have told a practitioner", as far as it is so.
    AlertedStaffed = "alerted_staffed",
    AlertedClosed = "alerted_closed",
    AlertedUnknown = "alerted_unknown",
    AlertedNone = "alerted_none",
    /// When somebody is at the desk.
    HoursStaffed = "hours_staffed",
    HoursClosed = "hours_closed",
    HoursUnknown = "hours_unknown",
    HoursNone = "hours_none",
    PractitionerJoined = "practitioner_joined",
    /// The same at D and E.
    PractitionerJoinedUrgent = "practitioner_joined_urgent",
    /// Another has it now.
    PractitionerChanged = "practitioner_changed",
    /// Nobody has come within the time that was aimed at.
    NobodyCame = "nobody_came",
    NobodyCameClosed = "nobody_came_closed",
    /// Whoever held it does not answer.
    HolderGone = "holder_gone",
    /// Of a request: who will be in touch, and by when.
    RequestAcknowledged = "request_acknowledged",
    /// Of somebody who waits.
    Acknowledged = "acknowledged",
    /// An edit of a message that is no answer, or too old.
    EditUnknown = "edit_unknown",
    /// An edit of an answer in a request that was sent already.
    SentAlready = "sent_already",
    /// Asked for a person while one is asked for.
    AskedAlready = "asked_already",
    /// How to ask for one.
    NotAsked = "not_asked",
    PlaceNext = "place_next",
    PlaceOne = "place_one",
    PlaceMany = "place_many",
    /// To a practitioner, in their own chat with the bot.
    Enrolled = "enrolled",
    HandedBack = "handed_back",
    HandedBackParked = "handed_back_parked",
    CaseClosed = "case_closed",
    /// Closed while they waited, by nobody's joining.
    CaseClosedUnheld = "case_closed_unheld",
    /// While a practitioner holds, on danger.
    HeldDanger = "held_danger",
    /// The same on route E.
    HeldNow = "held_now",
    /// The same at D and E, with a practitioner there.
    HeldWhere = "held_where",
    /// The bot itself failed on a message.
    GaveUp = "gave_up",
    ChoiceSignpost = "choice_signpost",
    ChoiceGroup = "choice_group",
    ChoicePerson = "choice_person",
    ChoicePrivacy = "choice_privacy",
    ChoiceResume = "choice_resume",
    ChoiceLeave = "choice_leave",
    ChoiceSkip = "choice_skip",
    ChoiceFinish = "choice_finish",
    ChoiceSend = "choice_send",
    ChoiceChange = "choice_change",
    ChoiceYes = "choice_yes",
    ChoiceNo = "choice_no",
    ChoiceUnsure = "choice_unsure",
}

impl Wording {
    /// Reads `wording.yaml`: a missing or unknown key, an empty text or an unknown name in braces
    /// is a finding.
    pub fn load(file: &str, text: &str, findings: &mut Vec<Finding>) -> Self {
        #[derive(Deserialize)]
        #[serde(transparent)]
        struct File(BTreeMap<String, Spanned<String>>);

        let source = Source { file, text };
        let File(mut texts) = match source.parse() {
            Ok(file) => file,
            Err(finding) => {
                findings.push(finding);
                return Self::default();
            }
        };
        let mut words = BTreeMap::new();
        for word in Word::ALL {
            let Some(text) = texts.remove(word.key()) else {
                findings.push(Finding {
                    severity: Severity::Error,
                    file: file.to_owned(),
                    line: 1,
                    column: 1,
                    message: format!("the wording “{}” is missing: add it", word.key()),
                });
                continue;
            };
            if text.value.trim().is_empty() {
                findings.push(source.error(&text, format!("the wording “{}” is empty", word.key())));
            }
            for name in template::names(&text.value) {
                if !template::NAMES.contains(&name) {
                    findings.push(source.error(&text, format!("nothing is called {{{name}}}")));
                }
            }
            words.insert(word.key(), text.value);
        }
        for (key, text) in texts {
            findings.push(
                source.error(&text, format!("no wording is called “{key}”: take it out or mend its name")),
            );
        }
        Self(words)
    }

    pub fn get(&self, word: Word) -> &str {
        self.0.get(word.key()).map_or("", String::as_str)
    }
}
