//! The arithmetic of the encoder. Beside addition, multiplication and division only the square root is
//! used, and all of it in one order, so the same text gives the same numbers on every machine. Where the
//! processor has AVX2, eight sums are done at once instead of four, in half the time. No product and sum are fused
//! into one (FMA), which would round otherwise.

use multiversion::multiversion;

/// Rows of a matrix that are worked on at once.
const AT_ONCE: usize = 4;

/// A matrix in 8 bits, row by row; each row has a factor.
#[derive(Debug)]
pub(super) struct Matrix {
    pub factors: Vec<f32>,
    pub values: &'static [u8],
    pub columns: usize,
}

impl Matrix {
    /// One row in full.
    pub(super) fn row(&self, row: usize) -> impl Iterator<Item = f32> {
        let factor = self.factors[row];
        let values = &self.values[row * self.columns..(row + 1) * self.columns];
        values.iter().map(move |value| factor * f32::from(value.cast_signed()))
    }
}

/// A matrix, and what is added to each column of a result.
#[derive(Debug)]
pub(super) struct Layer {
    pub matrix: Matrix,
    pub bias: Vec<f32>,
}

impl Layer {
    /// Rows times the matrix.
    pub(super) fn through(&self, rows: &[f32]) -> Vec<f32> {
        product(rows, &self.matrix, &self.bias)
    }
}

/// Rows times `matrix`, with `bias` added to each.
#[multiversion(targets("x86_64+avx2"))]
fn product(rows: &[f32], matrix: &Matrix, bias: &[f32]) -> Vec<f32> {
    let (width, columns) = (matrix.factors.len(), matrix.columns);
    let count = rows.len() / width;
    let mut out = bias.repeat(count);
    let mut full = vec![0.0; AT_ONCE * columns];
    for first in (0..width).step_by(AT_ONCE) {
        for (full, row) in full.chunks_exact_mut(columns).zip(first..) {
            full.iter_mut().zip(matrix.row(row)).for_each(|(full, value)| *full = value);
        }
        let (ahead, after) = full.split_at(2 * columns);
        let ((one, two), (three, four)) = (ahead.split_at(columns), after.split_at(columns));
        for (row, out) in rows.chunks_exact(width).zip(out.chunks_exact_mut(columns)) {
            let [a, b, c, d] = [row[first], row[first + 1], row[first + 2], row[first + 3]];
            let weights = one.iter().zip(two).zip(three.iter().zip(four));
            for (out, ((one, two), (three, four))) in out.iter_mut().zip(weights) {
                *out += (a * one + b * two) + (c * three + d * four);
            }
        }
    }
    out
}

/// Each row brought to mean 0 and spread 1, then by `scale` and `bias`.
#[derive(Debug)]
pub(super) struct Norm {
    pub scale: Vec<f32>,
    pub bias: Vec<f32>,
}

impl Norm {
    pub(super) fn of(&self, rows: &[f32]) -> Vec<f32> {
        let width = self.scale.len();
        let mut out = Vec::with_capacity(rows.len());
        for row in rows.chunks_exact(width) {
            let mean = mean(row.iter().copied(), width);
            let spread = mean_of_squares(row, mean).sqrt();
            let weights = self.scale.iter().zip(&self.bias);
            out.extend(
                row.iter().zip(weights).map(|(value, (scale, bias))| (value - mean) / spread * scale + bias),
            );
        }
        out
    }
}

fn mean(values: impl Iterator<Item = f32>, count: usize) -> f32 {
    values.sum::<f32>() / small(count)
}

fn mean_of_squares(row: &[f32], mean: f32) -> f32 {
    const NEVER_NOTHING: f32 = 1e-6;
    self::mean(row.iter().map(|value| (value - mean) * (value - mean)), row.len()) + NEVER_NOTHING
}

/// The mean of rows, column by column.
pub(super) fn mean_row(rows: &[f32], width: usize) -> Vec<f32> {
    let mut out = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        out.iter_mut().zip(row).for_each(|(out, value)| *out += value);
    }
    let count = small(rows.len() / width);
    for out in &mut out {
        *out /= count;
    }
    out
}

/// What each row hears of all rows, by `heads` heads: rows of query, key and value beside each other.
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn attend(rows: &[f32], width: usize, heads: usize) -> Vec<f32> {
    let size = width / heads;
    let scale = small(size).sqrt();
    let part = |row: usize, which: usize, head: usize| {
        let at = row * 3 * width + which * width + head * size;
        &rows[at..at + size]
    };
    let count = rows.len() / (3 * width);
    let mut out = vec![0.0; count * width];
    let mut heed = vec![0.0; count];
    for head in 0..heads {
        for row in 0..count {
            for (other, heed) in heed.iter_mut().enumerate() {
                *heed = dot(part(row, 0, head), part(other, 1, head)) / scale;
            }
            soften(&mut heed);
            let out = &mut out[row * width + head * size..][..size];
            for (other, heed) in heed.iter().enumerate() {
                out.iter_mut().zip(part(other, 2, head)).for_each(|(out, value)| *out += heed * value);
            }
        }
    }
    out
}

/// Shares that add up to 1, the larger the value the more.
pub(super) fn soften(values: &mut [f32]) {
    let most = values.iter().copied().fold(f32::MIN, f32::max);
    for value in values.iter_mut() {
        *value = exp(*value - most);
    }
    let sum: f32 = values.iter().sum();
    for value in values.iter_mut() {
        *value /= sum;
    }
}

pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    // Eight sums beside each other, which a processor can work on at once, added in one order.
    let mut sums = [0.0f32; 8];
    for (a, b) in a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum()
}

/// Brings a vector to length 1.
pub(super) fn to_unit(values: &mut [f32]) {
    let length = dot(values, values).sqrt();
    if length > 0.0 {
        for value in values.iter_mut() {
            *value /= length;
        }
    }
}

pub(super) fn tanh(value: f32) -> f32 {
    1.0 - 2.0 / (exp(2.0 * value) + 1.0)
}

/// e to a power: halved until it is small, a series, and squared as often again.
pub(super) fn exp(value: f32) -> f32 {
    const HALVINGS: i32 = 10;
    let small = f64::from(value.clamp(-80.0, 80.0)) / f64::from(1 << HALVINGS);
    let series = 1.0 + small * (1.0 + small / 2.0 * (1.0 + small / 3.0 * (1.0 + small / 4.0)));
    let whole = (0..HALVINGS).fold(series, |power, _| power * power);
    narrow(whole)
}

#[expect(clippy::cast_possible_truncation, reason = "as near as 32 bits can be")]
fn narrow(value: f64) -> f32 {
    value as f32
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows and columns, far below 2^24")]
fn small(count: usize) -> f32 {
    count as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_and_tangents_are_those_of_the_library_nearly() {
        for at in -160..160 {
            let value = small(usize::try_from(at + 160).unwrap()) / 4.0 - 40.0;
            assert!((exp(value) / value.exp() - 1.0).abs() < 1e-4, "{value}");
            assert!((tanh(value) - value.tanh()).abs() < 1e-5, "{value}");
        }
    }

    /// One after the other, as the order of sums is promised: whatever instructions are used beside, the bits are these.
    #[test]
    fn a_product_has_the_same_bits_on_every_processor() {
        let (width, columns, count) = (16_u8, 37, 3);
        let number = |at: usize| f32::from(u16::try_from(at * 7919 % 1999).unwrap()) / 777.0 - 1.0;
        let values: Vec<u8> =
            (0..usize::from(width) * columns).map(|at| (at * 89 % 251).try_into().unwrap()).collect();
        let factors: Vec<f32> = (0..width).map(|row| 0.01 + f32::from(row) / 300.0).collect();
        let matrix = Matrix { factors, values: values.leak(), columns };
        let bias: Vec<f32> = (0..columns).map(number).collect();
        let rows: Vec<f32> = (0..usize::from(width) * count).map(number).collect();
        let layer = Layer { matrix, bias };
        let full: Vec<Vec<f32>> = (0..width).map(|row| layer.matrix.row(row.into()).collect()).collect();
        let mut slowly = vec![];
        for row in rows.chunks_exact(width.into()) {
            for (column, bias) in layer.bias.iter().enumerate() {
                let mut sum = *bias;
                for (four, weights) in row.chunks_exact(AT_ONCE).zip(full.chunks_exact(AT_ONCE)) {
                    let [a, b, c, d] = std::array::from_fn(|at| four[at] * weights[at][column]);
                    sum += (a + b) + (c + d);
                }
                slowly.push(sum.to_bits());
            }
        }
        assert_eq!(layer.through(&rows).into_iter().map(f32::to_bits).collect::<Vec<_>>(), slowly);
    }

    #[test]
    fn a_layer_multiplies_and_adds() {
        let matrix =
            Matrix { factors: vec![1.0, 0.5, 1.0, 2.0], values: &[1, 255, 2, 4, 0, 3, 1, 1], columns: 2 };
        let layer = Layer { matrix, bias: vec![10.0, 20.0] };
        assert_eq!(
            layer.through(&[1.0, 2.0, 3.0, 4.0]),
            [10.0 + 1.0 + 2.0 + 8.0, 20.0 - 1.0 + 4.0 + 9.0 + 8.0]
        );
    }
}
