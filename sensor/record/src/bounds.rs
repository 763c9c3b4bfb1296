//! How large a number is, as far as that may leave the sensor: small whole numbers exactly, of all
//! others two digits. A page, a limit or a year is told; a customer's number is not.

use serde::{Deserialize, Serialize};

/// Whole numbers nearer to zero than this are kept as they are: nothing of four digits names one of
/// many.
const EXACT_BELOW: f64 = 10_000.0;

/// Steps below this are not told apart.
const STEP_MIN: f64 = 1e-9;

/// A number lies between these, both included. Of several numbers: all of them do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "(f64, f64)", into = "(f64, f64)")]
pub struct Bounds {
    /// It is not less than this.
    pub least: f64,
    /// It is not more than this.
    pub most: f64,
}

impl From<(f64, f64)> for Bounds {
    fn from((least, most): (f64, f64)) -> Self {
        Self { least, most }
    }
}

impl From<Bounds> for (f64, f64) {
    fn from(bounds: Bounds) -> Self {
        (bounds.least, bounds.most)
    }
}

impl Bounds {
    /// The bounds of what `text` says, when that is a number of ordinary size.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        let whole = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if text.len() <= 5 && whole(text.strip_prefix('-').unwrap_or(text)) {
            let number: i32 = text.parse().ok()?;
            if number.abs() < 10_000 {
                return Some(Self::exactly(number.into()));
            }
        }
        Self::of(text.parse().ok()?)
    }

    /// The bounds of a number; none of what is none, or beyond the whole numbers that are exact.
    #[must_use]
    pub fn of(number: f64) -> Option<Self> {
        let size = number.abs();
        if !size.is_finite() || size > 1e15 {
            return None;
        }
        if size.fract() == 0.0 && size < EXACT_BELOW {
            return Some(Self::exactly(number));
        }
        let (near, far) = two_digits(size);
        Some(if number < 0.0 {
            Self {
                least: -far,
                most: -near,
            }
        } else {
            Self {
                least: near,
                most: far,
            }
        })
    }

    /// The bounds of two numbers together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            least: self.least.min(other.least),
            most: self.most.max(other.most),
        }
    }

    const fn exactly(number: f64) -> Self {
        Self {
            least: number,
            most: number,
        }
    }
}

/// The nearest numbers of two digits, not more and not less than a positive one.
fn two_digits(size: f64) -> (f64, f64) {
    if size >= 10.0 {
        let mut step = 1.0;
        while size >= step * 100.0 {
            step *= 10.0;
        }
        ((size / step).floor() * step, (size / step).ceil() * step)
    } else {
        // By its inverse, which is exact where a step below one is not.
        let mut steps = 1.0;
        while size * steps < 10.0 && 1.0 / steps > STEP_MIN {
            steps *= 10.0;
        }
        (
            (size * steps).floor() / steps,
            (size * steps).ceil() / steps,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_whole_numbers_are_kept_and_of_others_two_digits() {
        for (text, expected) in [
            ("0", Some((0.0, 0.0))),
            ("-7", Some((-7.0, -7.0))),
            ("2024", Some((2024.0, 2024.0))),
            ("0012", Some((12.0, 12.0))),
            ("9999", Some((9999.0, 9999.0))),
            ("10000", Some((10_000.0, 10_000.0))),
            ("48271", Some((48_000.0, 49_000.0))),
            ("-48271", Some((-49_000.0, -48_000.0))),
            ("4155550123", Some((4_100_000_000.0, 4_200_000_000.0))),
            ("1716000000.5", Some((1_700_000_000.0, 1_800_000_000.0))),
            ("52.5201", Some((52.0, 53.0))),
            ("0.125", Some((0.12, 0.13))),
            ("0.3", Some((0.3, 0.3))),
            ("1e3", Some((1000.0, 1000.0))),
            ("1e300", None),
            ("NaN", None),
            ("12a", None),
            ("", None),
        ] {
            let found = Bounds::of_text(text).map(<(f64, f64)>::from);
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn bounds_of_two_hold_both() {
        let of = |number| Bounds::of(number).unwrap();
        let both = of(48_271.0).with(of(-3.0));
        assert_eq!(<(f64, f64)>::from(both), (-3.0, 49_000.0));
    }
}
