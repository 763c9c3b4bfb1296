//! An endpoint as it is published: its snapshot, and what lists derive from it, computed once when
//! it changes instead of at every request.

use std::collections::BTreeSet;
use std::sync::Arc;

use tapscope_analyzer::inventory::authentication::dominant;
use tapscope_analyzer::inventory::risk::Risk;
use tapscope_analyzer::snapshot::EndpointSnapshot;

use crate::view::endpoint::Lifecycle;

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
            authentication: dominant(&snapshot.authentication_successful).to_owned(),
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
