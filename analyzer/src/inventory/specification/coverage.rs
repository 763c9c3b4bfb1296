//! Which operations cover a host, and which one an endpoint is.
//!
//! An endpoint is matched by structure: as many segments, and each either a parameter in the
//! operation or the same literal in both. Where several match, the one with the most literals in
//! common wins, then the one with the most around its parameters, as a router would have it.

use std::collections::{BTreeMap, BTreeSet};

use std::sync::Arc;

use serde_json::Value;

use super::contract::Contract;
use super::{Operation, Specification, drift};
use crate::settings::DriftPolicy;
use crate::snapshot::{Drift, EndpointSnapshot, Nanos};
use crate::tenants::is_of;

/// Methods by which a path is described, in the order in which they are looked for.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// What specifications say of one endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether a specification covers the path.
    pub covered: bool,
    /// Names of the specifications that describe it.
    pub documented_in: Vec<String>,
    /// The full template they give it.
    pub template: Option<String>,
    /// The description that holds says it is deprecated.
    pub deprecated: bool,
    /// Only older revisions describe it.
    pub removed: bool,
    /// The specification whose older revision does.
    pub removed_from: Option<String>,
    /// Whether the description that holds asks for credentials; none where nothing describes it.
    pub secured: Option<bool>,
}

/// One operation at one base path.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Documented {
    specification: String,
    template: String,
    segments: Vec<String>,
    deprecated: bool,
    secured: bool,
    current: bool,
    /// Which of several holds: by explicit priority, then the longest base path, then the newest.
    rank: (u32, usize, Nanos),
    /// The document, and the path in it, for comparisons.
    tree: Arc<Value>,
    key: String,
}

/// The operations that cover one host.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// By method and number of segments.
    operations: BTreeMap<(String, usize), Vec<Documented>>,
    bases: BTreeSet<Vec<String>>,
}

impl Coverage {
    /// The operations of the specifications that name `host`. Of several of the same name the
    /// last one holds; the ones before it tell what was removed.
    #[must_use]
    pub fn of_host(specifications: &[Specification], host: &str) -> Self {
        Self::of(specifications, |s| {
            s.hosts.iter().any(|named| is_of(host, named))
        })
    }

    /// The operations of the specifications that name no host.
    #[must_use]
    pub fn of_any_host(specifications: &[Specification]) -> Self {
        Self::of(specifications, |s| s.hosts.is_empty())
    }

    fn of(specifications: &[Specification], applies: impl Fn(&Specification) -> bool) -> Self {
        let mut coverage = Self::default();
        for (at, specification) in specifications.iter().enumerate() {
            if !applies(specification) {
                continue;
            }
            let later = specifications.iter().skip(at + 1);
            let current = !later.into_iter().any(|s| s.name == specification.name);
            for operation in &specification.operations {
                coverage.add(specification, operation, current);
            }
            if current {
                let bases = specification.base_paths.iter();
                coverage.bases.extend(bases.map(|base| segments(base)));
            }
        }
        coverage
    }

    fn add(&mut self, specification: &Specification, operation: &Operation, current: bool) {
        let own = &operation.base_paths;
        let bases = if own.is_empty() {
            &specification.base_paths
        } else {
            own
        };
        for base in bases {
            if current && !own.is_empty() {
                self.bases.insert(segments(base));
            }
            let template = full(base, &operation.path);
            let segments = segments(&template);
            let key = (operation.method.clone(), segments.len());
            self.operations.entry(key).or_default().push(Documented {
                specification: specification.name.clone(),
                template,
                segments,
                deprecated: operation.deprecated,
                secured: operation.secured,
                current,
                rank: (specification.priority, base_len(base), specification.added),
                tree: Arc::clone(&specification.tree),
                key: operation.key.clone(),
            });
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty() && self.bases.is_empty()
    }

    /// What the specifications say of an endpoint.
    #[must_use]
    pub fn standing(&self, method: &str, template: &str) -> Standing {
        let path = segments(template);
        let mut standing = Standing {
            covered: self.bases.iter().any(|base| path.starts_with(base)),
            ..Standing::default()
        };
        let mut found = self.best(method, &path);
        if found.is_empty() {
            // Servers answer HEAD wherever there is GET, and OPTIONS everywhere, undescribed.
            found = match method {
                "HEAD" => self.best("GET", &path),
                "OPTIONS" => METHODS
                    .iter()
                    .map(|method| self.best(method, &path))
                    .find(|found| !found.is_empty())
                    .unwrap_or_default(),
                _ => found,
            };
        }
        let current: Vec<&&Documented> = found.iter().filter(|d| d.current).collect();
        standing.removed = current.is_empty() && !found.is_empty();
        if standing.removed {
            standing.removed_from = found.first().map(|one| one.specification.clone());
        }
        // Of several that describe it, the first holds.
        standing.deprecated = current.first().is_some_and(|d| d.deprecated);
        standing.secured = current.first().map(|d| d.secured);
        for one in &current {
            if !standing.documented_in.contains(&one.specification) {
                standing.documented_in.push(one.specification.clone());
            }
        }
        standing.template = current
            .first()
            .copied()
            .or(found.first())
            .map(|d| d.template.clone());
        standing.covered |= !found.is_empty();
        standing
    }

    /// How an endpoint's traffic differs from the operation it is, by the document that holds.
    #[must_use]
    pub fn drift(&self, endpoint: &EndpointSnapshot, policy: &DriftPolicy) -> Vec<Drift> {
        let found = self.best(&endpoint.method, &segments(&endpoint.template));
        let Some(one) = found.iter().find(|one| one.current) else {
            return Vec::new();
        };
        let contract = Contract::of(&one.tree, &one.key, &endpoint.method);
        drift::of(contract, endpoint, policy)
    }

    /// The operations that resemble it most, the one that holds first; of those that do as much, current ones before removed ones. `/users/export` that a newer revision
    /// has no more is not that revision's `/users/{id}`.
    fn best(&self, method: &str, path: &[String]) -> Vec<&Documented> {
        let key = (method.to_owned(), path.len());
        let mut best = Vec::new();
        let mut most = None;
        for one in self.operations.get(&key).into_iter().flatten() {
            let Some(alike) = resemblance(&one.segments, path) else {
                continue;
            };
            let rank = Some((alike, one.current));
            if rank > most {
                most = rank;
                best.clear();
            }
            if rank == most {
                best.push(one);
            }
        }
        best.sort_by_key(|one| core::cmp::Reverse(one.rank));
        best
    }

    /// Whether an endpoint is a documented operation, and one that is unlikely to be hit by
    /// chance: it has a literal segment.
    #[must_use]
    pub fn recognises(&self, method: &str, template: &str) -> bool {
        let path = segments(template);
        self.best(method, &path)
            .iter()
            .any(|d| d.current && d.segments.iter().any(|s| !s.contains('{')))
    }

    /// (method, full template) of the current operations whose absence from traffic means
    /// something. Calls with HEAD are counted with GET's, and OPTIONS is asked by browsers only; of
    /// operations whose calls cannot be told apart, the one they are taken for stands for all.
    #[must_use]
    pub fn expected(&self) -> Vec<(String, String)> {
        let mut expected = BTreeSet::new();
        for ((method, _), operations) in &self.operations {
            if method == "HEAD" || method == "OPTIONS" {
                continue;
            }
            let mut current: Vec<&Documented> = operations.iter().filter(|d| d.current).collect();
            current.sort_by_key(|one| core::cmp::Reverse(one.rank));
            let mut shapes = BTreeSet::new();
            current.retain(|one| shapes.insert(shape(one)));
            expected.extend(
                current
                    .iter()
                    .map(|one| (method.clone(), one.template.clone())),
            );
        }
        expected.into_iter().collect()
    }

    /// (method, full template) of the operations, in a fixed order. What a newer revision has no
    /// more is still the best that is known of a path, where no current operation is alike.
    #[must_use]
    pub fn templates(&self) -> Vec<(String, String)> {
        let mut all = BTreeSet::new();
        for ((method, _), operations) in &self.operations {
            let current = operations.iter().filter(|one| one.current);
            let shapes: BTreeSet<_> = current.map(shape).collect();
            for one in operations {
                if one.current || !shapes.contains(&shape(one)) {
                    all.insert((method.clone(), one.template.clone()));
                }
            }
        }
        all.into_iter().collect()
    }
}

/// An operation's segments without the names of its parameters: what cannot be told apart by the
/// calls is the same here. `{base}...{head}` is, from `{both}`; `page-{n}` is not, from `{name}`.
fn shape(operation: &Documented) -> Vec<(&str, Option<&str>)> {
    let segments = operation.segments.iter();
    segments
        .map(|segment| match affixes(segment) {
            Some((before, after)) => (before, Some(after)),
            None => (segment.as_str(), None),
        })
        .collect()
}

/// What stands before and after the parameters of a segment; none of one that has none.
fn affixes(segment: &str) -> Option<(&str, &str)> {
    let (first, last) = segment.find('{').zip(segment.rfind('}'))?;
    segment.get(..first).zip(segment.get(last + 1..))
}

/// A base path and a path as one template.
fn full(base: &str, path: &str) -> String {
    let whole = format!("{base}{path}");
    if whole.len() > 1 {
        whole.trim_end_matches('/').to_owned()
    } else {
        whole
    }
}

fn segments(template: &str) -> Vec<String> {
    template
        .split('/')
        .filter(|s| !s.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Segments of a base path: the more, the more specific.
fn base_len(base: &str) -> usize {
    base.split('/')
        .filter(|segment| !segment.is_empty())
        .count()
}

/// Literals in common, when the endpoint's path is one of the operation's, and then the characters
/// around parameters.
fn resemblance(documented: &[String], path: &[String]) -> Option<(usize, usize)> {
    let (mut literals, mut around) = (0, 0);
    for (theirs, ours) in documented.iter().zip(path) {
        if theirs == ours && !theirs.contains('{') {
            literals += 1;
        } else if !fits(theirs, ours) {
            return None;
        }
        if let Some((before, after)) = affixes(theirs).filter(|both| affixes(ours) == Some(*both)) {
            around += before.len() + after.len();
        }
    }
    Some((literals, around))
}

/// Whether a segment of the endpoint (literal or parameter) can be one of the operation's segment:
/// `{id}` takes anything, `{id}.json` what begins and ends as it does.
fn fits(documented: &str, ours: &str) -> bool {
    let Some((before, after)) = affixes(documented) else {
        return documented.eq_ignore_ascii_case(ours) && !ours.contains('{');
    };
    if before.is_empty() && after.is_empty() {
        return true;
    }
    // A whole-segment parameter of ours may well be theirs with its affixes not yet told apart.
    if ours.starts_with('{') && ours.ends_with('}') {
        return true;
    }
    ours.len() > before.len() + after.len() && ours.starts_with(before) && ours.ends_with(after)
}
