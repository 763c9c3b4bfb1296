//! An endpoint as plain data, for the store and the readers, and from it.

use serde::Deserialize as _;

use super::{Counts, Entry, Seen, Waiting};
use crate::baseline::Baseline;
use crate::inventory::data::DataSeen;
use crate::inventory::distinct::Distinct;
use crate::inventory::distribution::{Bounds, Distribution};
use crate::inventory::minutes::Minutes;
use crate::inventory::parameters::Parameters;
use crate::inventory::reach::Reach;
use crate::inventory::schema::Schemas;
use crate::inventory::spellings::Spellings;
use crate::inventory::tally::Tally;
use crate::inventory::tokens::TokenKinds;
use crate::settings::{AnalyzerSettings, InventorySettings};
use crate::snapshot::schema::CredentialSnapshot;
use crate::snapshot::state::EndpointState;
use crate::snapshot::{ConsumerId, EndpointRef, EndpointSnapshot, Profile};

impl Entry {
    /// As plain data.
    #[must_use]
    pub fn snapshot(&mut self, settings: &InventorySettings) -> EndpointSnapshot {
        self.take_waiting(settings);
        let schemas = self.seen.schemas.snapshot(settings);
        let seen = &self.seen;
        let mut callers: Vec<(ConsumerId, u64)> =
            seen.callers.iter().map(|(id, n)| (*id, *n)).collect();
        callers.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        callers.truncate(settings.top_callers);
        EndpointSnapshot {
            id: self.at.id,
            method: self.at.method.clone(),
            host: self.at.host.clone(),
            template: self.at.template.clone(),
            operation: self.at.operation.clone(),
            transport: self.transport,
            template_confidence: self.confidence,
            examples: self.examples.clone(),
            spellings: seen.spellings.paths.iter().cloned().collect(),
            respelled: seen.spellings.exchanges,
            lifecycle: self.lifecycle,
            lifecycle_reason: self.reason.clone(),
            facts: self.facts.clone(),
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            requests: self.requests,
            statuses: seen.statuses.clone(),
            authentication: seen.authentication.snapshot(),
            authentication_successful: self.authentication_successful.snapshot(),
            request_content_types: seen.request_types.snapshot(),
            response_content_types: seen.response_types.snapshot(),
            parameters: seen.parameters.snapshot(&self.at.template),
            parameters_observed: seen.parameters.observed(),
            schemas,
            bodies_passed: self.counts.passed,
            credentials: credentials(&seen.credentials),
            data: seen.data.snapshot(&settings.class_tags),
            tokens: seen.tokens.snapshot(),
            request_data_classes: self.request_classes.snapshot(),
            response_data_classes: self.response_classes.snapshot(),
            consumers: seen.consumers.count(),
            top_consumers: callers,
            servers: seen.servers.snapshot(),
            protocols: seen.protocols.snapshot(),
            completeness: seen.completeness.snapshot(),
            feeds: seen.feeds.snapshot(),
            vantage_points: seen.vantage_points.snapshot(),
            latency: seen.latency.snapshot(),
            request_size: seen.request_size.snapshot(),
            response_size: seen.response_size.snapshot(),
            minutes: seen.minutes.snapshot(),
            profile: Profile {
                exposure: seen.reach.exposure(),
                transport: seen.reach.transport(),
                ..self.profile.clone()
            },
            state: serde_json::to_value(self.state()).unwrap_or_default(),
        }
    }

    fn state(&self) -> EndpointState {
        EndpointState {
            consumers: self.seen.consumers.state(),
            callers: self.seen.callers.iter().map(|(id, n)| (*id, *n)).collect(),
            baseline: self.baseline.state(),
            successes: self.counts.successes,
            retired_successes: self.counts.retired_successes,
            sign_in: self.counts.sign_in,
            complete: self.counts.complete,
        }
    }

    /// Goes on from plain data; a state that cannot be read costs the baseline and nothing else.
    #[must_use]
    pub fn restore(snapshot: EndpointSnapshot, settings: &AnalyzerSettings) -> Self {
        let inventory = &settings.inventory;
        let state = EndpointState::deserialize(&snapshot.state).unwrap_or_default();
        let seen = Seen::restore(&snapshot, &state, inventory);
        let anonymous = snapshot.authentication_successful.get("none");
        let at = EndpointRef {
            id: snapshot.id,
            method: snapshot.method,
            host: snapshot.host,
            template: snapshot.template,
            operation: snapshot.operation,
        };
        let mut entry = Self {
            at,
            transport: snapshot.transport,
            confidence: snapshot.template_confidence,
            examples: snapshot.examples,
            facts: snapshot.facts,
            secured: None,
            lifecycle: snapshot.lifecycle,
            reason: snapshot.lifecycle_reason,
            profile: snapshot.profile,
            first_seen: snapshot.first_seen,
            last_seen: snapshot.last_seen,
            requests: snapshot.requests,
            counts: Counts {
                placed: snapshot.completeness.total(),
                anonymous,
                authenticated: snapshot
                    .authentication_successful
                    .total()
                    .saturating_sub(anonymous),
                successes: state.successes,
                retired_successes: state.retired_successes,
                sign_in: state.sign_in,
                complete: state.complete,
                passed: snapshot.bodies_passed,
            },
            authentication_successful: snapshot.authentication_successful.clone(),
            response_classes: snapshot.response_data_classes.clone(),
            request_classes: snapshot.request_data_classes.clone(),
            waiting: Waiting::default(),
            baseline: Baseline::restore(state.baseline, &settings.baseline, &settings.detectors),
            seen,
            weight: 0,
        };
        entry.weigh();
        entry
    }
}

impl Seen {
    fn restore(
        snapshot: &EndpointSnapshot,
        state: &EndpointState,
        settings: &InventorySettings,
    ) -> Self {
        let size = Bounds::size(settings.max_size);
        let latency = Bounds::latency(settings.max_latency_ns);
        Self {
            statuses: snapshot.statuses.clone(),
            authentication: snapshot.authentication.clone(),
            request_types: snapshot.request_content_types.clone(),
            response_types: snapshot.response_content_types.clone(),
            parameters: Parameters::restore(
                &snapshot.parameters,
                snapshot.parameters_observed,
                &snapshot.template,
            ),
            schemas: Schemas::restore(&snapshot.schemas),
            credentials: tally_of(&snapshot.credentials),
            data: DataSeen::restore(&snapshot.data),
            tokens: TokenKinds::restore(&snapshot.tokens),
            spellings: Spellings {
                paths: snapshot.spellings.iter().cloned().collect(),
                exchanges: snapshot.respelled,
            },
            consumers: Distinct::restore(&state.consumers),
            callers: state.callers.iter().copied().collect(),
            servers: snapshot.servers.clone(),
            reach: Reach::restore(&snapshot.profile.exposure, &snapshot.profile.transport),
            protocols: snapshot.protocols.clone(),
            completeness: snapshot.completeness.clone(),
            feeds: snapshot.feeds.clone(),
            vantage_points: snapshot.vantage_points.clone(),
            latency: Distribution::restore(latency, &snapshot.latency),
            request_size: Distribution::restore(size, &snapshot.request_size),
            response_size: Distribution::restore(size, &snapshot.response_size),
            minutes: Minutes::restore(&snapshot.minutes),
        }
    }
}

/// Kinds of credentials, from the key that they are counted under.
fn credentials(counts: &Tally) -> Vec<CredentialSnapshot> {
    let split = |(key, seen): (&str, u64)| {
        let mut parts = key.splitn(3, ' ').map(str::to_owned);
        CredentialSnapshot {
            scheme: parts.next().unwrap_or_default(),
            location: parts.next().unwrap_or_default(),
            name: parts.next().unwrap_or_default(),
            seen,
        }
    };
    counts.iter().map(split).collect()
}

fn tally_of(credentials: &[CredentialSnapshot]) -> Tally {
    let key = |c: &CredentialSnapshot| format!("{} {} {}", c.scheme, c.location, c.name);
    credentials.iter().map(|c| (key(c), c.seen)).collect()
}
