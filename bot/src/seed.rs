//! Randomness. Seeds of turns are drawn once when an input is received, and kept in its inbox row.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Seeds of a service: from the system's randomness.
pub fn fresh() -> impl FnMut() -> u64 + Send {
    let mut pool = getrandom::u64().ok().map(ChaCha8Rng::seed_from_u64);
    move || match &mut pool {
        Some(pool) => pool.next_u64(),
        // Without randomness references would be foreseeable and clash, never wrong.
        None => 0,
    }
}

/// Seeds that are the same each time: those of the `turn`th line of a run that began with `seed`.
pub fn fixed(seed: u64, turn: u64) -> impl FnMut() -> u64 + Send {
    let mut pool = ChaCha8Rng::seed_from_u64(seed);
    pool.set_stream(turn);
    move || pool.next_u64()
}

/// What nobody can foresee. `None` if the system has no randomness.
pub fn unforeseeable() -> Option<u64> {
    getrandom::u64().ok()
}
