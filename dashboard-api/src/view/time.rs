//! Times as text: RFC 3339 in UTC, with as many digits of the second as there are.

use core::fmt;

use serde::{Serialize, Serializer};
use tapscope_analyzer::snapshot::Nanos;
use utoipa::ToSchema;

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// A point in time: RFC 3339, UTC, trailing zeros of the fraction left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-03-01T09:30:00.25Z")]
pub struct Time(pub Nanos);

impl Time {
    /// The time, or none for 0, which stands for "never" in snapshots.
    #[must_use]
    pub const fn known(nanos: Nanos) -> Option<Self> {
        if nanos == 0 { None } else { Some(Self(nanos)) }
    }

    /// The time of a number of seconds since the Unix epoch; none for 0, which stands for
    /// "sent, but not readable", and for what no time stamp can hold.
    #[must_use]
    pub fn of_seconds(seconds: i64) -> Option<Self> {
        seconds.checked_mul(NANOS_PER_SECOND).and_then(Self::known)
    }

    /// Reads an RFC 3339 date-time with any offset; none when it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let punctuation = [(4, b"-"), (7, b"-"), (13, b":"), (16, b":")];
        if !text.is_ascii()
            || bytes.len() < 20
            || punctuation
                .iter()
                .any(|&(at, byte)| bytes.get(at..=at) != Some(byte))
            || !matches!(bytes.get(10), Some(b'T' | b't' | b' '))
        {
            return None;
        }
        let number = |from: usize, to: usize| digits(text.get(from..to)?);
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        // 60 is a leap second, which Unix time folds into the next minute.
        if !(1..=12).contains(&month)
            || day < 1
            || day > days_of_month(year, month)
            || hour > 23
            || minute > 59
            || second > 60
        {
            return None;
        }
        let (fraction, offset) = split_fraction(text.get(19..)?)?;
        let days = days_from_civil(year, month, day);
        let seconds = days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - offset;
        // Wider than the result: the first second that fits begins before the first nanosecond.
        let nanos = i128::from(seconds) * i128::from(NANOS_PER_SECOND) + i128::from(fraction);
        i64::try_from(nanos).ok().map(Self)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(NANOS_PER_SECOND);
        let fraction = self.0.rem_euclid(NANOS_PER_SECOND);
        let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
        let of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        if fraction != 0 {
            let digits = format!("{fraction:09}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A run of decimal digits as a number.
fn digits(text: &str) -> Option<i64> {
    let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if all_digits { text.parse().ok() } else { None }
}

/// Splits `.25+02:00` into nanoseconds and the offset in seconds.
fn split_fraction(rest: &str) -> Option<(i64, i64)> {
    let Some(after_point) = rest.strip_prefix('.') else {
        return Some((0, offset_seconds(rest)?));
    };
    let end = after_point.find(|c: char| !c.is_ascii_digit())?;
    let (fraction, offset) = after_point.split_at_checked(end)?;
    // Digits beyond the nanosecond are cut, not rounded: a time is never moved forward.
    let kept: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    if fraction.is_empty() {
        return None;
    }
    Some((digits(&kept)?, offset_seconds(offset)?))
}

/// `Z` or `+hh:mm` in seconds.
fn offset_seconds(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    // A `+` that nobody percent-encoded arrives as a space.
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+" | " ", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Days of a month in the proleptic Gregorian calendar.
const fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since the Unix epoch of a date: years counted from March, so that the leap day is last
/// (Howard Hinnant, "chrono-compatible low-level date algorithms").
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The date of a number of days since the Unix epoch; the inverse of [`days_from_civil`].
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_as_many_digits_as_there_are() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (1, "1970-01-01T00:00:00.000000001Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00Z"),
            (1_700_000_000_250_000_000, "2023-11-14T22:13:20.25Z"),
            (i64::MAX, "2262-04-11T23:47:16.854775807Z"),
            (i64::MIN, "1677-09-21T00:12:43.145224192Z"),
        ];
        for (nanos, text) in cases {
            assert_eq!(Time(nanos).to_string(), text);
            assert_eq!(Time::parse(text), Some(Time(nanos)), "{text}");
        }
    }

    #[test]
    fn reads_offsets_and_cuts_beyond_nanoseconds() {
        let quarter = Some(Time(1_700_000_000_250_000_000));
        for text in [
            "2023-11-14T22:13:20.25Z",
            "2023-11-14t22:13:20.2500000009z",
            "2023-11-15T00:13:20.25+02:00",
            "2023-11-15 00:13:20.25 02:00",
            "2023-11-14T16:43:20.25-05:30",
        ] {
            assert_eq!(Time::parse(text), quarter, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "now",
            "2023-11-14",
            "2023-11-14T22:13:20",
            "2023-13-14T22:13:20Z",
            "2023-02-29T22:13:20Z",
            "2023-11-14T24:13:20Z",
            "2023-11-14T22:13:20.Z",
            "2023-11-14T22:13:20+2:00",
            "2023-11-14T22:13:20.25",
            "9999-11-14T22:13:20Z",
            "+023-11-14T22:13:20Z",
            "2023-11-14T22:13:2\u{e9}Z",
        ] {
            assert_eq!(Time::parse(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_time_can_be_read_back(nanos: i64) {
            proptest::prop_assert_eq!(Time::parse(&Time(nanos).to_string()), Some(Time(nanos)));
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = Time::parse(&text);
        }
    }
}
