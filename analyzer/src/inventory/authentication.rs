//! How an endpoint's successful calls are authenticated, in one word: whether always in one way.

use super::tally::Tally;

/// Share of the successful calls that one scheme must have to be called the endpoint's: one in ten
/// may be a misconfigured client or a health check without making the answer `mixed`.
const DOMINANT_SHARE_PERCENT: u64 = 90;

/// Name of the scheme when no scheme dominates.
const MIXED: &str = "mixed";

/// Name of the scheme when no call succeeded.
const UNKNOWN: &str = "unknown";

/// The scheme that dominates (`none` where calls carry no credentials), `mixed` or `unknown`.
#[must_use]
pub fn dominant(successful: &Tally) -> &str {
    let total: u128 = successful.iter().map(|(_, n)| u128::from(n)).sum();
    let most = successful.iter().max_by_key(|&(_, n)| n);
    match most {
        Some((scheme, n)) if n > 0 => {
            let dominates = u128::from(n) * 100 >= total * u128::from(DOMINANT_SHARE_PERCENT);
            if dominates { scheme } else { MIXED }
        }
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_dominates_from_nine_in_ten() {
        let cases: &[(&[(&str, u64)], &str)] = &[
            (&[], "unknown"),
            (&[("bearer", 0)], "unknown"),
            (&[("none", 7)], "none"),
            (&[("bearer", 90), ("none", 10)], "bearer"),
            (&[("bearer", 89), ("none", 11)], "mixed"),
            (&[("jwt", u64::MAX), ("none", u64::MAX)], "mixed"),
        ];
        for (counts, expected) in cases {
            let counts = counts
                .iter()
                .map(|&(scheme, n)| (scheme.to_owned(), n))
                .collect();
            assert_eq!(dominant(&counts), *expected, "{counts:?}");
        }
    }
}
