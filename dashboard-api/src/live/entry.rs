//! An endpoint as it is published: its snapshot, and what lists derive from it, computed once when
//! it changes instead of at every request.

use std::collections::BTreeSet;
use std::sync::Arc;

use tapscope_analyzer::inventory::risk::Risk;
use tapscope_analyzer::inventory::tally::Tally;
use tapscope_analyzer::snapshot::EndpointSnapshot;

use crate::view::endpoint::Lifecycle;

/// Share of the successful calls that one scheme must have to be called the endpoint's: one in ten
/// may be a misconfigured client or a health check without making the answer `mixed`.
const DOMINANT_SHARE_PERCENT: u64 = 90;

/// Name of the scheme when no scheme dominates.
const MIXED: &str = "mixed";

/// Name of the scheme when no call succeeded.
const UNKNOWN: &str = "unknown";

/// A published endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointEntry {
    /// The snapshot; its `state` is left out, because readers have no use for it.
    pub snapshot: Arc<EndpointSnapshot>,
    /// Where it stands, in the API's words.
    pub lifecycle: Lifecycle,
    /// How much is at stake, with the findings about it.
    pub risk: Risk,
    /// Scheme that dominates the successful calls.
    pub authentication: String,
    /// Classes of personal or secret data, requests and responses together; sorted.
    pub data_classes: Vec<String>,
    /// Exchanges with a status.
    pub answered: u64,
    /// Exchanges with a status of 400 or more.
    pub errors: u64,
    /// Method, host, template and operation in lower case: what a search looks at.
    pub search_text: String,
    /// Template, host and method: what sorting by template goes by.
    pub sort_text: String,
}

impl EndpointEntry {
    /// Derives an entry from a snapshot.
    #[must_use]
    pub fn new(mut snapshot: EndpointSnapshot) -> Self {
        snapshot.state = serde_json::Value::Null;
        let data_classes = tapscope_analyzer::inventory::data::carried(&snapshot);
        let count = |from: u16| snapshot.statuses.range(from..).map(|(_, n)| n).sum();
        Self {
            lifecycle: snapshot.lifecycle.into(),
            risk: Risk::default(),
            authentication: dominant_scheme(&snapshot.authentication_successful),
            data_classes,
            answered: count(1),
            errors: count(400),
            search_text: format!(
                "{} {}{}{}",
                snapshot.method,
                snapshot.host,
                snapshot.template,
                operation_text(&snapshot)
            )
            .to_lowercase(),
            sort_text: format!(
                "{} {} {}{}",
                snapshot.template,
                snapshot.host,
                snapshot.method,
                operation_text(&snapshot)
            ),
            snapshot: Arc::new(snapshot),
        }
    }

    /// Whether a label holds for it, be it the first or another one.
    #[must_use]
    pub fn has_label(&self, wanted: &[Lifecycle]) -> bool {
        self.labels().iter().any(|label| wanted.contains(label))
    }

    /// All labels that hold for it, each once.
    #[must_use]
    pub fn labels(&self) -> BTreeSet<Lifecycle> {
        let labels = self.snapshot.profile.labels.iter();
        let others = labels.map(|one| one.label.into());
        others.chain([self.lifecycle]).collect()
    }

    /// The style of its operation; `none` when it has none.
    #[must_use]
    pub fn style(&self) -> &str {
        let operation = self.snapshot.operation.as_ref();
        operation.map_or("none", |operation| &operation.style)
    }
}

/// ` KIND NAME` of the operation; nothing for an endpoint.
fn operation_text(snapshot: &EndpointSnapshot) -> String {
    let operation = snapshot.operation.as_ref();
    operation.map_or_else(String::new, |o| format!(" {} {}", o.kind, o.name))
}

/// The scheme that dominates, [`MIXED`] or [`UNKNOWN`].
fn dominant_scheme(successful: &Tally) -> String {
    let total: u128 = successful.iter().map(|(_, n)| u128::from(n)).sum();
    let most = successful.iter().max_by_key(|&(_, n)| n);
    match most {
        Some((scheme, n)) if n > 0 => {
            let dominates = u128::from(n) * 100 >= total * u128::from(DOMINANT_SHARE_PERCENT);
            if dominates {
                scheme.to_owned()
            } else {
                MIXED.to_owned()
            }
        }
        _ => UNKNOWN.to_owned(),
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
            assert_eq!(dominant_scheme(&counts), *expected, "{counts:?}");
        }
    }
}
