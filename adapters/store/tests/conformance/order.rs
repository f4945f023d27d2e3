//! Order within a lane, through whatever the loops may do.

use std::collections::BTreeMap;

use chatbox_core::effect::SayKind;
use chatbox_store::{SendEnd, SendJob, SendLimits, Store};
use proptest::{prelude::*, test_runner::TestRunner};

use crate::support::*;

const LANES: usize = 4;

#[derive(Debug, Clone)]
enum Step {
    /// A message of a lane; again: the platform sends the last one once more.
    Receive { lane: usize, again: bool },
    /// Claims at most so many, and commits them or gives them back. Some say safety words.
    Decide { limit: usize, commit: bool, safety: bool },
    /// Leases, and keeps the jobs.
    Lease { per_lane: usize },
    /// Ends the oldest leased job.
    End { how: u8 },
    /// Moves the clock.
    Wait { seconds: i64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..LANES, any::<bool>()).prop_map(|(lane, again)| Step::Receive { lane, again }),
        4 => (1..6_usize, prop::bool::weighted(0.8), prop::bool::weighted(0.2))
            .prop_map(|(limit, commit, safety)| Step::Decide { limit, commit, safety }),
        4 => (1..4_usize).prop_map(|per_lane| Step::Lease { per_lane }),
        6 => (0..6_u8).prop_map(|how| Step::End { how }),
        1 => (1..40_i64).prop_map(|seconds| Step::Wait { seconds }),
    ];
    prop::collection::vec(step, 1..60)
}

pub(crate) async fn lanes_keep_their_order_whatever_happens(home: Home) {
    let store = home.open().await;
    let cases = if home.config_is_quick() { 48 } else { 12 };
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new(config);
    let case = std::cell::Cell::new(0);
    let outcome = tokio::task::block_in_place(|| {
        runner.run(&steps(), |steps| {
            case.set(case.get() + 1);
            let mut world = World { case: case.get(), ..World::default() };
            tokio::runtime::Handle::current().block_on(world.play(&store, steps));
            Ok(())
        })
    });
    outcome.unwrap();
}

/// What was asked for, and what came of it.
#[derive(Default)]
struct World {
    case: usize,
    now: i64,
    received: usize,
    last: BTreeMap<usize, String>,
    /// In the order in which each lane's messages were first received.
    expected: BTreeMap<usize, Vec<String>>,
    decided: BTreeMap<usize, Vec<String>>,
    leased: Vec<SendJob>,
    /// Ordinary talk that was sent, by lane.
    sent: BTreeMap<String, Vec<String>>,
    safety: usize,
    safety_sent: usize,
}

impl World {
    fn who(&self, lane: usize) -> String {
        format!("case{}-{lane}", self.case)
    }

    async fn play(&mut self, store: &Store, steps: Vec<Step>) {
        for step in steps {
            self.step(store, step).await;
        }
        // Everything that was begun comes to an end.
        self.now += 100;
        self.leased.clear();
        while store.stats(at(self.now)).await.unwrap().inbox_waiting > 0 {
            self.step(store, Step::Decide { limit: 100, commit: true, safety: false }).await;
        }
        while store.stats(at(self.now)).await.unwrap().outbox_waiting > 0 {
            self.now += 100;
            self.step(store, Step::Lease { per_lane: 2 }).await;
            while !self.leased.is_empty() {
                self.step(store, Step::End { how: 0 }).await;
            }
        }
        assert_eq!(self.decided, self.expected, "each once, in order");
        for (lane, texts) in &self.expected {
            let lane = lane_name(&self.who(*lane));
            assert_eq!(self.sent.get(&lane), Some(texts), "each once, in order");
        }
        assert_eq!(self.safety, self.safety_sent, "safety words are never lost");
    }

    async fn step(&mut self, store: &Store, step: Step) {
        match step {
            Step::Receive { lane, again } => {
                let repeated = self.last.get(&lane).filter(|_| again).cloned();
                let key = repeated.unwrap_or_else(|| {
                    self.received += 1;
                    let key = format!("{}-{}", self.case, self.received);
                    self.expected.entry(lane).or_default().push(key.clone());
                    self.last.insert(lane, key.clone());
                    key
                });
                receive(store, &[text(&self.who(lane), &key, &key)]).await;
            }
            Step::Decide { limit, commit, safety } => {
                let Some(claim) = store.claim(limit).await.unwrap() else { return };
                let mut turns = Vec::new();
                for work in claim.works() {
                    let lane: usize = work.lane.chat.rsplit_once('-').unwrap().1.parse().unwrap();
                    for input in &work.inputs {
                        let said = words(&input.input).to_owned();
                        let mut effects = vec![bot(&said)];
                        if safety {
                            effects.push(say(SayKind::Safety, "lines"));
                        }
                        turns.push((lane, said, decided(input, effects)));
                    }
                }
                if commit {
                    let count = turns.len();
                    let mut decided = Vec::new();
                    for (lane, said, turn) in turns {
                        self.decided.entry(lane).or_default().push(said);
                        self.safety += usize::from(safety);
                        decided.push(turn);
                    }
                    let report = store.commit(claim, decided, vec![], at(self.now)).await.unwrap();
                    assert_eq!(report.committed.len(), count);
                }
            }
            Step::Lease { per_lane } => {
                let limits = SendLimits { per_lane, ..ONE };
                let jobs = store.claim_sends(at(self.now), limits).await.unwrap();
                self.leased.extend(jobs);
            }
            Step::End { how } => self.end(store, how).await,
            Step::Wait { seconds } => self.now += seconds,
        }
    }

    /// A sender that obeys the rules: in order within a run, the rest given back after a failure.
    async fn end(&mut self, store: &Store, how: u8) {
        if self.leased.is_empty() {
            return;
        }
        let job = self.leased.remove(0);
        if at(self.now) >= job.until {
            // Too late to begin: nothing is sent, nothing is reported.
            return;
        }
        let failed = how >= 4;
        let end = if failed {
            SendEnd::Retry { at: at(self.now + 3) }
        } else {
            SendEnd::Sent { native: "n".to_owned() }
        };
        let mut ends = vec![(job.id, job.fence, end)];
        if failed {
            let to = job.to.clone();
            self.leased.retain(|other| {
                if other.to == to {
                    ends.push((other.id, other.fence, SendEnd::Retry { at: at(self.now + 3) }));
                }
                other.to != to
            });
        }
        let late = store.finish_sends(ends, at(self.now)).await.unwrap();
        assert!(late.is_empty());
        if !failed {
            match said(&job).as_str() {
                "lines" => self.safety_sent += 1,
                text => self.sent.entry(job.person.to_string()).or_default().push(text.to_owned()),
            }
        }
    }
}

fn lane_name(who: &str) -> String {
    lane(who).to_string()
}
