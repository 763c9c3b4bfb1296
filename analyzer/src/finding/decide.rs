//! What people decided on findings, and when a finding opens again.

use std::collections::BTreeMap;

use super::FindingBook;
use crate::UnknownFinding;
use crate::anomaly::Basis;
use crate::settings::FindingSettings;
use crate::snapshot::{FindingId, FindingSnapshot, FindingStatus, Nanos, StatusChange};

impl FindingBook {
    /// A person's decision.
    ///
    /// # Errors
    /// When there is no such finding.
    pub fn set_status(
        &mut self,
        id: FindingId,
        status: FindingStatus,
        comment: &str,
        at: Nanos,
        settings: &FindingSettings,
    ) -> Result<(), UnknownFinding> {
        let finding = self.findings.get_mut(&id).ok_or(UnknownFinding)?;
        let comment: String = comment.chars().take(settings.max_comment).collect();
        change(finding, status, comment, at, settings);
        self.changed.insert(id);
        self.urgent = true;
        Ok(())
    }
}

/// How much of a detector's confidence is left at that coverage: what rests on counting is as sure
/// as the counting is whole.
pub(super) fn coverage_factor(basis: Basis, coverage: f64) -> f64 {
    match basis {
        Basis::Seen => 1.0,
        Basis::Counted => coverage.clamp(0.0, 1.0),
    }
}

/// Whether nobody needs to look at it any more.
pub(super) fn closed(status: FindingStatus) -> bool {
    !matches!(status, FindingStatus::Open | FindingStatus::Acknowledged)
}

/// Opens a resolved finding that recurs. What was judged to be none, or accepted, stays so.
pub(super) fn reopen(finding: &mut FindingSnapshot, at: Nanos, settings: &FindingSettings) -> bool {
    if finding.status != FindingStatus::Resolved {
        return false;
    }
    let comment = "It was seen again.".to_owned();
    change(finding, FindingStatus::Open, comment, at, settings);
    true
}

/// Joins the finding `gone` to `other`, which is about the same: their endpoints proved to be one.
pub(super) fn unite(
    findings: &mut BTreeMap<FindingId, FindingSnapshot>,
    gone: FindingId,
    other: FindingId,
) {
    let Some(old) = findings.get_mut(&gone) else {
        return;
    };
    let from = old.status;
    if !closed(from) {
        old.status = FindingStatus::Resolved;
        old.history.push(StatusChange {
            at: old.last_seen,
            from,
            to: FindingStatus::Resolved,
            comment: "Its endpoint proved to be the same as another one, whose finding goes on."
                .to_owned(),
        });
    }
    let old = old.clone();
    if let Some(survivor) = findings.get_mut(&other) {
        survivor.occurrences = survivor.occurrences.saturating_add(old.occurrences);
        survivor.first_seen = survivor.first_seen.min(old.first_seen);
        survivor.last_seen = survivor.last_seen.max(old.last_seen);
        survivor.severity = survivor.severity.max(old.severity);
    }
}

fn change(
    finding: &mut FindingSnapshot,
    to: FindingStatus,
    comment: String,
    at: Nanos,
    settings: &FindingSettings,
) {
    let from = finding.status;
    finding.status = to;
    finding.history.push(StatusChange {
        at,
        from,
        to,
        comment,
    });
    let surplus = finding
        .history
        .len()
        .saturating_sub(settings.max_history.max(1));
    finding.history.drain(..surplus);
}
