//! What changed since it was last taken, for the store and the readers: what must not be lost at
//! once, full snapshots of busy endpoints in turns.

use crate::Analyzer;
use crate::inventory::partition::Partition;
use crate::snapshot::Changes;

impl Analyzer {
    /// A: whether something changed that must not be lost: an endpoint is new, a finding is new or
    /// open again.
    #[must_use]
    pub fn has_urgent_changes(&self) -> bool {
        self.findings.is_urgent() || self.partitions.values().any(Partition::is_urgent)
    }

    /// A: whether endpoints or consumers wait to be taken: a caller that stops taking changes when
    /// nothing comes in goes on while this holds.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.consumers.has_changes() || self.partitions.values().any(Partition::has_changes)
    }

    /// D: what changed since the last call. Endpoints that are new or changed their name are always
    /// in it; of those that merely got more traffic, and of consumers, as many as a short save
    /// allows, in turn. The hosts' own state, which is large, is in it from time to time only.
    pub fn take_changes(&mut self) -> Changes {
        self.changes(false, self.room())
    }

    /// D: what [`take_changes`](Self::take_changes) gives, with as few endpoints that may wait as
    /// keep it short however many records came in: of a file, which can be read again.
    pub fn take_few_changes(&mut self) -> Changes {
        self.changes(false, self.settings.inventory.save_endpoints)
    }

    /// D: what must not be lost of what changed: endpoints that are new or changed their name, and
    /// findings. Small, so that it can be taken often.
    pub fn take_urgent_changes(&mut self) -> Changes {
        let mut changes = Changes {
            now: self.now,
            ..Changes::default()
        };
        for partition in self.partitions.values_mut() {
            partition.take_urgent_changes(&mut changes, &self.settings);
        }
        (changes.findings, _) = self.findings.take_changes();
        changes
    }

    /// D: all that changed and was not taken yet, with the state of all hosts that changed: what to
    /// save before stopping.
    pub fn flush_changes(&mut self) -> Changes {
        self.conclude();
        self.flush_some(usize::MAX)
    }

    /// C: nothing more comes: brings out what is held back, and judges everything once more.
    pub fn conclude(&mut self) {
        self.settle(true);
        for partition in self.partitions.values_mut() {
            partition.review_all(self.now, &self.settings);
        }
    }

    /// D: all that changed, as [`flush_changes`](Self::flush_changes) gives it, with so many
    /// endpoints at most: to save part by part what was [concluded](Self::conclude), as long as
    /// there [are changes](Self::has_changes), so that not all of it is copied at once.
    pub fn flush_some(&mut self, endpoints: usize) -> Changes {
        self.changes(true, endpoints)
    }

    /// What changed, with so many of the endpoints that may wait: what a short save allows, or
    /// everything.
    fn changes(&mut self, all: bool, mut room: usize) -> Changes {
        let mut changes = Changes {
            now: self.now,
            ..Changes::default()
        };
        let consumers = if all {
            usize::MAX
        } else {
            self.settings.inventory.save_consumers
        };
        // The host that was the last to have room goes first.
        let turn = core::mem::take(&mut self.turn);
        let (before, after): (Vec<_>, Vec<_>) = self
            .partitions
            .iter_mut()
            .partition(|(name, _)| **name < turn);
        for (name, partition) in after.into_iter().chain(before) {
            if room > 0 {
                self.turn.clone_from(name);
            }
            partition.take_changes(&mut changes, all, &mut room, &self.settings);
        }
        let (findings, urgent) = self.findings.take_changes();
        changes.findings = findings;
        changes.urgent |= urgent;
        changes.consumers = self.consumers.take_changes(consumers);
        for host in &mut changes.hosts {
            self.tenants.describe(host);
        }
        changes.removed_hosts = core::mem::take(&mut self.gone_hosts).into_iter().collect();
        self.saved = self.counts.records;
        changes
    }

    /// How many endpoints that may wait are in one saving.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a small share of a count; a rough number is all that is asked for"
    )]
    fn room(&self) -> usize {
        let inventory = &self.settings.inventory;
        let since = self.counts.records.saturating_sub(self.saved);
        let share = since as f64 * inventory.save_endpoints_share;
        inventory.save_endpoints.max(share as usize)
    }
}
