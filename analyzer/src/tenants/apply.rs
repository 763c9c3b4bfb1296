//! The analyzer's rows follow what is known of tenants: hosts that prove to be one service become
//! one row, with all that was learned of them.

use std::collections::BTreeMap;

use super::judge::{self, Witness};
use super::{TENANT, name};
use crate::endpoint::{HostTemplates, TemplateRule};
use crate::inventory::partition::Partition;
use crate::snapshot::Nanos;
use crate::snapshot::tenants::TenantOrigin;
use crate::{Analyzer, OTHER_HOSTS};
use tapscope_record::{ExchangeRecord, Word};

/// Of hosts that have shown nothing, this share gives way at once when there are too many hosts.
const GIVING_WAY: usize = 4;

/// What is to become one row.
struct Fold {
    template: String,
    hosts: Vec<String>,
}

impl Analyzer {
    /// The row a record belongs to, made when it is not there.
    pub(crate) fn host_of(&mut self, record: &ExchangeRecord) -> Word {
        if self.partitions.contains_key(record.host.as_str()) {
            return record.host.clone();
        }
        if let Some(row) = self.tenants.count(&record.host, record.time) {
            return row;
        }
        let max = self.settings.inventory.max_hosts;
        if self.partitions.len() >= max {
            self.make_room(max);
        }
        let full = self.partitions.len() >= max;
        let host = match self.tenants.arrive(&record.host, record.time) {
            Some(row) => row,
            None if full => {
                self.tenants.leave(&record.host);
                self.counts.folded_hosts = self.counts.folded_hosts.saturating_add(1);
                OTHER_HOSTS.to_owned()
            }
            None => record.host.to_string(),
        };
        self.make_row(&host);
        if self.tenants.is_crowded(&host) {
            self.judge_hosts();
        }
        // Judging may have made it part of another row.
        let row = self.tenants.row_of(&host).map(str::to_owned);
        row.unwrap_or(host).into()
    }

    /// Makes room for hosts. That takes a look at all there are: where it was in vain, the next one
    /// waits for as many records as an eighth of them.
    fn make_room(&mut self, max: usize) {
        let since = self.counts.records.saturating_sub(self.counts.crowded);
        if self.counts.crowded > 0 && since < max as u64 / 8 {
            return;
        }
        self.judge_hosts();
        self.drop_silent_hosts();
        let in_vain = self.partitions.len() >= max;
        self.counts.crowded = if in_vain { self.counts.records } else { 0 };
    }

    /// The row of a host as it is known; none of one that has none.
    pub(crate) fn known_row(&self, host: &str) -> &str {
        if self.partitions.contains_key(host) {
            return self
                .partitions
                .get_key_value(host)
                .map_or(OTHER_HOSTS, |(name, _)| name);
        }
        self.tenants.row_of(host).unwrap_or(OTHER_HOSTS)
    }

    fn make_row(&mut self, host: &str) {
        if self.partitions.contains_key(host) {
            return;
        }
        let mut partition = Partition::new(host, &self.specifications, &self.settings);
        let rules = self.rules_of(host);
        if !rules.is_empty() {
            partition.set_template_rules(&rules, self.now, &self.settings);
        }
        self.gone_hosts.remove(host);
        self.partitions.insert(host.to_owned(), partition);
    }

    /// A person's rules on a row's paths: its own, and those on hosts that share it.
    pub(crate) fn rules_of(&self, row: &str) -> Vec<TemplateRule> {
        let on = |rule: &&TemplateRule| {
            !rule.is_about_host()
                && (rule.host == row || self.tenants.row_of(&rule.host) == Some(row))
        };
        let rules = self.rules.iter().filter(on).cloned();
        rules
            .map(|rule| TemplateRule {
                host: row.to_owned(),
                ..rule
            })
            .collect()
    }

    /// Hosts that never showed an endpoint make room for others: whoever asks for hosts that are
    /// not there must not keep those that are out.
    fn drop_silent_hosts(&mut self) {
        let silent = self.partitions.iter().filter(|(_, one)| one.is_empty());
        let mut silent: Vec<(Nanos, String)> = silent
            .map(|(name, one)| (one.totals().last_seen, name.clone()))
            .filter(|(_, name)| name != OTHER_HOSTS)
            .collect();
        silent.sort();
        let enough = self.settings.inventory.max_hosts.div_ceil(GIVING_WAY);
        for (_, host) in silent.into_iter().take(enough) {
            let Some(gone) = self.remove_row(&host) else {
                continue;
            };
            // What it counted stays counted.
            let (placed, withdrawn) = gone.replaced();
            let counts = &mut self.counts;
            counts.no_endpoint =
                (counts.no_endpoint.saturating_add(withdrawn)).saturating_sub(placed);
            counts.refused = counts.refused.saturating_add(gone.refused());
            counts.denied = counts.denied.saturating_add(gone.denied());
            counts.silent_hosts = counts.silent_hosts.saturating_add(1);
        }
    }

    fn remove_row(&mut self, host: &str) -> Option<Partition> {
        self.tenants.leave(host);
        let gone = self.partitions.remove(host)?;
        self.gone_hosts.insert(host.to_owned());
        Some(gone)
    }

    /// Judges the patterns that have more hosts or more calls than when they were judged.
    pub(crate) fn judge_hosts(&mut self) {
        let mut due: Vec<(usize, String)> = Vec::new();
        for (pattern, group) in &mut self.tenants.groups {
            let calls =
                |host: &String| self.partitions.get(host).map_or(0, |p| p.totals().requests);
            let now = (
                group.hosts.len(),
                group.hosts.iter().map(calls).sum::<u64>(),
            );
            let known = group.judged;
            if now.0 != known.0 || now.1 > known.1 + known.1 / 4 {
                group.judged = now;
                due.push((now.0, pattern.clone()));
            }
        }
        // Of patterns that share hosts, the one with the most says most.
        due.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        for (_, pattern) in due {
            if let Some(fold) = self.found(&pattern) {
                self.fold(&fold);
            }
            if let Some(fold) = self.joined(&pattern) {
                self.fold(&fold);
            }
        }
    }

    /// What the hosts of a pattern prove to be, when they have no row in common yet.
    fn found(&mut self, pattern: &str) -> Option<Fold> {
        let tenants = &self.tenants;
        if tenants.row_for(pattern).is_some() || tenants.forbidden.contains(pattern) {
            return None;
        }
        let settings = &self.tenants.settings;
        let mut hosts = self.with_evidence(pattern);
        if hosts.len() < settings.min_hosts {
            return None;
        }
        // Those with the most evidence tell most; the name decides where they have as much.
        hosts.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(b.0)));
        hosts.truncate(settings.max_compared);
        let parts: Vec<&HostTemplates> = hosts.iter().map(|(_, one)| one.templates()).collect();
        let whole = HostTemplates::of_all(&self.settings.templates, &parts);
        let witnesses = witnesses(&hosts, pattern, &whole);
        let verdict = judge::judge(&witnesses, settings)?;
        let template = self.tenants.called(&name::named(pattern, TENANT));
        let (origin, reason) = (TenantOrigin::Traffic, verdict.reason);
        self.tenants
            .row(&template, origin, verdict.confidence, reason);
        Some(Fold {
            template,
            hosts: verdict.hosts,
        })
    }

    /// Further hosts of a pattern that has a row.
    fn joined(&self, pattern: &str) -> Option<Fold> {
        let row = self.tenants.rows.get(self.tenants.row_for(pattern)?)?;
        let templates = self.partitions.get(&row.template)?.templates();
        let hosts = self.with_evidence(pattern);
        let witnesses = witnesses(&hosts, pattern, templates);
        let service = judge::service_of(&templates.testimony(templates));
        let settings = &self.tenants.settings;
        let is_crowd = row.hosts.count() >= settings.many_hosts as u64;
        let joining = judge::joining(&witnesses, &service, is_crowd, settings);
        (!joining.is_empty()).then(|| Fold {
            template: row.template.clone(),
            hosts: joining.into_iter().map(str::to_owned).collect(),
        })
    }

    /// The hosts of a pattern that have shown an endpoint.
    fn with_evidence(&self, pattern: &str) -> Vec<(&str, &Partition)> {
        let group = self.tenants.groups.get(pattern);
        let hosts = group.into_iter().flat_map(|group| &group.hosts);
        hosts
            .filter_map(|host| {
                let partition = self.partitions.get(host)?;
                (!partition.is_empty()).then_some((host.as_str(), partition))
            })
            .collect()
    }

    /// Makes rows one.
    fn fold(&mut self, fold: &Fold) {
        self.make_row(&fold.template);
        let mut hosts: Vec<(Nanos, &String)> = Vec::new();
        for host in &fold.hosts {
            if let Some(one) = self.partitions.get(host).filter(|_| *host != fold.template) {
                hosts.push((one.totals().first_seen, host));
            }
        }
        // The oldest first: of endpoints that prove to be one, its stays.
        hosts.sort();
        let at = self
            .tenants
            .rows
            .iter()
            .position(|row| row.template == fold.template);
        for (_, host) in hosts {
            let Some(gone) = self.remove_row(host) else {
                continue;
            };
            let totals = gone.totals();
            let seen = (totals.requests, totals.first_seen, totals.last_seen);
            if let Some(at) = at.filter(|_| !self.tenants.is_row(host)) {
                self.tenants.join(host, at, seen);
            }
            for record in self.held.take(host) {
                self.held.keep_again(&fold.template, record);
            }
            if let Some(row) = self.partitions.get_mut(&fold.template) {
                row.absorb(gone, &self.settings);
            }
        }
        let rules = self.rules_of(&fold.template);
        if let Some(row) = self.partitions.get_mut(&fold.template) {
            row.settle_union(self.now, &self.settings);
            if !rules.is_empty() {
                row.set_template_rules(&rules, self.now, &self.settings);
            }
        }
        self.follow_moves(&fold.template);
        self.recount();
    }

    /// Follows what a person and the specifications say of hosts from now on.
    pub(crate) fn apply_given_hosts(&mut self) {
        self.tenants.give(&self.rules, &self.specifications);
        let tenants = &mut self.tenants;
        // What shall be apart, or whose template is none any more, has its own row from now on.
        for row in &mut tenants.rows {
            row.is_over = tenants.forbidden.contains(&row.pattern);
            let is_given = tenants
                .given
                .iter()
                .any(|(one, _)| name::pattern_of(one) == row.pattern);
            row.is_over |= row.origin != TenantOrigin::Traffic && !is_given;
        }
        for row in &tenants.rows {
            if let Some(partition) = self.partitions.get_mut(&row.template) {
                partition.touch();
            }
        }
        let (rows, apart) = (&tenants.rows, &tenants.apart);
        tenants.names.retain(|host, member| {
            rows.get(member.row).is_some_and(|row| !row.is_over) && !apart.contains(&**host)
        });
        let mut folds: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let hosts: Vec<String> = self.partitions.keys().cloned().collect();
        for host in hosts {
            if self.tenants.apart.contains(&host) {
                self.tenants.leave(&host);
            } else if host != OTHER_HOSTS && !self.tenants.is_row(&host) {
                self.tenants.note(&host);
            }
            let Some((template, origin)) = self.wanted_row(&host).filter(|(to, _)| *to != host)
            else {
                continue;
            };
            self.move_row(&host, &template, origin);
            folds.entry(template).or_default().push(host);
        }
        for (template, hosts) in folds {
            self.fold(&Fold { template, hosts });
        }
    }

    /// Where a row belongs by what is given: a host in a template, a template under its name.
    fn wanted_row(&self, host: &str) -> Option<(String, TenantOrigin)> {
        let tenants = &self.tenants;
        let Some(row) = tenants.rows.iter().find(|row| row.template == host) else {
            let apart = tenants.apart.contains(host) || host == OTHER_HOSTS;
            return tenants.given_for(host).filter(|_| !apart);
        };
        if row.is_over {
            return None;
        }
        let same = |(one, _): &&(String, TenantOrigin)| name::pattern_of(one) == row.pattern;
        let given = tenants.given.iter().find(same);
        let (template, origin) = given.map_or((&row.template, row.origin), |(t, o)| (t, *o));
        Some((tenants.called(template), origin))
    }

    /// Prepares a row for what becomes part of it; the members of a renamed one come along.
    fn move_row(&mut self, from: &str, template: &str, origin: TenantOrigin) {
        let old = self
            .tenants
            .rows
            .iter()
            .position(|row| row.template == from);
        let known = old.and_then(|at| self.tenants.rows.get(at));
        let (confidence, reason, hosts) = match known {
            Some(row) if origin == TenantOrigin::Traffic => {
                (row.confidence, row.reason.clone(), row.hosts.clone())
            }
            Some(row) => (1.0, super::given_reason(origin), row.hosts.clone()),
            None => (
                1.0,
                super::given_reason(origin),
                crate::inventory::distinct::Distinct::default(),
            ),
        };
        let new = self.tenants.row(template, origin, confidence, reason);
        if let Some(row) = self.tenants.rows.get_mut(new) {
            row.hosts.merge(&hosts, super::EXACT);
        }
        let Some(old) = old else {
            return;
        };
        for member in self
            .tenants
            .names
            .values_mut()
            .filter(|member| member.row == old)
        {
            member.row = new;
        }
        if let Some(row) = self.tenants.rows.get_mut(old).filter(|_| old != new) {
            // It is the other one now, whatever is given.
            row.pattern.clear();
        }
    }
}

fn witnesses<'a>(
    hosts: &[(&'a str, &'a Partition)],
    pattern: &str,
    whole: &HostTemplates,
) -> Vec<Witness<'a>> {
    let label = |host: &'a str| {
        let labels = host.split('.').zip(pattern.split('.'));
        let mut at_hole = labels.filter(|(_, wanted)| *wanted == name::HOLE);
        at_hole.next().map_or("", |(label, _)| label)
    };
    hosts
        .iter()
        .map(|(host, partition)| Witness {
            host,
            label: label(host),
            said: partition.templates().testimony(whole),
            servers: partition.servers(),
        })
        .collect()
}
