use chatbox_core::directory::{Directory, Field, LineKind, Nation, Query, Shortlist, crisis_lines};

use super::{at, offer, sound};

fn ask<'a>(needs: &'a [(&'a str, f64)]) -> Query<'a> {
    Query { needs, now: at("2026-11-23T11:00"), ..Query::default() }
}

fn ids<'a>(list: &Shortlist<'a>) -> Vec<&'a str> {
    list.matches.iter().map(|found| found.offer.id.as_str()).collect()
}

const FINANCE: &[(&str, f64)] = &[("finance", 0.9)];

#[test]
fn childcare_is_not_handed_a_crisis_line() {
    let directory = sound(&[
        offer("crisis-line", "needs: [parenting, suicidal_thoughts]\ncrisis: true\nlistens: true"),
        offer("childcare", "needs: [parenting]"),
    ]);
    let list = directory.search(&ask(&[("parenting", 0.9)]));
    assert_eq!(ids(&list), ["childcare"]);
    assert_eq!(list.open_now.unwrap().offer.id, "crisis-line");
    let crisis = directory.search(&ask(&[("parenting", 0.9), ("suicidal_thoughts", 0.5)]));
    assert!(ids(&crisis).contains(&"crisis-line"), "it may answer the crisis need beside it");
}

#[test]
fn at_most_three_are_shown() {
    let offers: Vec<_> = (0..9).map(|n| offer(&format!("offer-{n}"), "")).collect();
    let directory = sound(&offers);
    assert_eq!(ids(&directory.search(&ask(FINANCE))), ["offer-0", "offer-1", "offer-2"]);
    let refused = ["offer-1".to_owned()];
    let next = directory.search(&Query { exclude: &refused, ..ask(FINANCE) });
    assert_eq!(ids(&next), ["offer-0", "offer-2", "offer-3"]);
}

#[test]
fn somebody_is_always_reachable_now() {
    let empty = Directory::default();
    let list = empty.search(&ask(FINANCE));
    assert!(list.gap && list.matches.is_empty());
    assert_eq!(list.open_now.unwrap().offer.name, "Samaritans");

    let directory = sound(&[
        offer(
            "evenings",
            "needs: [sleep]\nlistens: true\nschedule: [{days: [mon], from: '18:00', to: '22:00'}]",
        ),
        offer("young", "needs: [sleep]\nlistens: true\nmaximum_age: 34"),
        offer("doctors", "needs: [sleep]\nlistens: true\naudience: [doctor]"),
        offer("old", "needs: [sleep]\nlistens: true\nreview_by: 2026-01-01"),
    ]);
    let list = directory.search(&ask(FINANCE));
    let now = list.open_now.unwrap();
    assert_eq!(now.offer.name, "Samaritans", "none of the others is open to anyone now");
    assert!(now.open.is_open());
    assert_eq!(now.why, "Open now, whatever it is about.");
    let evening = directory.search(&Query { now: at("2026-11-23T19:00"), ..ask(FINANCE) });
    assert_eq!(evening.open_now.unwrap().offer.id, "evenings");
}

#[test]
fn a_local_offer_comes_before_a_national_one_when_equal() {
    let directory =
        sound(&[offer("national", ""), offer("near", "areas: [Camden]"), offer("far", "areas: [Barnet]")]);
    let areas = ["Camden".to_owned(), "Barnet".to_owned()];
    let camden = Query { area: Some("camden "), areas: &areas, ..ask(FINANCE) };
    assert_eq!(ids(&directory.search(&camden)), ["near", "national"]);
    assert!(directory.search(&camden).matches[0].why.contains("near you"));
    let unknown = Query { areas: &areas, ..ask(FINANCE) };
    assert_eq!(ids(&directory.search(&unknown)), ["national"]);
    assert!(directory.changes_answer(&unknown, Field::Area));
    assert!(!directory.changes_answer(&camden, Field::Area), "it is known");
    assert!(!directory.changes_answer(&unknown, Field::Role), "no offer here asks for a role");
}

#[test]
fn open_now_comes_before_closed_when_the_fit_is_equal() {
    let directory = sound(&[
        offer("closed", "schedule: [{days: [sun], from: '09:00', to: '17:00'}]"),
        offer("unknown", "schedule: null"),
        offer("open", "schedule: [{days: [mon], from: '09:00', to: '17:00'}]"),
    ]);
    let list = directory.search(&ask(FINANCE));
    assert_eq!(ids(&list), ["open", "unknown", "closed"]);
    assert_eq!(list.matches[0].why, "Because you mentioned money worries; free; open now until 5pm.");
}

#[test]
fn several_needs_are_served_by_different_offers() {
    let directory = sound(&[
        offer("debt-1", ""),
        offer("debt-2", ""),
        offer("debt-3", ""),
        offer("sleep-1", "needs: [sleep]"),
    ]);
    let list = directory.search(&ask(&[("finance", 0.9), ("sleep", 0.6)]));
    assert_eq!(ids(&list), ["debt-1", "sleep-1", "debt-2"]);
}

#[test]
fn an_offer_for_needs_together_is_not_shown_for_one_of_them() {
    let directory = sound(&[offer("both", "needs: [finance, sleep]\ntogether: true")]);
    assert!(directory.search(&ask(FINANCE)).gap);
    assert_eq!(ids(&directory.search(&ask(&[("sleep", 0.5), ("finance", 0.4)]))), ["both"]);
}

#[test]
fn people_who_answer_come_before_a_page_when_the_fit_is_equal() {
    let directory =
        sound(&[offer("page", "contacts: [{type: web, value: 'https://example.org'}]"), offer("people", "")]);
    let list = directory.search(&ask(FINANCE));
    assert_eq!(ids(&list), ["people", "page"]);
    assert!(list.matches[1].card(at("2026-11-23T11:00")).contains("Online at any time."));
}

#[test]
fn an_offer_for_one_profession_is_kept_from_the_others() {
    let directory = sound(&[offer("doctors", "audience: [doctor]"), offer("anyone", "")]);
    let role = |role| Query { role: Some(role), ..ask(FINANCE) };
    assert_eq!(ids(&directory.search(&role("nurse"))), ["anyone"]);
    assert_eq!(ids(&directory.search(&role("doctor"))), ["doctors", "anyone"]);
    assert_eq!(ids(&directory.search(&ask(FINANCE))), ["anyone"], "not known: the broader one");
    assert!(directory.changes_answer(&ask(FINANCE), Field::Role));

    let only = sound(&[offer("doctors", "audience: [doctor, nurse]")]);
    let list = only.search(&ask(FINANCE));
    assert!(
        list.matches[0].why.starts_with("If you are a doctor or a nurse: because you mentioned"),
        "{list:?}"
    );
    assert!(only.search(&role("something else")).gap);
}

#[test]
fn sector_nation_and_status_are_heeded() {
    let directory = sound(&[
        offer("nhs", "sectors: [nhs]"),
        offer("welsh", "nations: [wales]"),
        offer("gone", "status: defunct"),
        offer("slot", "contacts: []\nassurance: {state: missing}"),
    ]);
    assert_eq!(ids(&directory.search(&ask(FINANCE))), ["nhs"]);
    assert!(directory.search(&Query { role: Some("social_care"), ..ask(FINANCE) }).gap);
    assert_eq!(ids(&directory.search(&Query { nation: Nation::Wales, ..ask(FINANCE) })), ["welsh"]);
    assert_eq!(directory.health(super::TODAY).missing, ["slot"]);
}

#[test]
fn an_entry_past_its_review_comes_last_with_a_warning() {
    let directory =
        sound(&[offer("old", "review_by: 2026-11-01"), offer("fresh", "needs: [sleep, finance]")]);
    let list = directory.search(&ask(FINANCE));
    assert_eq!(ids(&list), ["fresh", "old"]);
    assert!(list.matches[0].warning.is_none() && list.matches[1].warning.is_some());
    assert!(list.matches[1].card(at("2026-11-23T11:00")).contains("details may have changed"));
}

#[test]
fn the_same_question_gets_the_same_answer() {
    let offers: Vec<_> = (0..20).map(|n| offer(&format!("offer-{n}"), "")).collect();
    let (one, other) = (sound(&offers), sound(&offers));
    assert_eq!(one.search(&ask(FINANCE)), other.search(&ask(FINANCE)));
}

#[test]
fn a_card_is_short_and_plain() {
    let directory = sound(&[offer(
        "doctors",
        "audience: [doctor]
        hours: Monday to Friday 9am to 5pm
        schedule: [{days: [mon, tue], from: '09:00', to: '17:00'}]
        eligibility: Doctors and medical students
        contacts: [{type: phone, value: '0800 138 1111'}, {type: text, value: '85258', detail: text HELLO}, {type: web, value: 'https://www.example.org/'}]",
    )]);
    let query = Query { role: Some("doctor"), ..ask(FINANCE) };
    let card = directory.search(&query).matches[0].card(query.now);
    assert_eq!(
        card,
        "The doctors
What it is.
Phone 0800 138 1111, text HELLO to 85258 or see www.example.org.
Monday to Friday 9am to 5pm (open now until 5pm).
For: doctors and medical students. Free.
Because you mentioned money worries; it is made for you, as a doctor."
    );
}

#[test]
fn unknown_hours_are_not_called_open_on_a_card() {
    let directory = sound(&[offer("somewhen", "schedule: null\nhours: Weekdays")]);
    let list = directory.search(&ask(FINANCE));
    let card = list.matches[0].card(at("2026-11-23T11:00"));
    assert!(card.contains("Weekdays: please check the hours first.") && !card.contains("open now"), "{card}");
    assert!(!list.matches[0].why.contains("open"));
}

#[test]
fn the_built_in_lines_are_there_without_any_content() {
    let now = at("2026-11-23T11:00");
    for nation in Nation::ALL {
        let lines = Directory::default().lines(nation, now);
        assert_eq!(lines, crisis_lines(nation));
        assert_eq!(lines[0].number, "999");
        assert!(lines.iter().any(|line| line.number == "116 123"));
        assert!(lines.iter().any(|line| line.kind == LineKind::Text && line.text.contains("SHOUT")));
    }
    assert!(crisis_lines(Nation::England)[1].text.contains("mental health option"));
    assert!(crisis_lines(Nation::Wales)[1].text.contains("press 2"));
    assert_eq!(crisis_lines(Nation::NorthernIreland)[1].name, "Lifeline");
}

#[test]
fn content_adds_lines_only_when_verified_in_date_and_open() {
    let line =
        |id: &str, more: &str| offer(id, &format!("needs: [sleep]\ncrisis: true\nlistens: true\n{more}"));
    let directory = sound(&[
        line("added", "contacts: [{type: phone, value: '0800 132 737'}]"),
        line("again", "contacts: [{type: phone, value: '116123'}]"),
        line(
            "unchecked",
            "contacts: [{type: phone, value: '0800 132 738'}]\nassurance: {state: to_be_verified}",
        ),
        line("asleep", "contacts: [{type: phone, value: '0800 132 739'}]\nschedule: null"),
        line("welsh", "contacts: [{type: phone, value: '0800 132 730'}]\nnations: [wales]"),
    ]);
    let lines = directory.lines(Nation::England, at("2026-11-23T11:00"));
    assert_eq!(lines.len(), 5);
    assert_eq!((lines[4].id.as_ref(), lines[4].text.as_ref()), ("added", "The added: phone 0800 132 737"));
    let later = directory.lines(Nation::England, at("2027-03-01T11:00"));
    assert_eq!(later, crisis_lines(Nation::England), "past its review it is left out");
}
