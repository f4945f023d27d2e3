//! The whole system out of one seed: engine, store and the steps of the loops, in an order that the
//! seed draws, through deliveries that come twice, late or not at all, sends that fail or end
//! unknown, commits that fail, processes that die, and a clock that jumps. Afterwards a small model
//! says what each person must have seen.
//!
//! `CHATBOX_SEED` plays one seed, with everything that happens; `CHATBOX_SEEDS` sets how many are
//! played.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up may as well stop")]

mod model;
mod platform;
mod run;

use std::env;

/// Seeds played by the everyday test.
const SEEDS: u64 = 150;

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

#[test]
fn every_person_sees_what_they_must_in_any_order_of_events() {
    let (seeds, loud) = match number("CHATBOX_SEED") {
        Some(seed) => (seed..seed + 1, true),
        None => (0..number("CHATBOX_SEEDS").unwrap_or(SEEDS), false),
    };
    let workers = if loud { 1 } else { 2 };
    let template = run::template();
    let totals: Vec<model::Totals> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers)
            .map(|nth| {
                let (seeds, template) = (seeds.clone(), &template);
                scope.spawn(move || {
                    let mut totals = model::Totals::default();
                    for seed in seeds.filter(|seed| seed % workers == nth) {
                        let played = std::panic::catch_unwind(|| run::play(template, seed, loud));
                        match played {
                            Ok(one) => totals += one,
                            Err(fault) => {
                                eprintln!("replay with CHATBOX_SEED={seed}");
                                std::panic::resume_unwind(fault);
                            }
                        }
                    }
                    totals
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let mut all = model::Totals::default();
    for one in totals {
        all += one;
    }
    println!("{} seeds: {all:?}", seeds.end - seeds.start);
    // A run in which nothing goes wrong would prove nothing.
    assert!(loud || [all.messages, all.repeats, all.takes, all.deaths, all.faults].iter().all(|n| *n > 0));
}
