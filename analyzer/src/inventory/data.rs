//! Classes of data that an endpoint carries: how often, how many values at once, how sure, and
//! which rules speak of them.

use std::collections::BTreeMap;

use crate::snapshot::EndpointSnapshot;
use crate::snapshot::schema::DataClassSnapshot;
use tapscope_record::{Counts, Word};

/// In requests.
pub const REQUEST: &str = "request";

/// In responses.
pub const RESPONSE: &str = "response";

/// Confidence from which on an endpoint is said to carry a class.
const CARRIED_MIN: f64 = 0.8;

/// The classes of an endpoint, sorted by direction and name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataSeen(Vec<ClassSeen>);

/// What is known of one class, as [`DataClassSnapshot`] has it.
#[derive(Clone, Debug, PartialEq)]
struct ClassSeen {
    direction: Word,
    class: Word,
    exchanges: u64,
    values: u64,
    most: u32,
    tags: Option<Vec<String>>,
}

impl ClassSeen {
    fn restore(class: &DataClassSnapshot) -> Self {
        Self {
            direction: Word::of(&class.direction),
            class: Word::of(&class.class),
            exchanges: class.exchanges,
            values: class.values,
            most: class.most,
            tags: class.tags.clone(),
        }
    }

    fn snapshot(&self, tags: &BTreeMap<String, Vec<String>>) -> DataClassSnapshot {
        let given = tags.get(self.class.as_str());
        DataClassSnapshot {
            direction: self.direction.to_string(),
            class: self.class.to_string(),
            exchanges: self.exchanges,
            values: self.values,
            most: self.most,
            tags: given.or(self.tags.as_ref()).cloned(),
        }
    }
}

impl DataSeen {
    /// Goes on from plain data.
    #[must_use]
    pub fn restore(classes: &[DataClassSnapshot]) -> Self {
        Self(classes.iter().map(ClassSeen::restore).collect())
    }

    /// Takes in the classes of so many messages alike, each with its distinct values.
    pub fn observe(&mut self, direction: &str, classes: &Counts, messages: u64, cap: usize) {
        if classes.is_empty() {
            return;
        }
        // Both are in the order of their names: the next is mostly the one behind.
        let mut near =
            (self.0).partition_point(|known| known.direction.as_bytes() < direction.as_bytes());
        for (class, values) in classes.as_slice() {
            let is_it = |known: &&ClassSeen| known.class == *class && known.direction == direction;
            let at = match self.0.get(near).filter(is_it) {
                Some(_) => Some(near),
                None => self.slot(direction, class, cap),
            };
            let Some(at) = at else { continue };
            near = at + 1;
            if let Some(known) = self.0.get_mut(at) {
                known.exchanges = known.exchanges.saturating_add(messages);
                let values_of_all = u64::from(*values).saturating_mul(messages);
                known.values = known.values.saturating_add(values_of_all);
                known.most = known.most.max(*values);
            }
        }
    }

    /// Takes over another endpoint's.
    pub fn merge(&mut self, other: &Self, cap: usize) {
        for theirs in &other.0 {
            let at = self.slot(&theirs.direction, &theirs.class, cap);
            if let Some(known) = at.and_then(|at| self.0.get_mut(at)) {
                known.exchanges = known.exchanges.saturating_add(theirs.exchanges);
                known.values = known.values.saturating_add(theirs.values);
                known.most = known.most.max(theirs.most);
            }
        }
    }

    /// As plain data; classes that the configuration defines with the `tags` it gives them. Those
    /// that it does not define any more keep the tags they had.
    #[must_use]
    pub fn snapshot(&self, tags: &BTreeMap<String, Vec<String>>) -> Vec<DataClassSnapshot> {
        self.0.iter().map(|one| one.snapshot(tags)).collect()
    }

    /// The place of a class, made when there is room for it.
    fn slot(&mut self, direction: &str, class: &Word, cap: usize) -> Option<usize> {
        let at = self.0.binary_search_by(|known| {
            (known.direction.as_str(), known.class.as_str()).cmp(&(direction, class.as_str()))
        });
        match at {
            Ok(at) => Some(at),
            // The sensor's classes are fewer than the cap; others can only come from a newer one.
            Err(_) if self.0.len() >= cap => None,
            Err(at) => {
                self.0.insert(
                    at,
                    ClassSeen {
                        direction: Word::of(direction),
                        class: class.clone(),
                        exchanges: 0,
                        values: 0,
                        most: 0,
                        tags: None,
                    },
                );
                Some(at)
            }
        }
    }
}

/// How sure one value of a class is: what has check digits, a prefix of its own or a form that
/// nothing else has; what has a form that other things have as well; what a name alone tells.
fn sureness(class: &str) -> f64 {
    match class {
        "phone" | "us_ssn" | "in_pan" | "dk_cpr" | "uk_nino" | "es_nif" | "secret"
        | "ip_address" | "address" | "ca_sin" | "nl_bsn" | "au_tfn" | "bank_account"
        | "passport" | "driving_licence" => 0.75,
        "person_name" | "date_of_birth" | "geo" | "health" | "special_category" | "financial"
        | "card_code" => 0.6,
        _ => 0.95,
    }
}

/// How sure it is that an endpoint carries a class: each further exchange, or further value at
/// once, leaves less room for chance, up to a point: what misleads once may mislead always.
#[must_use]
pub fn confidence(seen: &DataClassSnapshot) -> f64 {
    let evidence = seen.exchanges.max(u64::from(seen.most)).min(3);
    let doubt = 1.0 - sureness(&seen.class);
    let exponent = i32::try_from(evidence).unwrap_or(1);
    ((1.0 - doubt.powi(exponent)) * 100.0).round() / 100.0
}

/// Classes that an endpoint is said to carry, requests and responses together: those with more than
/// a single value that may be chance.
#[must_use]
pub fn carried(endpoint: &EndpointSnapshot) -> Vec<String> {
    let doubtful = |class: &str| {
        let mut known = endpoint.data.iter().filter(|one| one.class == class);
        endpoint.data.iter().any(|one| one.class == class)
            && known.all(|one| confidence(one) < CARRIED_MIN)
    };
    let requests = endpoint.request_data_classes.names();
    let mut all: Vec<String> = requests
        .chain(endpoint.response_data_classes.names())
        .filter(|class| !doubtful(class))
        .map(str::to_owned)
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Rules that speak of what was seen: those of the configuration for a class that it defines, else
/// those of the built-in class.
#[must_use]
pub fn tags_of(seen: &DataClassSnapshot, beside_health: bool) -> Vec<String> {
    let built_in = || tags(&seen.class, beside_health).into_iter();
    match &seen.tags {
        Some(tags) => tags.clone(),
        None => built_in().map(str::to_owned).collect(),
    }
}

/// Rules that speak of a built-in class: `GDPR`, `GDPR-9` (special categories), `PCI DSS`, `HIPAA`. What
/// identifies a person falls under HIPAA where it stands `beside_health` data.
fn tags(class: &str, beside_health: bool) -> Vec<&'static str> {
    let mut tags = Vec::new();
    let secret = matches!(
        class,
        "jwt" | "api_key" | "private_key" | "password" | "secret" | "br_cnpj"
    );
    if !secret {
        tags.push("GDPR");
    }
    if matches!(class, "health" | "special_category" | "uk_nhs") {
        tags.push("GDPR-9");
    }
    if matches!(class, "card" | "card_code") {
        tags.push("PCI DSS");
    }
    // The identifiers of 45 CFR 164.514(b)(2) that are classes here.
    let identifier = matches!(
        class,
        "person_name"
            | "address"
            | "date_of_birth"
            | "phone"
            | "email"
            | "us_ssn"
            | "bank_account"
            | "driving_licence"
            | "vin"
            | "device_id"
            | "ip_address"
    );
    if class == "health" || (beside_health && identifier) {
        tags.push("HIPAA");
    }
    tags
}

/// Whether an endpoint carries data about health.
#[must_use]
pub fn carries_health(endpoint: &EndpointSnapshot) -> bool {
    endpoint.data.iter().any(|one| one.class == "health")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(all: &[(&str, u32)]) -> Counts {
        all.iter().map(|(c, n)| (Word::of(c), *n)).collect()
    }

    #[test]
    fn exchanges_values_and_the_most_at_once() {
        let mut seen = DataSeen::default();
        seen.observe(RESPONSE, &classes(&[("email", 50), ("geo", 1)]), 1, 8);
        seen.observe(RESPONSE, &classes(&[("email", 2)]), 1, 8);
        seen.observe(REQUEST, &classes(&[("email", 1)]), 1, 8);
        let mut merged = DataSeen::restore(&seen.snapshot(&BTreeMap::new()));
        merged.merge(&seen, 8);
        let told = |seen: &DataSeen| -> Vec<(String, u64, u64, u32)> {
            let all = seen.0.iter();
            all.map(|one| {
                (
                    format!("{} {}", one.direction, one.class),
                    one.exchanges,
                    one.values,
                    one.most,
                )
            })
            .collect()
        };
        let row = |name: &str, exchanges, values, most| (name.to_owned(), exchanges, values, most);
        assert_eq!(
            told(&seen),
            [
                row("request email", 1, 1, 1),
                row("response email", 2, 52, 50),
                row("response geo", 1, 1, 1)
            ]
        );
        assert_eq!(told(&merged)[1], row("response email", 4, 104, 50));
        seen.observe(RESPONSE, &classes(&[("card", 1)]), 1, 3);
        assert_eq!(seen.0.len(), 3, "the cap holds");
    }

    #[test]
    fn one_value_that_may_be_chance_does_not_suffice() {
        for (class, exchanges, most, carried) in [
            ("card", 1, 1, true),
            ("email", 1, 1, true),
            ("phone", 1, 1, false),
            ("phone", 1, 2, true),
            ("person_name", 1, 1, false),
            ("person_name", 2, 1, true),
        ] {
            let seen = DataClassSnapshot {
                class: class.to_owned(),
                exchanges,
                most,
                ..DataClassSnapshot::default()
            };
            assert_eq!(
                confidence(&seen) >= CARRIED_MIN,
                carried,
                "{class} {exchanges} {most}"
            );
        }
    }

    #[test]
    fn classes_of_the_configuration_have_its_tags_and_keep_them() {
        let mut seen = DataSeen::default();
        seen.observe(RESPONSE, &classes(&[("badge", 2), ("email", 1)]), 1, 8);
        let given = BTreeMap::from([("badge".to_owned(), vec!["ACME-7".to_owned()])]);
        let told = |seen: &[DataClassSnapshot]| -> Vec<Vec<String>> {
            seen.iter().map(|one| tags_of(one, false)).collect()
        };
        let snapshot = seen.snapshot(&given);
        assert_eq!(told(&snapshot), [["ACME-7"], ["GDPR"]]);
        let later = DataSeen::restore(&snapshot).snapshot(&BTreeMap::new());
        assert_eq!(told(&later), [["ACME-7"], ["GDPR"]]);
        let other = BTreeMap::from([("badge".to_owned(), Vec::new())]);
        let changed = DataSeen::restore(&snapshot).snapshot(&other);
        assert!(told(&changed)[0].is_empty());
    }

    #[test]
    fn rules_by_class() {
        for (class, health, expected) in [
            ("card", false, &["GDPR", "PCI DSS"][..]),
            ("health", true, &["GDPR", "GDPR-9", "HIPAA"]),
            ("email", false, &["GDPR"]),
            ("email", true, &["GDPR", "HIPAA"]),
            ("api_key", true, &[]),
        ] {
            assert_eq!(tags(class, health), expected, "{class}");
        }
    }
}
