//! The words of the slots, as the content gives them.

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::Mark;
use crate::{
    content::{Finding, Source},
    understanding::{
        meaning::{Access, Day, Frequency, GroupSlots, Outline, PartOfDay, Setting, Staff},
        phrase::{Hit, Phrases},
        text::Token,
        typos::Typos,
    },
};

/// Compiled words of `slots.yaml`.
#[derive(Debug, Default)]
pub(crate) struct Words {
    phrases: Phrases,
    marks: Vec<Mark>,
    rooms: Phrases,
    pub roles: Vec<Role>,
    /// What numbers count that is neither people nor sessions: "2 hours".
    pub units: Vec<String>,
    /// What a number names: "ward 8".
    pub labels: Vec<String>,
    /// Where people work, which beside a day says where to meet.
    pub wards: Vec<String>,
    /// What begins and ends at a time that is none to meet at, and how that is said: "handover finishes".
    pub shifts: Vec<String>,
    pub shift_ends: Vec<String>,
    pub examples: Vec<Example>,
    pub file: String,
}

/// A kind of staff.
#[derive(Debug)]
pub(crate) struct Role {
    pub id: String,
    pub staff: Option<Staff>,
}

/// A text of the content with the slots it must give.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Example {
    pub text: Spanned<String>,
    #[serde(default)]
    pub step: Option<String>,
    pub slots: GroupSlots,
}

type List = Vec<Spanned<String>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    outline: OutlineWords,
    access: AccessWords,
    setting: SettingWords,
    frequency: FrequencyWords,
    days: DayWords,
    parts: PartWords,
    staff: StaffWords,
    people: List,
    sessions: List,
    rooms: List,
    wards: Vec<String>,
    units: Vec<String>,
    labels: Vec<String>,
    shifts: Vec<String>,
    shift_ends: Vec<String>,
    roles: Vec<RoleEntry>,
    idioms: List,
    plain_words: Vec<String>,
    examples: Vec<Example>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutlineWords {
    frontline: List,
    junior_senior: List,
    non_clinical: List,
    exploring: List,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccessWords {
    open: List,
    closed: List,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingWords {
    #[serde(rename = "virtual")]
    online: List,
    on_site: List,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrequencyWords {
    weekly: List,
    fortnightly: List,
    monthly: List,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DayWords {
    mon: List,
    tue: List,
    wed: List,
    thu: List,
    fri: List,
    sat: List,
    sun: List,
    weekdays: List,
    weekend: List,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartWords {
    morning: List,
    lunch: List,
    afternoon: List,
    evening: List,
    night: List,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StaffWords {
    clinical: List,
    non_clinical: List,
    both: List,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleEntry {
    id: String,
    #[serde(default)]
    staff: Option<Staff>,
    words: List,
}

impl Words {
    pub(crate) fn load(source: &Source<'_>, findings: &mut Vec<Finding>) -> Self {
        let file: File = match source.parse() {
            Ok(file) => file,
            Err(finding) => {
                findings.push(finding);
                return Self::default();
            }
        };
        let mut this = Self { file: source.file.to_owned(), ..Self::default() };
        let File { outline, access, setting, frequency, days, parts, staff, .. } = &file;
        let lists = [
            (&file.idioms, Mark::Idiom),
            (&outline.frontline, Mark::Outline(Outline::Frontline)),
            (&outline.junior_senior, Mark::Outline(Outline::JuniorSenior)),
            (&outline.non_clinical, Mark::Outline(Outline::NonClinical)),
            (&outline.exploring, Mark::Outline(Outline::Exploring)),
            (&access.open, Mark::Access(Access::Open)),
            (&access.closed, Mark::Access(Access::Closed)),
            (&setting.online, Mark::Setting(Setting::Virtual)),
            (&setting.on_site, Mark::Setting(Setting::OnSite)),
            (&frequency.weekly, Mark::Frequency(Frequency::Weekly)),
            (&frequency.fortnightly, Mark::Frequency(Frequency::Fortnightly)),
            (&frequency.monthly, Mark::Frequency(Frequency::Monthly)),
            (&days.mon, Mark::Day(Day::Mon)),
            (&days.tue, Mark::Day(Day::Tue)),
            (&days.wed, Mark::Day(Day::Wed)),
            (&days.thu, Mark::Day(Day::Thu)),
            (&days.fri, Mark::Day(Day::Fri)),
            (&days.sat, Mark::Day(Day::Sat)),
            (&days.sun, Mark::Day(Day::Sun)),
            (&days.weekdays, Mark::Weekdays),
            (&days.weekend, Mark::Weekend),
            (&parts.morning, Mark::Part(PartOfDay::Morning)),
            (&parts.lunch, Mark::Part(PartOfDay::Lunch)),
            (&parts.afternoon, Mark::Part(PartOfDay::Afternoon)),
            (&parts.evening, Mark::Part(PartOfDay::Evening)),
            (&parts.night, Mark::Part(PartOfDay::Night)),
            (&staff.clinical, Mark::Staff(Staff::Clinical)),
            (&staff.non_clinical, Mark::Staff(Staff::NonClinical)),
            (&staff.both, Mark::Staff(Staff::Both)),
            (&file.people, Mark::People),
            (&file.sessions, Mark::Session),
        ];
        for (list, mark) in lists {
            this.add(list, mark, source, findings);
        }
        for role in &file.roles {
            this.add(&role.words, Mark::Role(this.roles.len()), source, findings);
            this.roles.push(Role { id: role.id.clone(), staff: role.staff });
        }
        for room in &file.rooms {
            if let Err(message) = this.rooms.add(&room.value, 0) {
                findings.push(source.error(room, message));
            }
        }
        let plain = Typos::plain(file.plain_words);
        this.phrases.finish(&plain);
        this.rooms.finish(&plain);
        (this.units, this.labels, this.wards) = (file.units, file.labels, file.wards);
        (this.shifts, this.shift_ends) = (file.shifts, file.shift_ends);
        this.examples = file.examples;
        this
    }

    /// Where a room is named, by its first and last token.
    pub(crate) fn rooms(&self, tokens: &[Token]) -> impl Iterator<Item = (usize, usize)> {
        self.rooms.find(tokens).into_iter().map(|hit| (hit.first, hit.last))
    }

    /// The number of a role.
    pub(crate) fn role(&self, id: &str) -> Option<usize> {
        self.roles.iter().position(|role| role.id == id)
    }

    /// What is marked, each with its first and last token. Of two that
    /// meet only the longer stays.
    pub(crate) fn marks(&self, tokens: &[Token]) -> Vec<(Mark, usize, usize)> {
        let hits = self.phrases.find(tokens);
        let mut kept: Vec<&Hit> = Vec::new();
        let mut by_length: Vec<&Hit> = hits.iter().collect();
        by_length.sort_by_key(|hit| (std::cmp::Reverse(hit.len()), hit.first, hit.means));
        let mut taken = vec![false; tokens.len()];
        let mut by_frequency = vec![false; tokens.len()];
        let mut by_outline = vec![false; tokens.len()];
        let mut by_access = vec![false; tokens.len()];
        for hit in by_length {
            let span = hit.first..=hit.last;
            let mark = self.marks[hit.means as usize];
            let free = !taken[span.clone()].contains(&true);
            // "every Thursday" says how often, and the day.
            let beside = matches!(mark, Mark::Day(_) | Mark::Session);
            // "junior doctors and consultants" is an outline, and names the staff.
            let named = matches!(mark, Mark::Role(_));
            // "the same eight people each week" is an access, and says how many.
            let told_of = named || beside || matches!(mark, Mark::People | Mark::Frequency(_));
            if free
                && (beside || !by_frequency[span.clone()].contains(&true))
                && (named || !by_outline[span.clone()].contains(&true))
                && (told_of || !by_access[span.clone()].contains(&true))
            {
                if matches!(mark, Mark::Frequency(_)) {
                    by_frequency[span].fill(true);
                } else if matches!(mark, Mark::Outline(_)) {
                    by_outline[span].fill(true);
                } else if matches!(mark, Mark::Access(_)) {
                    by_access[span].fill(true);
                } else {
                    taken[span].fill(true);
                }
                kept.push(hit);
            }
        }
        kept.sort_by_key(|hit| hit.first);
        kept.into_iter().map(|hit| (self.marks[hit.means as usize], hit.first, hit.last)).collect()
    }

    fn add(&mut self, list: &List, mark: Mark, source: &Source<'_>, findings: &mut Vec<Finding>) {
        let Ok(id) = u32::try_from(self.marks.len()) else { return };
        self.marks.push(mark);
        for phrase in list {
            if let Err(message) = self.phrases.add(&phrase.value, id) {
                findings.push(source.error(phrase, message));
            }
        }
    }
}
