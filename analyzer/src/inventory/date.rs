//! Moments as the dates that sentences name. UTC, and of packet time like everything here.

use crate::snapshot::Nanos;

/// Nanoseconds of a day.
pub(crate) const DAY_NANOS: i64 = 86_400_000_000_000;

/// Year, month and day of a day since the Unix epoch (proleptic Gregorian; the year is shifted to
/// March, so that leap days come last).
#[must_use]
pub fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// A moment's date, as `2026-09-30`.
#[must_use]
pub fn day(at: Nanos) -> String {
    let (year, month, day) = civil(at.div_euclid(DAY_NANOS));
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_dates() {
        for (days, date) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (19_782, "2024-02-29"),
            (20_726, "2026-09-30"),
            (-1, "1969-12-31"),
        ] {
            assert_eq!(day(days * DAY_NANOS), date);
            assert_eq!(day(days * DAY_NANOS + DAY_NANOS - 1), date);
        }
    }
}
