//! One parameter of an endpoint, and what of its values may be shown.

use serde::{Deserialize, Serialize};

use crate::inventory::tally::Tally;

use tapscope_record::Bounds;

/// Different values that a range is told of: of fewer, its ends would tell one of them.
const RANGE_VALUES_MIN: u64 = 10;

/// Values that a format is told of: fewer have one by chance.
const FORMAT_VALUES_MIN: u64 = 8;

/// Exchanges before the values that a parameter had are said to be all it takes.
const CHOICES_MIN: u64 = 20;

/// How often each of a few numbers was seen on the average before they are told: choices come again,
/// what is somebody's does not.
const CHOICE_TIMES_MIN: u64 = 10;

/// Numbers that follow each other and may be a choice all the same (`1`, `2`, `3`).
const CHOICES_WITHOUT_GAP_MAX: usize = 5;

/// The values that a parameter takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Choices {
    /// Words of the sensor's own list.
    Words(Vec<String>),
    /// Whole numbers, ascending.
    Numbers(Vec<f64>),
}

/// One parameter of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ParameterSnapshot {
    /// `path`, `matrix` (in a segment of the path: `;color=red`, RFC 3986 section 3.3), `query`,
    /// `header`, `cookie`, `body` (fields of requests, of those whose values were taken); in older
    /// stores also `request_body` and `response_body`, which are schemas now.
    pub location: String,
    /// Its name; for path parameters the template's.
    pub name: String,
    /// Types seen, with how often.
    pub types: Tally,
    /// Classes of personal or secret data seen, with how often.
    pub classes: Tally,
    /// Number of exchanges that carried it.
    pub seen: u64,
    /// Number of exchanges that carried it more than once.
    #[serde(default)]
    pub repeated: u64,
    /// Different values (estimate from 16 on); 0 where only names are seen.
    #[serde(default)]
    pub distinct: u64,
    /// What the estimate rests on: the smallest hashes of values.
    #[serde(default)]
    pub values: Vec<u64>,
    /// Whole numbers that it takes, as long as there are few different values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub few: Vec<f64>,
    /// Values that are words of the sensor's own list, with how often.
    #[serde(default)]
    pub words: Tally,
    /// Forms of those values that are texts (`ulid`, `semver`, `locale`, `prefixed_id`, `base64`,
    /// `slug`, `none`), of a fair choice of them.
    #[serde(default, skip_serializing_if = "Tally::is_empty")]
    pub forms: Tally,
    /// Length in characters of the shortest and the longest value; none where only names are seen.
    #[serde(default)]
    pub lengths: Option<(u32, u32)>,
    /// Between which numbers its values lie, as far as they are numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<Bounds>,
}

impl ParameterSnapshot {
    /// The format of its values, where they are texts that nearly all have one.
    #[must_use]
    pub fn format(&self) -> Option<&str> {
        let of = self.forms.total();
        let texts = |kind: &str| matches!(kind, "string" | "empty");
        let (name, most) = self.forms.iter().max_by_key(|(_, count)| *count)?;
        let enough = of >= FORMAT_VALUES_MIN && most.saturating_mul(10) >= of.saturating_mul(9);
        (self.types.names().all(texts) && enough && name != "none").then_some(name)
    }

    /// Between which numbers the values lie, where that is safe to tell and says something: nothing
    /// but numbers, none of them personal or secret, enough different ones, and no names of things.
    #[must_use]
    pub fn range(&self) -> Option<Bounds> {
        let numbers = |kind: &str| matches!(kind, "integer" | "number" | "empty");
        let is_name = self.name.to_ascii_lowercase().ends_with("id");
        self.numbers.filter(|_| {
            self.classes.is_empty()
                && self.distinct >= RANGE_VALUES_MIN
                && !is_name
                && self.types.names().all(numbers)
        })
    }

    /// All the values it takes, where these are a few words or numbers that come again and again, and
    /// neither personal nor secret nor the names of things.
    #[must_use]
    pub fn choices(&self) -> Option<Choices> {
        let only = |kinds: &[&str]| self.types.names().all(|kind| kinds.contains(&kind));
        let is_all = |number: usize| number > 1 && number as u64 == self.distinct;
        if self.seen < CHOICES_MIN || !self.classes.is_empty() {
            return None;
        }
        if is_all(self.words.len()) && only(&["string", "empty"]) {
            let words = self.words.names().map(str::to_owned);
            return Some(Choices::Words(words.collect()));
        }
        let is_name = self.name.to_ascii_lowercase().ends_with("id");
        let again = self.seen >= self.distinct.saturating_mul(CHOICE_TIMES_MIN);
        // Many numbers without a gap between them are a range rather than a choice.
        let gaps = self.few.windows(2).any(|pair| pair[1] - pair[0] > 1.0);
        let is_choice = gaps || self.few.len() <= CHOICES_WITHOUT_GAP_MAX;
        let numbers = is_all(self.few.len()) && is_choice && only(&["integer"]);
        let numbers = numbers && again && !is_name;
        numbers.then(|| Choices::Numbers(self.few.clone()))
    }

    /// Lengths of the shortest and the longest value, where they tell nothing of a person or a
    /// secret.
    #[must_use]
    pub fn length_range(&self) -> Option<(u32, u32)> {
        self.lengths.filter(|_| self.classes.is_empty())
    }

    /// The same, of enough different values to say what a value has to be like.
    #[must_use]
    pub fn usual_lengths(&self) -> Option<(u32, u32)> {
        self.length_range()
            .filter(|_| self.distinct >= RANGE_VALUES_MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(name: &str, kind: &str, few: &[f64], seen: u64) -> ParameterSnapshot {
        ParameterSnapshot {
            name: name.to_owned(),
            types: [(kind.to_owned(), seen)].into_iter().collect(),
            few: few.to_vec(),
            distinct: few.len() as u64,
            seen,
            ..ParameterSnapshot::default()
        }
    }

    #[test]
    fn few_numbers_that_come_again_are_choices() {
        let sizes = [10.0, 20.0, 50.0];
        let told = parameter("limit", "integer", &sizes, 40).choices();
        assert_eq!(told, Some(Choices::Numbers(sizes.to_vec())));
        for (name, kind, few, seen) in [
            ("order_id", "integer", &sizes[..], 40),
            ("limit", "number", &sizes, 40),
            ("limit", "integer", &sizes, 29),
            ("limit", "integer", &sizes[..1], 40),
            ("limit", "integer", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 90),
        ] {
            assert_eq!(
                parameter(name, kind, few, seen).choices(),
                None,
                "{name} {seen}"
            );
        }
        let mut more = parameter("limit", "integer", &sizes, 400);
        more.distinct = 4;
        assert_eq!(more.choices(), None, "one value is no such number");
        let mut personal = parameter("limit", "integer", &sizes, 40);
        personal.classes = [("date_of_birth".to_owned(), 1)].into_iter().collect();
        assert_eq!(personal.choices(), None);
    }
}
