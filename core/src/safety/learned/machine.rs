//! A support vector machine with whole texts as examples, trained one coordinate at a time (Hsieh and
//! others, 2008). The same examples in the same order give the same bits.

use super::evened;

/// How much a wrong example costs beside the size of the weights.
const COST: f64 = 1.0;
/// Each feature is taken to stand so many times more on either side than it does.
const DOUBT: f64 = 0.1;
/// Rounds over all examples.
const ROUNDS: usize = 40;
/// Primes: how far from one example to the next, round by round.
const STEPS: [usize; 5] = [7919, 104_729, 1_299_709, 15_485_863, 179_424_673];

/// Something to learn from.
pub(super) struct Example<'a> {
    /// The features that it has and that are weighed, each once.
    pub features: &'a [u32],
    /// How many it has in all.
    pub all: usize,
    /// 1 or -1.
    pub side: f64,
}

/// The weights of `features` features and the bias that tell the sides of the examples apart: squared
/// hinge loss, squared weights, each feature scaled by how unevenly it stands on the two sides (Wang
/// and Manning, 2012).
pub(super) fn separate(examples: &[Example<'_>], features: usize) -> (Vec<f64>, f64) {
    const SLACK: f64 = 0.5 / COST;
    let scale = unevenness(examples, features);
    let size = |example: &Example<'_>| {
        let squares: f64 = example.features.iter().map(|at| scale[*at as usize] * scale[*at as usize]).sum();
        squares.sqrt() / evened(example.all)
    };
    let sizes: Vec<f64> = examples.iter().map(size).collect();
    // So that the cost means the same for every ear.
    let mean = (sizes.iter().sum::<f64>() / number(sizes.len().max(1))).max(1e-9);
    let mut weights = vec![0.0; features];
    let mut bias = 0.0;
    let mut shares = vec![0.0_f64; examples.len()];
    // A step that shares no factor with the number of examples visits each once, out of order; in
    // another order each round, so that the last few examples do not lean on the same ones before.
    let steps = STEPS.iter().filter(|step| !examples.len().is_multiple_of(**step));
    for step in steps.cycle().take(ROUNDS) {
        let mut at = 0;
        for _ in 0..examples.len() {
            at = (at + step) % examples.len();
            let Example { features, all, side } = examples[at];
            let each = 1.0 / (evened(all) * mean);
            let sum: f64 = features.iter().map(|at| weights[*at as usize] * scale[*at as usize]).sum();
            let gradient = side * (bias + sum * each) - 1.0 + SLACK * shares[at];
            let size = sizes[at] / mean;
            let curve = size * size + 1.0 + SLACK;
            let share = (shares[at] - gradient / curve).max(0.0);
            let change = (share - shares[at]) * side;
            if change != 0.0 {
                shares[at] = share;
                bias += change;
                for at in features {
                    weights[*at as usize] += change * each * scale[*at as usize];
                }
            }
        }
    }
    for (weight, scale) in weights.iter_mut().zip(&scale) {
        *weight *= scale / mean;
    }
    (weights, bias)
}

/// For each feature how unevenly it stands on the two sides: 0 for evenly, 1 for on one side alone,
/// and less between than the share itself, so that what tells little counts for little.
fn unevenness(examples: &[Example<'_>], features: usize) -> Vec<f64> {
    let mut counts = vec![[DOUBT; 2]; features];
    for Example { features, side, .. } in examples {
        for at in *features {
            counts[*at as usize][usize::from(*side > 0.0)] += 1.0;
        }
    }
    let all = counts.iter().fold([0.0; 2], |all, count| [all[0] + count[0], all[1] + count[1]]);
    let uneven = |count: &[f64; 2]| {
        let (against, with) = (count[0] / all[0], count[1] / all[1]);
        let share = (with - against).abs() / (with + against);
        share * share.sqrt()
    };
    counts.iter().map(uneven).collect()
}

pub(super) fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}
