//! A support vector machine with whole texts as examples, trained one coordinate at a time (Hsieh and
//! others, 2008). The same examples in the same order give the same bits.

/// How much a wrong example costs beside the size of the weights.
const COST: f64 = 1.0;
/// Each feature is taken to stand so many times more on either side than it does.
const DOUBT: f64 = 0.5;
/// Rounds over all examples.
const ROUNDS: usize = 40;

/// The weights of `features` features and the bias that tell the examples apart. An example is the
/// features that it has, each once, and its side: 1 or -1. Squared hinge loss, squared weights, each
/// feature scaled by how unevenly it stands on the two sides (Wang and Manning, 2012).
pub(super) fn separate(examples: &[(&[u32], f64)], features: usize) -> (Vec<f64>, f64) {
    const SLACK: f64 = 0.5 / COST;
    let scale = unevenness(examples, features);
    let worth = |example: &[u32]| 1.0 / number(example.len().max(1)).sqrt();
    let size = |example: &[u32]| {
        let squares: f64 = example.iter().map(|at| scale[*at as usize] * scale[*at as usize]).sum();
        squares * worth(example) * worth(example)
    };
    let mut weights = vec![0.0; features];
    let mut bias = 0.0;
    let mut shares = vec![0.0_f64; examples.len()];
    let sizes: Vec<f64> = examples.iter().map(|(example, _)| size(example)).collect();
    // So that the cost means the same for every ear.
    let mean = (sizes.iter().map(|size| size.sqrt()).sum::<f64>() / number(sizes.len().max(1))).max(1e-9);
    // A step that shares no factor with the number of examples visits each once, out of order.
    let step = [7919, 104_729, 1_299_709]
        .into_iter()
        .find(|step| !examples.len().is_multiple_of(*step))
        .unwrap_or(1);
    for _ in 0..ROUNDS {
        let mut at = 0;
        for _ in 0..examples.len() {
            at = (at + step) % examples.len();
            let (example, side) = examples[at];
            let each = worth(example) / mean;
            let sum: f64 = example.iter().map(|at| weights[*at as usize] * scale[*at as usize]).sum();
            let gradient = side * (bias + sum * each) - 1.0 + SLACK * shares[at];
            let curve = sizes[at] / (mean * mean) + 1.0 + SLACK;
            let share = (shares[at] - gradient / curve).max(0.0);
            let change = (share - shares[at]) * side;
            if change != 0.0 {
                shares[at] = share;
                bias += change;
                for at in example {
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

/// For each feature how unevenly it stands on the two sides: 0 for evenly, 1 for on one side alone.
fn unevenness(examples: &[(&[u32], f64)], features: usize) -> Vec<f64> {
    let mut counts = vec![[DOUBT; 2]; features];
    for (example, side) in examples {
        for at in *example {
            counts[*at as usize][usize::from(*side > 0.0)] += 1.0;
        }
    }
    let all = counts.iter().fold([0.0; 2], |all, count| [all[0] + count[0], all[1] + count[1]]);
    let uneven = |count: &[f64; 2]| {
        let (against, with) = (count[0] / all[0], count[1] / all[1]);
        (with - against).abs() / (with + against)
    };
    counts.iter().map(uneven).collect()
}

pub(super) fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}
