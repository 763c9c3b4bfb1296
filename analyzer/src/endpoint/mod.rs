//! Record → endpoint: which API endpoint is this, learned per host from traffic alone.
//!
//! The way of a sighting: `look` says what each segment looks like; the evidence trie keeps
//! what was seen, raw and bounded; `decide` reads the whole trie from time to time (as it grows,
//! not on every sighting) and says which positions are parameters, with a confidence; the
//! registry turns changed decisions into events, so that an endpoint keeps its name for good.

/// Caps and thresholds, each with its reason.
pub mod settings;

/// What a segment looks like, before anything is known of its place.
pub mod look;

mod evidence;

mod noise;

mod operational;

mod knowledge;

mod signature;

mod judge;

mod weights;

mod decide;

mod greedy;

mod naming;

mod documented;

/// What a person decides on templates.
pub mod rules;

mod waiting;

mod registry;

mod state;

mod host;

pub use host::{HostTemplates, Said, shape_name};
pub use rules::{RuleError, RuleKind, TemplateRule};
pub use settings::TemplateSettings;

pub(crate) use documented::is_greedy;

use crate::snapshot::EndpointId;
use tapscope_record::PathSegment;

/// What template learning is told of one exchange.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'a> {
    /// The method, as sent.
    pub method: &'a str,
    /// The path's segments, as the record has them.
    pub path: &'a [PathSegment],
    /// Whether the path ended in `/`.
    pub trailing_slash: bool,
    /// The status; none when the response was not seen.
    pub status: Option<u16>,
    /// Media type of the request's content.
    pub request_content_type: Option<&'a str>,
    /// Media type of the response's content.
    pub response_content_type: Option<&'a str>,
    /// Shape of the response's content.
    pub response_shape: Option<u64>,
    /// Whether the response's content has a shape and was not looked at: others of its kind were.
    pub response_passed: bool,
    /// Bytes of the response's content.
    pub response_len: u64,
    /// A hash that names the client, for counting distinct callers.
    pub consumer: u64,
    /// Nanoseconds since the Unix epoch.
    pub time: i64,
}

/// What changed in the set of endpoints.
#[derive(Clone, Debug, PartialEq)]
pub enum TemplateEvent {
    /// A new endpoint.
    Created {
        /// Its name for good.
        id: EndpointId,
        /// Its method.
        method: String,
        /// Its template.
        template: String,
        /// How sure the template is, 0 to 1.
        confidence: f64,
        /// Sightings of it that were held back as a candidate before.
        earlier: u64,
        /// Time of the first of them (of this one when there were none).
        first_seen: i64,
    },
    /// Sightings that were held back prove to be of an endpoint that was known already.
    Recognized {
        /// The endpoint.
        id: EndpointId,
        /// How many.
        earlier: u64,
        /// Time of the first of them.
        first_seen: i64,
    },
    /// Sightings that one endpoint was told of prove to be of another.
    Split {
        /// The endpoint they were counted for.
        from: EndpointId,
        /// The endpoint they are of.
        to: EndpointId,
        /// How many.
        sightings: u64,
        /// Time of the first of them.
        first_seen: i64,
    },
    /// The template of an endpoint changed; the endpoint is the same.
    Retemplated {
        /// The endpoint.
        id: EndpointId,
        /// Its template from now on.
        template: String,
        /// How sure it is.
        confidence: f64,
    },
    /// Two endpoints proved to be one.
    Merged {
        /// The name that is no longer used.
        gone: EndpointId,
        /// The endpoint that goes on.
        survivor: EndpointId,
    },
    /// An endpoint proved to be none (noise).
    Removed {
        /// The endpoint.
        id: EndpointId,
    },
}

/// What is known of an endpoint's template.
#[derive(Clone, Debug, PartialEq)]
pub struct TemplateView {
    /// The method.
    pub method: String,
    /// The template.
    pub template: String,
    /// How sure the template is, 0 to 1.
    pub confidence: f64,
    /// Names of the path parameters, in order.
    pub path_parameters: Vec<String>,
    /// Up to three paths as seen, personal and secret values replaced by `{class}`.
    pub examples: Vec<String>,
}

/// FNV-1a with a finaliser: the same on every run and machine, unlike a keyed hash.
fn hash_parts(parts: &[&str]) -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.bytes().chain([0]) {
            h = (h ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    mix(h)
}

fn hash_text(text: &str) -> u64 {
    hash_parts(&[text])
}

/// Spreads a number's bits (the finaliser of SplitMix64).
fn mix(mut h: u64) -> u64 {
    h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    h = (h ^ (h >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    h ^ (h >> 31)
}

#[cfg(test)]
mod tests;
