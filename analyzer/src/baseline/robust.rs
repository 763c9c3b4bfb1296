//! Statistics that a few odd values do not move.

/// Scales a median absolute deviation to the standard deviation of a normal distribution.
const MAD_TO_DEVIATION: f64 = 1.4826;

/// The median; 0 of nothing.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = sorted.get(middle).copied().unwrap_or(0.0);
    if sorted.len() % 2 == 1 {
        return upper;
    }
    let lower = middle
        .checked_sub(1)
        .and_then(|i| sorted.get(i))
        .copied()
        .unwrap_or(0.0);
    f64::midpoint(lower, upper)
}

/// Spread about `centre`: the median absolute deviation, scaled to a standard deviation.
#[must_use]
pub fn spread(values: &[f64], centre: f64) -> f64 {
    let deviations: Vec<f64> = values.iter().map(|v| (v - centre).abs()).collect();
    median(&deviations) * MAD_TO_DEVIATION
}

/// Lower end of Wilson's interval for a share of `hits` in `of`, `z` deviations wide: what the
/// share is at least, however few were seen.
#[must_use]
pub fn share_at_least(hits: f64, of: f64, z: f64) -> f64 {
    if of <= 0.0 {
        return 0.0;
    }
    let share = (hits / of).clamp(0.0, 1.0);
    let z2 = z * z;
    let centre = share + z2 / (2.0 * of);
    let margin = z * (share * (1.0 - share) / of + z2 / (4.0 * of * of)).sqrt();
    ((centre - margin) / (1.0 + z2 / of)).max(0.0)
}

/// A value to 1/1024: the state is kept as JSON, and what has few digits comes back bit for bit.
#[must_use]
pub fn coarse(value: f64) -> f64 {
    (value * 1024.0).round() / 1024.0
}

/// A count as a number to calculate with.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts beyond 2^53 do not occur, and an error of 1 in 2^53 would not matter"
)]
#[must_use]
pub fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_spreads() {
        for (values, middle, width) in [
            (vec![], 0.0, 0.0),
            (vec![3.0], 3.0, 0.0),
            (vec![1.0, 2.0, 3.0, 4.0], 2.5, 1.4826),
            (vec![10.0, 10.0, 10.0, 9_000.0], 10.0, 0.0),
            (vec![1.0, 2.0, 3.0, 4.0, 900.0], 3.0, 1.4826),
        ] {
            let centre = median(&values);
            assert!((centre - middle).abs() < 1e-9, "{values:?}");
            assert!((spread(&values, centre) - width).abs() < 1e-9, "{values:?}");
        }
    }

    #[test]
    fn a_share_of_few_is_at_least_little() {
        assert!(share_at_least(1.0, 1.0, 3.5) < 0.1);
        assert!(share_at_least(30.0, 30.0, 3.5) > 0.7);
        assert!((share_at_least(0.0, 100.0, 3.5)).abs() < 1e-12);
        assert!((share_at_least(5.0, 0.0, 3.5)).abs() < 1e-12);
    }
}
