//! From needs to a shortlist: who may use an offer, what fits best, and why.

use std::{borrow::Cow, cmp::Reverse, fmt::Write as _, sync::LazyLock};

use jiff::{Timestamp, civil::Date};

use super::{
    Directory, Line, LineKind, Role,
    calendar::london_day,
    card, crisis_lines,
    hours::{Hours, OpenState},
    offer::{Assurance, AssuranceState, Contact, ContactKind, Nation, Offer, Status},
};

/// Offers shown at once, the line that is open now not counted.
pub const MAX_MATCHES: usize = 3;

/// What is asked of the directory.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<'a> {
    /// Needs and their scores (0 to 1), best first. The first counts most.
    pub needs: &'a [(&'a str, f64)],
    /// Where the person lives or works, if they said; any spelling of the configured name.
    pub area: Option<&'a str>,
    /// A role of the taxonomy, or any other word for a role it does not know; none if not said.
    pub role: Option<&'a str>,
    /// A sector of the taxonomy; else the one that the role implies.
    pub sector: Option<&'a str>,
    pub nation: Nation,
    pub now: Timestamp,
    /// Ids of offers that the person has refused.
    pub exclude: &'a [String],
    /// `hub.areas`: what the area can be.
    pub areas: &'a [String],
}

/// What a question to the person could settle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Area,
    Role,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Shortlist<'a> {
    /// At most [`MAX_MATCHES`], best first.
    pub matches: Vec<Match<'a>>,
    /// A line that listens to anyone and is open at this moment, whatever it is about. There is
    /// always one; where there is a choice, not one that is shown or refused already.
    pub open_now: Option<Match<'a>>,
    /// Needs were named and nothing fits: a gap to record.
    pub gap: bool,
}

/// One offer, and why it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Match<'a> {
    pub offer: &'a Offer,
    /// A plain sentence: the need, and what speaks for it ("Because you mentioned money worries;
    /// free; open now until 5pm.").
    pub why: String,
    /// The first half of `why`, for a card, which says the rest elsewhere.
    pub(super) because: String,
    pub open: OpenState,
    /// To be shown with the offer: its details may be out of date.
    pub warning: Option<String>,
}

/// What each later need counts, against 1 for the first.
const NEED_WEIGHTS: [f64; 4] = [1.0, 0.6, 0.4, 0.3];
/// How well an offer serves the first, second, ... need that it names.
const PLACE_WEIGHTS: [f64; 5] = [1.0, 0.9, 0.8, 0.7, 0.6];
/// What a need still counts once an offer on the list serves it, so that several needs are served
/// by different offers.
const SERVED: f64 = 0.3;

pub(super) fn search<'a>(directory: &'a Directory, query: &Query<'_>) -> Shortlist<'a> {
    let today = london_day(query.now);
    let candidates: Vec<Candidate<'a>> = directory
        .offers
        .iter()
        .enumerate()
        .filter(|(_, offer)| !query.exclude.contains(&offer.id))
        .filter_map(|(place, offer)| Candidate::new(directory, query, place, offer, today))
        .collect();
    let (narrow, broad): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|candidate| candidate.if_role);
    let chosen = pick(query, if broad.is_empty() { narrow } else { broad });
    let matches: Vec<_> = chosen.into_iter().map(|candidate| candidate.explain(directory, query)).collect();
    let open_now = Some(open_now(directory, query, today, &matches));
    Shortlist { gap: matches.is_empty() && !query.needs.is_empty(), matches, open_now }
}

pub(super) fn changes_answer(directory: &Directory, query: &Query<'_>, field: Field) -> bool {
    let shown = |query: &Query<'_>| -> Vec<&str> {
        let list = search(directory, query).matches;
        list.iter().map(|found| found.offer.id.as_str()).collect()
    };
    let unknown = shown(query);
    match field {
        Field::Area => {
            query.area.is_none()
                && query.areas.iter().any(|area| shown(&Query { area: Some(area), ..*query }) != unknown)
        }
        Field::Role => {
            let roles = directory.taxonomy.roles.iter();
            query.role.is_none()
                && roles
                    .filter(|role| role.id != EVERYONE)
                    .any(|role| shown(&Query { role: Some(&role.id), ..*query }) != unknown)
        }
    }
}

pub(super) fn lines(directory: &Directory, nation: Nation, now: Timestamp) -> Vec<Line> {
    let today = london_day(now);
    let mut lines: Vec<Line> = crisis_lines(nation).into();
    for offer in &directory.offers {
        let fit = offer.is_live()
            && offer.listens
            && offer.assurance.state == AssuranceState::Verified
            && !offer.is_stale(today)
            && offer.nations.contains(&nation)
            && for_everyone(offer)
            && offer.schedule.state(now, &offer.calendar(&directory.calendars, nation)).is_open();
        let Some(contact) = offer
            .contacts
            .iter()
            .find(|contact| fit && matches!(contact.kind, ContactKind::Phone | ContactKind::Text))
        else {
            continue;
        };
        if lines.iter().any(|line| digits(&line.number) == digits(&contact.value)) {
            continue;
        }
        let text = contact.kind == ContactKind::Text;
        lines.push(Line {
            id: offer.id.clone().into(),
            name: offer.name.clone().into(),
            number: contact.value.clone().into(),
            text: Cow::Owned(card::reach_sentence(offer, contact)),
            kind: if text { LineKind::Text } else { LineKind::Listening },
        });
    }
    lines
}

/// The role in `audience` that stands for all roles.
pub(super) const EVERYONE: &str = "all";

struct Candidate<'a> {
    offer: &'a Offer,
    /// In the directory: the last word where all else is equal.
    place: usize,
    open: OpenState,
    stale: bool,
    /// Indices into the query's needs, and how well each is served.
    serves: Vec<(usize, f64)>,
    /// Made for the person's own role.
    own_role: bool,
    /// For a narrower audience, and the role is not known.
    if_role: bool,
}

impl<'a> Candidate<'a> {
    /// None when the offer is not for this person or serves none of the needs.
    fn new(
        directory: &Directory,
        query: &Query<'_>,
        place: usize,
        offer: &'a Offer,
        today: Date,
    ) -> Option<Self> {
        let audience = audience(query, offer)?;
        let serves: Vec<(usize, f64)> = query
            .needs
            .iter()
            .enumerate()
            .filter_map(|(index, (need, _))| {
                let place = offer.needs.iter().position(|served| served == need)?;
                let crisis_need = directory.taxonomy.needs.get(*need).is_some_and(|need| need.crisis);
                (crisis_need || !offer.crisis).then_some((index, nth(&PLACE_WEIGHTS, place)))
            })
            .collect();
        let fits = offer.is_live()
            && !serves.is_empty()
            && (!offer.together || serves.len() == offer.needs.len())
            && offer.nations.contains(&query.nation)
            && in_area(query, offer)
            && in_sector(directory, query, offer);
        fits.then(|| Self {
            offer,
            place,
            open: offer.schedule.state(query.now, &offer.calendar(&directory.calendars, query.nation)),
            stale: offer.is_stale(today),
            serves,
            own_role: audience == Audience::Own,
            if_role: audience == Audience::IfRole,
        })
    }

    /// Sorts first what is to be shown first.
    fn rank(&self, weights: &[f64]) -> impl Ord + use<'a> {
        let fit: f64 = self.serves.iter().map(|(need, fit)| weights[*need] * fit).sum();
        let open = match self.open {
            OpenState::Open { .. } if card::answers(self.offer) => 0,
            // A page that is always there is no reason to put it before people.
            OpenState::Open { .. } | OpenState::Unknown => 1,
            OpenState::Closed { .. } => 2,
        };
        // In hundredths: what is nearly equal shall be ranked by the rest.
        #[expect(clippy::cast_possible_truncation, reason = "a sum of a few weights up to 1")]
        let fit = (fit * 100.0).round() as i64;
        (self.stale, Reverse(fit), open, !self.offer.is_local(), !self.own_role, self.place)
    }

    fn explain(self, directory: &Directory, query: &Query<'_>) -> Match<'a> {
        let mut why = String::new();
        if self.if_role {
            let roles: Vec<&str> = self.offer.audience.iter().map(|role| phrase(directory, role)).collect();
            why = format!("If you are {}: ", listed(&roles, "or"));
        }
        let words: Vec<&str> = self
            .serves
            .iter()
            .filter_map(|(need, _)| directory.taxonomy.needs.get(query.needs[*need].0))
            .map(|need| need.words.as_str())
            .take(2)
            .collect();
        if words.is_empty() {
            why.push_str("It fits what you said");
        } else {
            let because = if self.if_role { "because" } else { "Because" };
            let _ = write!(why, "{because} you mentioned {}", listed(&words, "and"));
        }
        if self.own_role
            && let Some(role) = query.role
        {
            let _ = write!(why, "; it is made for you, as {}", phrase(directory, role));
        } else if self.offer.is_local() {
            why.push_str("; it is near you");
        }
        let because = format!("{why}.");
        if self.offer.cost.eq_ignore_ascii_case("free") {
            why.push_str("; free");
        }
        if self.open.is_open() && (self.offer.schedule != Hours::Always || card::answers(self.offer)) {
            why.push_str("; ");
            why.push_str(&self.open.words(query.now));
        }
        why.push('.');
        let warning = self.stale.then(|| STALE.to_owned());
        Match { offer: self.offer, why, because, open: self.open, warning }
    }
}

const STALE: &str = "We have not checked this lately, so details may have changed.";

/// Takes the best three one by one; a need that is served counts less for the next.
fn pick<'a>(query: &Query<'_>, mut left: Vec<Candidate<'a>>) -> Vec<Candidate<'a>> {
    let mut weights: Vec<f64> =
        query.needs.iter().enumerate().map(|(index, (_, score))| score * nth(&NEED_WEIGHTS, index)).collect();
    let mut chosen: Vec<Candidate<'a>> = Vec::new();
    while chosen.len() < MAX_MATCHES {
        let Some(best) = (0..left.len()).min_by_key(|&index| left[index].rank(&weights)) else { break };
        let best = left.remove(best);
        for (need, _) in &best.serves {
            weights[*need] *= SERVED;
        }
        chosen.push(best);
    }
    chosen
}

#[derive(PartialEq, Eq)]
enum Audience {
    Everyone,
    /// Made for the person's role.
    Own,
    /// Made for some role; the person's is not known.
    IfRole,
}

fn audience(query: &Query<'_>, offer: &Offer) -> Option<Audience> {
    if for_everyone(offer) {
        return Some(Audience::Everyone);
    }
    match query.role {
        None | Some(EVERYONE) => Some(Audience::IfRole),
        Some(role) => offer.audience.iter().any(|served| served == role).then_some(Audience::Own),
    }
}

fn for_everyone(offer: &Offer) -> bool {
    offer.audience.is_empty() || offer.audience.iter().any(|role| role == EVERYONE)
}

/// An area not known fits only what serves every area it could be.
fn in_area(query: &Query<'_>, offer: &Offer) -> bool {
    let serves = |area: &str| offer.areas.iter().any(|served| slug(served) == slug(area));
    match query.area {
        _ if !offer.is_local() => true,
        Some(area) => serves(area),
        None => !query.areas.is_empty() && query.areas.iter().all(|area| serves(area)),
    }
}

fn in_sector(directory: &Directory, query: &Query<'_>, offer: &Offer) -> bool {
    let implied =
        || query.role.and_then(|role| find_role(directory, role)).and_then(|role| role.sector.as_deref());
    match query.sector.or_else(implied) {
        Some(sector) if !offer.sectors.is_empty() => offer.sectors.iter().any(|served| served == sector),
        _ => true,
    }
}

fn open_now<'a>(
    directory: &'a Directory,
    query: &Query<'_>,
    today: Date,
    matches: &[Match<'a>],
) -> Match<'a> {
    let open =
        |offer: &Offer| offer.schedule.state(query.now, &offer.calendar(&directory.calendars, query.nation));
    let fitting = directory.offers.iter().filter(|offer| {
        offer.listens
            && offer.is_live()
            && !offer.is_stale(today)
            && offer.nations.contains(&query.nation)
            && for_everyone(offer)
            && in_area(query, offer)
            && in_sector(directory, query, offer)
            && offer.minimum_age.is_none()
            && offer.maximum_age.is_none()
            && open(offer).is_open()
    });
    let best = fitting.min_by_key(|offer| {
        let refused = query.exclude.contains(&offer.id);
        let shown = matches.iter().any(|found| found.offer.id == offer.id);
        let by_phone = offer.contacts.iter().any(|contact| contact.kind == ContactKind::Phone);
        (refused, shown, offer.schedule != Hours::Always, !by_phone)
    });
    let offer = best.unwrap_or(&SAMARITANS);
    Match {
        offer,
        why: "Open now, whatever it is about.".into(),
        because: "You can turn to them whatever it is about.".into(),
        open: open(offer),
        warning: None,
    }
}

/// Who is there when the content names nobody.
static SAMARITANS: LazyLock<Offer> = LazyLock::new(|| Offer {
    id: "samaritans".into(),
    name: "Samaritans".into(),
    organization: "Samaritans".into(),
    status: Status::Active,
    offer_types: vec!["helpline".into()],
    description: "Someone to talk to about anything that troubles you.".into(),
    needs: Vec::new(),
    together: false,
    contacts: vec![Contact { kind: ContactKind::Phone, value: "116 123".into(), detail: None }],
    hours: "Day and night, every day".into(),
    schedule: Hours::Always,
    eligibility: "Anyone".into(),
    cost: "free".into(),
    nations: Nation::ALL.into(),
    audience: Vec::new(),
    areas: Vec::new(),
    sectors: Vec::new(),
    minimum_age: None,
    maximum_age: None,
    crisis: true,
    listens: true,
    self_referral: true,
    confidential_from_employer: None,
    review_by: Date::MAX,
    assurance: Assurance {
        state: AssuranceState::ToBeVerified,
        assured_date: None,
        assurer_email: None,
        basis: None,
        source: None,
        check: None,
    },
    file: String::new(),
    line: 0,
});

fn find_role<'d>(directory: &'d Directory, id: &str) -> Option<&'d Role> {
    directory.taxonomy.roles.iter().find(|role| role.id == id)
}

fn phrase<'d>(directory: &'d Directory, id: &'d str) -> &'d str {
    find_role(directory, id).map_or(id, |role| role.phrase.as_str())
}

/// The weight of a place, the last one for all that follow.
fn nth(weights: &[f64], place: usize) -> f64 {
    weights.get(place).or(weights.last()).copied().unwrap_or_default()
}

/// "a", "a and b", "a, b and c".
fn listed(words: &[&str], last: &str) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., end] => format!("{} {last} {end}", most.join(", ")),
    }
}

/// "Example Borough", "example-borough" and "EXAMPLE BOROUGH " name the same area.
fn slug(area: &str) -> String {
    let words = area.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

pub(super) fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}
