//! One parameter of an endpoint, and what of its values may be shown.

use serde::{Deserialize, Serialize};

use crate::inventory::tally::Tally;

use tapscope_record::Bounds;

/// Different values that a range is told of: of fewer, its ends would tell one of them.
const RANGE_VALUES_MIN: u64 = 10;

/// Values that a format is told of: fewer have one by chance.
const FORMAT_VALUES_MIN: u64 = 8;

/// One parameter of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ParameterSnapshot {
    /// `path`, `query`, `header`, `cookie`; in older stores also `request_body` and
    /// `response_body`, which are schemas now.
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
