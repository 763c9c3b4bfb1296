//! What is said of how the run goes: what the sensor reports, with what the analyzer, the store and
//! the exchange log add.

use std::time::Instant;

use anyhow::Result;
use tapscope_dashboard_api::StoreState;
use tapscope_record::{Counter, HealthReport, MemoryAccount};
use tapscope_store::Store as _;

use super::Engine;
use crate::memory;

/// Stages whose counters are added here.
const OWN_STAGES: [&str; 3] = ["analyzer", "exchange_log", "store"];

/// The report that a store held, as the sensor gave it: what is added here is said anew.
pub(super) fn restored(mut report: HealthReport) -> HealthReport {
    let is_own = |counter: &Counter| OWN_STAGES.contains(&counter.stage.as_str());
    report.counters.retain(|counter| !is_own(counter));
    let is_own = |name: &str| name.starts_with("analyzer") || matches!(name, "legs" | "process");
    report.memory.retain(|account| !is_own(&account.name));
    report
}

impl Engine {
    /// Keeps the health report beside the inventory that it is about.
    pub(super) fn save_health(&mut self) -> Result<()> {
        self.health_saved = Instant::now();
        let report = self.report();
        if let Some(store) = self.store.as_mut().filter(|_| self.health_is_new) {
            store.save_health(&report)?;
            self.health_is_new = false;
        }
        Ok(())
    }

    /// Shows how the run goes, and how the store is doing.
    pub(super) fn show_health(&self, store_error: Option<String>) {
        if self.store.is_some() {
            self.view.set_store(StoreState {
                path: self.store_path.clone(),
                last_saved: self.last_saved,
                pending: self.unsaved.endpoints.len() as u64 + self.unsaved.findings.len() as u64,
                error: store_error,
            });
        }
        self.view.set_health(self.report());
    }

    /// What the sensor says, with what is to be said of the analyzer and the store.
    fn report(&self) -> HealthReport {
        let mut report = self.health.clone();
        report.memory.extend(self.memory());
        report.memory.extend(memory::of_process(self.memory_bytes));
        let own = self.analyzer.counters();
        let own = own
            .into_iter()
            .chain(self.legs.counters())
            .map(|(name, reason, value)| Counter {
                stage: "analyzer".to_owned(),
                name,
                reason,
                value,
            });
        report.counters.extend(own);
        if let Some(log) = &self.log {
            report.counters.push(Counter {
                stage: "exchange_log".to_owned(),
                name: "lines_dropped".to_owned(),
                reason: None,
                value: log.dropped,
            });
        }
        if self.store.is_some() {
            report.counters.push(Counter {
                stage: "store".to_owned(),
                name: "saves_failed".to_owned(),
                reason: None,
                value: self.store_failures,
            });
        }
        report
    }

    /// What the analyzer holds: all of it beside its share, and its parts.
    fn memory(&self) -> impl Iterator<Item = MemoryAccount> {
        let account = |name: &str, bytes: usize, bytes_max: usize| MemoryAccount {
            name: name.to_owned(),
            bytes: bytes as u64,
            bytes_max: bytes_max as u64,
        };
        let (held, legs) = (self.analyzer.memory(), self.legs.memory());
        let whole = [
            account("analyzer", held.total(), self.analyzer.memory_max()),
            account("legs", legs.0, legs.1),
        ];
        let parts = held.parts().into_iter();
        let parts = parts.map(move |(name, bytes)| account(&format!("analyzer_{name}"), bytes, 0));
        whole.into_iter().chain(parts)
    }
}
