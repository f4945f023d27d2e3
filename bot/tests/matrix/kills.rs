//! The bot is killed at random moments while somebody writes: nothing is lost, nothing comes twice.

use std::{env, fs, time::Duration};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tokio::time;

use crate::stage::Stage;

/// How often in the everyday test. `CHATBOX_MATRIX_KILLS=100` is the long form.
const KILLS: usize = 10;

/// The size of the group that the first message asks for, and how many sizes there are to ask for.
const FIRST: usize = 10;
const SIZES: usize = 480;

/// How long nothing may come while something is waited for: longer than a lease.
const PATIENCE: Duration = Duration::from_secs(120);

/// The longest life of a bot. A debug build needs a second or two to come to its first sync.
const LONGEST_LIFE: Duration = Duration::from_secs(6);

#[tokio::test]
async fn every_message_is_answered_once_whenever_the_bot_is_killed() {
    let number = |name: &str| env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let kills = number("CHATBOX_MATRIX_KILLS").map_or(KILLS, |kills| usize::try_from(kills).unwrap());
    let seed = number("CHATBOX_SEED").unwrap_or(4711);
    println!("seed {seed} (CHATBOX_SEED), {kills} kills (CHATBOX_MATRIX_KILLS)");
    let mut random = ChaCha8Rng::seed_from_u64(seed);

    let stage = Stage::set().await;
    let mut service = stage.start();
    let sam = stage.guest("sam").await;
    sam.asks("I would like a closed fortnightly group for 8 nurses, Tuesday afternoons on Teams").await;
    let before = sam.heard().len();
    let mut written = 0;
    for _ in 0..kills {
        let life = random.random_range(Duration::ZERO..LONGEST_LIFE);
        let dies = time::Instant::now() + life;
        while time::Instant::now() < dies && written < SIZES {
            let pause = random.random_range(Duration::ZERO..Duration::from_millis(900));
            time::sleep_until(dies.min(time::Instant::now() + pause)).await;
            sam.room.says(&question(written)).await;
            written += 1;
        }
        service.kill();
        service = stage.start();
    }
    let last = sam.room.says("thanks").await;
    // What piled up may take its time, but something comes all the time.
    let mut newest = time::Instant::now();
    let mut answers = sam.heard();
    while !answers.iter().any(|text| text.contains("You're welcome")) && newest.elapsed() < PATIENCE {
        time::sleep(Duration::from_millis(100)).await;
        let heard = sam.heard();
        if heard.len() > answers.len() {
            newest = time::Instant::now();
        }
        answers = heard;
    }
    if newest.elapsed() >= PATIENCE {
        let log = fs::read_to_string(&service.log).unwrap();
        let end: Vec<&str> = log.lines().rev().take(40).collect();
        panic!(
            "seed {seed}: {last}, the last of {written}, was not answered; {} answers came. The log, newest \
             first:\n{}",
            sam.heard().len() - before,
            end.join("\n")
        )
    }
    let answers: Vec<usize> = answers[before..].iter().filter_map(|text| answered(text)).collect();
    let lost = (0..written).filter(|nth| !answers.contains(nth)).count();
    let doubled = answers.len().saturating_sub(written - lost);
    println!("{written} messages, {kills} kills: {lost} lost, {doubled} doubled");
    assert_eq!(answers, (0..written).collect::<Vec<_>>(), "seed {seed}: each once, in order");
    assert!(service.stop().success());
}

/// A message whose answer names it.
fn question(nth: usize) -> String {
    format!("make it {} people", FIRST + nth)
}

/// The message that an answer answers.
fn answered(text: &str) -> Option<usize> {
    let people = text.lines().find_map(|line| line.strip_prefix("- People: "))?;
    people.parse::<usize>().ok()?.checked_sub(FIRST)
}
