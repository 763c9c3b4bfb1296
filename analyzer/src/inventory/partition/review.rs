//! Comparing endpoints with the specifications that describe them: too dear for each exchange, so
//! it is done when enough of them came in, and at the end.

use super::Partition;
use crate::settings::AnalyzerSettings;
use crate::snapshot::{EndpointId, Nanos};

impl Partition {
    /// Compares one endpoint with its specification, and draws its labels anew.
    pub(super) fn review(&mut self, id: EndpointId, now: Nanos, settings: &AnalyzerSettings) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        let snapshot = entry.snapshot(&settings.inventory);
        let drift = self.coverage.drift(&snapshot, &settings.drift);
        entry.set_drift(drift);
        entry.relabel(self.totals.sight(), now, settings);
        self.changes.due.touch(id);
    }

    /// Compares all endpoints of which more was seen than when they were last compared.
    pub fn review_all(&mut self, now: Nanos, settings: &AnalyzerSettings) {
        let due = self.entries.iter();
        let due = due.filter(|(_, entry)| entry.is_review_overdue());
        let mut ids: Vec<EndpointId> = due.map(|(id, _)| *id).collect();
        ids.sort_unstable();
        for id in ids {
            self.review(id, now, settings);
        }
    }
}
