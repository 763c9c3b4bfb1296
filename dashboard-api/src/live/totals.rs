//! Sums over all endpoints and findings, kept up to date by each change, so that the overview
//! costs the same with ten endpoints or a hundred thousand.
//!
//! What was added for an entry is subtracted again when the entry is replaced or goes, so the
//! sums always equal those over what is published (a test compares them).

use std::collections::BTreeMap;

use tapscope_analyzer::snapshot::{FindingSnapshot, FindingStatus, MinuteSnapshot, Nanos};

use super::entry::EndpointEntry;
use crate::view::endpoint::Lifecycle;
use crate::view::finding::Severity;

/// Minutes of the overview.
pub const MINUTES_SHOWN: usize = 60;

/// Minutes kept: twice those shown, so that endpoints that go do not leave holes at the start.
const MINUTES_KEPT: usize = 2 * MINUTES_SHOWN;

/// Name of the class of an exchange whose response was not seen.
pub const UNSEEN: &str = "unseen";

/// One minute over all endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MinuteTotals {
    /// Requests.
    pub requests: u64,
    /// Responses 400 to 499.
    pub client_errors: u64,
    /// Responses 500 to 599.
    pub server_errors: u64,
}

/// The sums.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Exchanges.
    pub requests: u64,
    /// Endpoints by lifecycle.
    pub lifecycle: BTreeMap<Lifecycle, u64>,
    /// Endpoints by each label that holds for them.
    pub labels: BTreeMap<Lifecycle, u64>,
    /// Endpoints by dominant scheme.
    pub authentication: BTreeMap<String, u64>,
    /// Endpoints by class of data.
    pub data_classes: BTreeMap<String, u64>,
    /// Exchanges by class of status.
    pub statuses: BTreeMap<&'static str, u64>,
    /// Exchanges by completeness.
    pub completeness: BTreeMap<String, u64>,
    /// Endpoints by host.
    pub hosts: BTreeMap<String, u64>,
    /// Open findings by severity.
    pub findings_open: BTreeMap<Severity, u64>,
    /// The most recent minutes with traffic.
    minutes: BTreeMap<Nanos, MinuteTotals>,
    /// Minutes before this one were dropped and are not taken up again.
    minutes_floor: Option<Nanos>,
}

/// Whether something comes or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Plus,
    Minus,
}

impl Sign {
    /// Adds `n` to, or takes it from, `sum`.
    fn apply(self, sum: &mut u64, n: u64) {
        *sum = match self {
            Self::Plus => sum.saturating_add(n),
            Self::Minus => sum.saturating_sub(n),
        };
    }

    /// The same for an entry of a map; an entry that comes to 0 goes.
    fn apply_to<K: Ord>(self, sums: &mut BTreeMap<K, u64>, key: K, n: u64) {
        if n == 0 {
            return;
        }
        let mut entry = match sums.entry(key) {
            std::collections::btree_map::Entry::Vacant(entry) => entry.insert_entry(0),
            std::collections::btree_map::Entry::Occupied(entry) => entry,
        };
        self.apply(entry.get_mut(), n);
        if *entry.get() == 0 {
            entry.remove();
        }
    }
}

impl Totals {
    /// An endpoint is new, or replaces what it was before.
    pub fn replace_endpoint(&mut self, before: Option<&EndpointEntry>, after: &EndpointEntry) {
        if let Some(before) = before {
            self.count(Sign::Minus, before);
            // Minutes that only fell off the end of the endpoint's list still happened.
            let first_kept = after
                .snapshot
                .minutes
                .first()
                .map_or(Nanos::MAX, |m| m.minute);
            let replaced = before
                .snapshot
                .minutes
                .iter()
                .filter(|m| m.minute >= first_kept);
            if before.snapshot.transport.is_none() {
                self.count_minutes(Sign::Minus, replaced);
            }
        }
        self.count(Sign::Plus, after);
        if after.snapshot.transport.is_none() {
            self.count_minutes(Sign::Plus, after.snapshot.minutes.iter());
        }
    }

    /// An endpoint is gone.
    pub fn remove_endpoint(&mut self, before: &EndpointEntry) {
        self.count(Sign::Minus, before);
        if before.snapshot.transport.is_none() {
            self.count_minutes(Sign::Minus, before.snapshot.minutes.iter());
        }
    }

    /// A finding is new, or replaces what it was before.
    pub fn replace_finding(&mut self, before: Option<&FindingSnapshot>, after: &FindingSnapshot) {
        for (sign, finding) in [(Sign::Minus, before), (Sign::Plus, Some(after))] {
            let open = finding.filter(|finding| finding.status == FindingStatus::Open);
            if let Some(finding) = open {
                sign.apply_to(&mut self.findings_open, finding.severity.into(), 1);
            }
        }
    }

    /// The last [`MINUTES_SHOWN`] minutes with traffic, ascending.
    pub fn minutes(&self) -> impl Iterator<Item = (Nanos, MinuteTotals)> {
        let surplus = self.minutes.len().saturating_sub(MINUTES_SHOWN);
        self.minutes
            .iter()
            .skip(surplus)
            .map(|(minute, totals)| (*minute, *totals))
    }

    fn count(&mut self, sign: Sign, entry: &EndpointEntry) {
        let snapshot = &entry.snapshot;
        sign.apply_to(&mut self.lifecycle, entry.lifecycle, 1);
        for label in entry.labels() {
            sign.apply_to(&mut self.labels, label, 1);
        }
        sign.apply_to(&mut self.authentication, entry.authentication.clone(), 1);
        sign.apply_to(&mut self.hosts, snapshot.host.clone(), 1);
        for class in &entry.data_classes {
            sign.apply_to(&mut self.data_classes, class.clone(), 1);
        }
        // An operation's exchanges are counted with the endpoint that carries it.
        if snapshot.transport.is_some() {
            return;
        }
        sign.apply(&mut self.requests, snapshot.requests);
        for (&status, &n) in &snapshot.statuses {
            sign.apply_to(&mut self.statuses, status_class(status), n);
        }
        for (completeness, n) in snapshot.completeness.iter() {
            sign.apply_to(&mut self.completeness, completeness.to_owned(), n);
        }
    }

    fn count_minutes<'a>(&mut self, sign: Sign, minutes: impl Iterator<Item = &'a MinuteSnapshot>) {
        for minute in minutes {
            if self
                .minutes_floor
                .is_some_and(|floor| minute.minute < floor)
            {
                continue;
            }
            let totals = self.minutes.entry(minute.minute).or_default();
            sign.apply(&mut totals.requests, minute.requests);
            sign.apply(&mut totals.client_errors, minute.client_errors);
            sign.apply(&mut totals.server_errors, minute.server_errors);
            if *totals == MinuteTotals::default() {
                self.minutes.remove(&minute.minute);
            }
        }
        while sign == Sign::Plus && self.minutes.len() > MINUTES_KEPT {
            self.minutes.pop_first();
            self.minutes_floor = self.minutes.keys().next().copied();
        }
    }
}

/// The class of a status.
const fn status_class(status: u16) -> &'static str {
    match status {
        0 => UNSEEN,
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        500..=599 => "5xx",
        _ => "other",
    }
}
