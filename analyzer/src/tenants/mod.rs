//! Hosts that are tenants of one service: one row with a parameter (`{tenant}.api.example.com`)
//! instead of a row for each.
//!
//! A host begins as a row of its own. When several differ in one label only, and can be called and
//! answer alike, they become one row; what was learned of each moves along. A further host joins
//! when it has shown the same. Like templates of paths, those of hosts come from a person, else a
//! specification, else traffic; labels that name a role (`www`, `api`, `staging`) are no tenant's.

/// Caps and thresholds.
pub mod settings;

/// Host names and what they have in common.
mod name;

/// Whether hosts are tenants.
mod judge;

/// The analyzer's rows follow.
mod apply;

pub use name::is_of;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::endpoint::rules::HOST_ITSELF;
use crate::endpoint::{RuleKind, TemplateRule};
use crate::inventory::distinct::Distinct;
use crate::inventory::hash::hash;
use crate::inventory::specification::Specification;
use crate::snapshot::tenants::{TenantOrigin, TenantSnapshot, TenantsSnapshot};
use crate::snapshot::{HostSnapshot, Nanos};
use settings::TenantSettings;
use tapscope_record::Word;

/// What a parameter of a host is called that nobody has named.
const TENANT: &str = "tenant";

/// Names counted exactly before a sketch takes over.
const EXACT: usize = 256;

/// Which hosts share a row.
#[derive(Debug, Default)]
pub struct Tenants {
    settings: TenantSettings,
    /// Hosts that have a row of their own, by the patterns they are of.
    groups: BTreeMap<String, Group>,
    /// Host templates; one that holds no more stays, for its history.
    rows: Vec<Row>,
    /// Hosts that share a row, with its index.
    names: HashMap<Box<str>, Member, FixedState>,
    /// What a person or a specification gives: templates, in order of precedence.
    given: Vec<(String, TenantOrigin)>,
    /// Hosts that a person or a specification names as they are.
    apart: BTreeSet<String>,
    /// Patterns that a person has said are none.
    forbidden: BTreeSet<String>,
    /// What a person calls a pattern.
    called: BTreeMap<String, String>,
    /// Hosts whose names found no place.
    unnamed: u64,
}

/// Hosts of one pattern that have a row each.
#[derive(Debug, Default)]
struct Group {
    hosts: BTreeSet<String>,
    /// Their number and that of their calls when they were judged.
    judged: (usize, u64),
}

/// A host template that holds.
#[derive(Debug)]
struct Row {
    template: String,
    /// The same, for the calls that are counted with it.
    name: Arc<str>,
    pattern: String,
    hosts: Distinct,
    origin: TenantOrigin,
    confidence: f64,
    reason: String,
    is_over: bool,
}

/// A host that shares a row.
#[derive(Clone, Copy, Debug)]
struct Member {
    row: usize,
    requests: u64,
    first_seen: Nanos,
    last_seen: Nanos,
}

impl Tenants {
    pub(crate) fn new(settings: &TenantSettings) -> Self {
        Self {
            settings: settings.clone(),
            ..Self::default()
        }
    }

    /// The row of a host that shares one, and one call more of it.
    pub(crate) fn count(&mut self, host: &str, time: Nanos) -> Option<Word> {
        let member = self.names.get_mut(host)?;
        member.requests = member.requests.saturating_add(1);
        member.first_seen = member.first_seen.min(time);
        member.last_seen = member.last_seen.max(time);
        Some(Arc::clone(&self.rows.get(member.row)?.name).into())
    }

    /// The row of a host that shares one.
    pub(crate) fn row_of(&self, host: &str) -> Option<&str> {
        let member = self.names.get(host)?;
        Some(&self.rows.get(member.row)?.template)
    }

    /// Whether a name is that of a row that hosts share.
    pub(crate) fn is_row(&self, name: &str) -> bool {
        self.rows.iter().any(|row| row.template == name)
    }

    /// A host that was not seen before: the row it belongs to without more ado, because somebody
    /// has said so or because so many are alike there; none when it begins with a row of its own.
    pub(crate) fn arrive(&mut self, host: &str, time: Nanos) -> Option<String> {
        if self.apart.contains(host) || self.is_row(host) {
            return None;
        }
        if let Some((template, origin)) = self.given_for(host) {
            let at = self.row(&template, origin, 1.0, given_reason(origin));
            self.join(host, at, (1, time, time));
            return Some(template);
        }
        for (pattern, _) in name::patterns(host) {
            let full = self.names.len() >= self.settings.max_names;
            let many = self.settings.max_names as u64 / 2;
            let crowd = |row: &Row| row.hosts.count() >= many || full;
            let at = self
                .row_for(&pattern)
                .filter(|at| self.rows.get(*at).is_some_and(crowd));
            if let Some(at) = at {
                self.join(host, at, (1, time, time));
                return self.rows.get(at).map(|row| row.template.clone());
            }
        }
        self.note(host);
        None
    }

    /// A host that has a row of its own.
    pub(crate) fn note(&mut self, host: &str) {
        for (pattern, _) in name::patterns(host) {
            self.groups
                .entry(pattern)
                .or_default()
                .hosts
                .insert(host.to_owned());
        }
    }

    /// A host that has no row of its own any more.
    pub(crate) fn leave(&mut self, host: &str) {
        for (pattern, _) in name::patterns(host) {
            if let Some(group) = self.groups.get_mut(&pattern) {
                group.hosts.remove(host);
                if group.hosts.is_empty() {
                    self.groups.remove(&pattern);
                }
            }
        }
    }

    /// Whether so many hosts came to a pattern that they are to be judged at once.
    pub(crate) fn is_crowded(&self, host: &str) -> bool {
        name::patterns(host).iter().any(|(pattern, _)| {
            let group = self.groups.get(pattern);
            group.is_some_and(|g| g.hosts.len() >= g.judged.0 * 2 + self.settings.max_unjudged)
        })
    }

    /// What a person or a specification says of a host.
    fn given_for(&self, host: &str) -> Option<(String, TenantOrigin)> {
        let found = self.given.iter().find(|(template, origin)| {
            is_of(host, template)
                && (*origin == TenantOrigin::Rule || !name::has_role(host, template))
        })?;
        Some((self.called(&found.0), found.1))
    }

    fn row_for(&self, pattern: &str) -> Option<usize> {
        self.rows
            .iter()
            .position(|row| row.pattern == pattern && !row.is_over)
    }

    /// What a template is called: as a person says, else as given.
    fn called(&self, template: &str) -> String {
        let name = self.called.get(&name::pattern_of(template));
        name.cloned()
            .unwrap_or_else(|| template.replace('*', &format!("{{{TENANT}}}")))
    }

    /// The row with that template, made when there is none.
    fn row(
        &mut self,
        template: &str,
        origin: TenantOrigin,
        confidence: f64,
        reason: String,
    ) -> usize {
        let pattern = name::pattern_of(template);
        let known = self.rows.iter().position(|row| row.template == template);
        let at = known.unwrap_or_else(|| {
            self.rows.push(Row {
                template: template.to_owned(),
                name: template.into(),
                pattern,
                hosts: Distinct::default(),
                origin,
                confidence: 0.0,
                reason: String::new(),
                is_over: false,
            });
            self.rows.len() - 1
        });
        if let Some(row) = self.rows.get_mut(at) {
            (row.origin, row.confidence, row.reason, row.is_over) =
                (origin, confidence, reason, false);
        }
        at
    }

    fn join(
        &mut self,
        host: &str,
        at: usize,
        (requests, first_seen, last_seen): (u64, Nanos, Nanos),
    ) {
        if let Some(row) = self.rows.get_mut(at) {
            row.hosts.insert(hash(&[host.as_bytes()]), EXACT);
        }
        let member = Member {
            row: at,
            requests,
            first_seen,
            last_seen,
        };
        if let Some(known) = self.names.get_mut(host) {
            known.row = at;
        } else if self.names.len() < self.settings.max_names {
            self.names.insert(host.into(), member);
        } else {
            self.unnamed = self.unnamed.saturating_add(1);
        }
    }

    /// Hosts whose calls are counted with their row's only.
    pub(crate) fn unnamed(&self) -> u64 {
        self.unnamed
    }

    /// Hosts that share a row and have a name.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// What is given from now on: by a person's rules, then by the specifications, newer ones first.
    fn give(&mut self, rules: &[TemplateRule], specifications: &[Specification]) {
        let own = rules.iter().filter(|rule| rule.template == HOST_ITSELF);
        let has_hole = |host: &str| host.split('.').any(name::is_hole);
        let mut given = Vec::new();
        let mut apart = BTreeSet::new();
        self.forbidden.clear();
        self.called.clear();
        for rule in own {
            let pattern = name::pattern_of(&rule.host);
            match rule.kind {
                RuleKind::Ignore => {
                    self.forbidden.insert(pattern);
                }
                RuleKind::Rename => {
                    self.called.insert(pattern, rule.host.clone());
                }
                RuleKind::Pin if has_hole(&rule.host) => {
                    given.push((rule.host.clone(), TenantOrigin::Rule));
                }
                RuleKind::Pin => {
                    apart.insert(rule.host.clone());
                }
            }
        }
        for host in specifications.iter().rev().flat_map(|one| &one.hosts) {
            if has_hole(host) {
                let forbidden = self.forbidden.contains(&name::pattern_of(host));
                if !forbidden && !given.iter().any(|(known, _)| known == host) {
                    given.push((host.clone(), TenantOrigin::Specification));
                }
            } else {
                apart.insert(host.clone());
            }
        }
        (self.given, self.apart) = (given, apart);
    }

    /// What is known of a row that hosts share, for its snapshot.
    pub(crate) fn describe(&self, host: &mut HostSnapshot) {
        let Some(at) = self.rows.iter().position(|row| row.template == host.host) else {
            return;
        };
        let Some(row) = self.rows.get(at) else {
            return;
        };
        let members = self.names.iter().filter(|(_, member)| member.row == at);
        let mut members: Vec<TenantSnapshot> = members
            .map(|(host, member)| TenantSnapshot {
                host: host.to_string(),
                requests: member.requests,
                first_seen: member.first_seen,
                last_seen: member.last_seen,
            })
            .collect();
        members.sort_by(|a, b| b.requests.cmp(&a.requests).then(a.host.cmp(&b.host)));
        host.tenants = Some(TenantsSnapshot {
            count: row.hosts.count(),
            origin: row.origin,
            confidence: row.confidence,
            reason: row.reason.clone(),
            hosts: members,
            is_over: row.is_over,
            distinct: row.hosts.state(),
        });
    }

    /// Goes on from a saved row.
    pub(crate) fn restore(&mut self, template: &str, saved: &TenantsSnapshot) {
        let at = self.row(
            template,
            saved.origin,
            saved.confidence,
            saved.reason.clone(),
        );
        for one in &saved.hosts {
            self.join(&one.host, at, (one.requests, one.first_seen, one.last_seen));
        }
        if let Some(row) = self.rows.get_mut(at) {
            row.hosts = Distinct::restore(&saved.distinct);
            row.is_over = saved.is_over;
        }
    }
}

fn given_reason(origin: TenantOrigin) -> String {
    match origin {
        TenantOrigin::Rule => "A rule says so.".to_owned(),
        _ => "A specification names it as a server.".to_owned(),
    }
}
