//! Times as text (RFC 3339, UTC), and dates back to times.

use tapscope_analyzer::inventory::date::civil;
pub use tapscope_analyzer::inventory::date::day as date;
use tapscope_analyzer::snapshot::Nanos;

const SECOND: Nanos = 1_000_000_000;
const DAY_SECONDS: i64 = 86_400;

/// Days since the Unix epoch of a date.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// A time as `2024-01-31T12:00:00Z`; empty for 0, which stands for never.
pub(crate) fn moment(time: Nanos) -> String {
    if time == 0 {
        return String::new();
    }
    let second = time.div_euclid(SECOND).rem_euclid(DAY_SECONDS);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{}T{hour:02}:{minute:02}:{second:02}Z", date(time))
}

/// The start of a date, or a time in UTC: `2024-01-31`, `2024-01-31T12:00:00Z`.
#[must_use]
pub fn parse_date(text: &str) -> Option<Nanos> {
    let (date, clock) = match text.split_once('T') {
        Some((date, clock)) => (date, clock.strip_suffix('Z')?),
        None => (text, "00:00:00"),
    };
    let numbers = |text: &str, between: char| {
        let all: Option<Vec<i64>> = text
            .split(between)
            .map(|part| part.parse().ok().filter(|n: &i64| *n >= 0))
            .collect();
        <[i64; 3]>::try_from(all?).ok()
    };
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(clock, ':')?;
    let in_range = (1970..=2200).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    let seconds = days(year, month, day) * DAY_SECONDS + hour * 3_600 + minute * 60 + second;
    (in_range && civil(days(year, month, day)) == (year, month, day)).then(|| seconds * SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_go_both_ways() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2024-01-01T00:00:00Z", 1_704_067_200),
            ("2026-11-25T18:58:21Z", 1_795_633_101),
        ] {
            assert_eq!(parse_date(text), Some(seconds * SECOND), "{text}");
            if seconds > 0 {
                assert_eq!(moment(seconds * SECOND), text);
            }
        }
        for text in [
            "2023-02-29",
            "2024-13-01",
            "yesterday",
            "",
            "2024-01-01T25:00:00Z",
            "-1-1-1",
        ] {
            assert_eq!(parse_date(text), None, "{text}");
        }
        assert_eq!(moment(0), "");
    }
}
