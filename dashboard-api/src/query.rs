//! Query strings: lists by repetition or comma, and a refusal of what is not understood, because
//! a filter that is silently ignored shows rows that were not asked for.

use core::ops::RangeInclusive;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;

use crate::error::Problem;
use crate::state::ApiState;
use crate::view::id::Id;
use crate::view::time::Time;

/// The parameters of a query string, taken out one by one; [`Query::finish`] refuses what is left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl FromRequestParts<ApiState> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        let text = parts.uri.query().unwrap_or_default();
        if text.len() > state.settings().query_chars_max {
            return Err(Problem::new(
                axum::http::StatusCode::URI_TOO_LONG,
                format!(
                    "The query is longer than {} bytes.",
                    state.settings().query_chars_max
                ),
            ));
        }
        Self::parse(text)
    }
}

impl Query {
    /// Reads `a=1&b=2`.
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        });
        Ok(Self {
            pairs: pairs.collect::<Result<_, Problem>>()?,
        })
    }

    /// Takes all values of a parameter as they are; empty ones are left out.
    fn take_raw(&mut self, name: &str) -> Vec<String> {
        let (taken, left) = core::mem::take(&mut self.pairs)
            .into_iter()
            .partition::<Vec<_>, _>(|(key, _)| key == name);
        self.pairs = left;
        taken
            .into_iter()
            .map(|(_, value)| value)
            .filter(|value| !value.is_empty())
            .collect()
    }

    /// Takes a parameter that may stand once.
    pub(crate) fn take_one(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let mut values = self.take_raw(name);
        if values.len() > 1 {
            return Err(Problem::bad_request(format!("`{name}` may be given once.")));
        }
        Ok(values.pop())
    }

    /// Takes a parameter that may be repeated or hold a list separated by commas.
    pub(crate) fn take_list(&mut self, name: &str) -> Vec<String> {
        let values = self.take_raw(name);
        let parts = values.iter().flat_map(|value| value.split(','));
        parts
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Takes a list of names out of `known`.
    pub(crate) fn take_names<T: Copy>(
        &mut self,
        name: &str,
        known: &[(T, &'static str)],
    ) -> Result<Vec<T>, Problem> {
        let given = self.take_list(name);
        given
            .iter()
            .map(|value| named(name, value, known))
            .collect()
    }

    /// Takes one name out of `known`.
    pub(crate) fn take_name<T: Copy>(
        &mut self,
        name: &str,
        known: &[(T, &'static str)],
    ) -> Result<Option<T>, Problem> {
        let given = self.take_one(name)?;
        given.map(|value| named(name, &value, known)).transpose()
    }

    /// Takes a whole number.
    pub(crate) fn take_number(
        &mut self,
        name: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, Problem> {
        let Some(given) = self.take_one(name)? else {
            return Ok(None);
        };
        match given.parse() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(Problem::bad_request(format!(
                "`{name}` must be a whole number from {} to {}.",
                range.start(),
                range.end()
            ))),
        }
    }

    /// Takes an id.
    pub(crate) fn take_id(&mut self, name: &str) -> Result<Option<Id>, Problem> {
        let Some(given) = self.take_one(name)? else {
            return Ok(None);
        };
        Id::parse(&given).map(Some).ok_or_else(|| {
            Problem::bad_request(format!("`{name}` must be an id of 16 hexadecimal digits."))
        })
    }

    /// Takes a time.
    pub(crate) fn take_time(&mut self, name: &str) -> Result<Option<Time>, Problem> {
        let Some(given) = self.take_one(name)? else {
            return Ok(None);
        };
        Time::parse(&given).map(Some).ok_or_else(|| {
            Problem::bad_request(format!(
                "`{name}` must be an RFC 3339 time such as 2026-03-01T09:30:00Z."
            ))
        })
    }

    /// Takes the words of a search, in lower case.
    pub(crate) fn take_words(&mut self, name: &str) -> Result<Vec<String>, Problem> {
        let text = self.take_one(name)?.unwrap_or_default().to_lowercase();
        Ok(text.split_whitespace().map(str::to_owned).collect())
    }

    /// Refuses what was not taken.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        match self.pairs.first() {
            None => Ok(()),
            Some((name, _)) => Err(Problem::bad_request(format!(
                "`{}` is no parameter of this resource.",
                name.chars()
                    .filter(|c| !c.is_control())
                    .take(64)
                    .collect::<String>()
            ))),
        }
    }
}

/// A value out of a list of names.
fn named<T: Copy>(name: &str, value: &str, known: &[(T, &'static str)]) -> Result<T, Problem> {
    let found = known.iter().find(|(_, known)| *known == value);
    found.map(|(value, _)| *value).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(_, name)| *name).collect();
        Problem::bad_request(format!("`{name}` must be one of {}.", names.join(", ")))
    })
}

/// Undoes the encoding of a form.
fn decode(text: &str) -> Result<String, Problem> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded
        .map(Into::into)
        .map_err(|_| Problem::bad_request("The query is not UTF-8."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_by_repetition_and_comma() {
        let mut query = Query::parse("m=GET&m=POST,PUT&m=&x=a%20b+c").unwrap();
        assert_eq!(query.take_list("m"), ["GET", "POST", "PUT"]);
        assert_eq!(query.take_words("x").unwrap(), ["a", "b", "c"]);
        assert_eq!(query.finish(), Ok(()));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert!(Query::parse("a=1").unwrap().finish().is_err());
        assert!(Query::parse("a=%ff").is_err());
        assert!(Query::parse("a=1&a=2").unwrap().take_one("a").is_err());
        assert!(
            Query::parse("n=501")
                .unwrap()
                .take_number("n", 1..=500)
                .is_err()
        );
        assert!(
            Query::parse("n=-1")
                .unwrap()
                .take_number("n", 1..=500)
                .is_err()
        );
        assert!(Query::parse("i=12").unwrap().take_id("i").is_err());
        assert!(Query::parse("t=yesterday").unwrap().take_time("t").is_err());
        assert!(
            Query::parse("e=c")
                .unwrap()
                .take_name("e", &[(1, "a"), (2, "b")])
                .is_err()
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = Query::parse(&text);
        }
    }
}
