//! What the analyzer holds, in bytes, and what it gives up when that is more than its share of the
//! cap on memory: what is missed least goes first, and is counted.
//!
//! Things are weighed where they are held, roughly and not at every exchange; the sum is taken and
//! judged once in so many records, so that a replay does the same again.

use crate::Analyzer;
use crate::snapshot::EndpointId;

/// Records between two looks at what is held, at least.
const RECORDS_PER_LOOK: u64 = 4_096;

/// What is held after something was given up, in parts of [`WHOLE`] of what may be: some room at
/// once, instead of a little at every look.
const RELIEVED: usize = 15;
const WHOLE: usize = 16;

/// Part of what may be held from which on it is looked at more closely.
const NEAR: usize = 2;

/// What a finding takes, with its evidence, and as readers are shown it.
const FINDING_COST: usize = 4_096;

/// Bytes held, by part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Endpoints with their schemas and parameters, also as readers are shown them.
    pub endpoints: usize,
    /// What templates are learned from.
    pub templates: usize,
    /// Who calls.
    pub consumers: usize,
    /// Exchanges that wait for their endpoint.
    pub waiting: usize,
    /// Shapes of bodies that are kept ready.
    pub outlines: usize,
    /// Findings.
    pub findings: usize,
}

impl Memory {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> usize {
        let parts = self.parts().into_iter().map(|(_, bytes)| bytes);
        parts.fold(0, usize::saturating_add)
    }

    /// The parts by name.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, usize); 6] {
        [
            ("endpoints", self.endpoints),
            ("templates", self.templates),
            ("consumers", self.consumers),
            ("waiting_records", self.waiting),
            ("outlines", self.outlines),
            ("findings", self.findings),
        ]
    }
}

/// What was given up for want of memory.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct GivenUp {
    /// Hosts of which no endpoint was known.
    pub(crate) hosts: u64,
    /// Exchanges that waited for an endpoint of these.
    pub(crate) records: u64,
    /// Endpoints that lost their schemas.
    pub(crate) schemas: u64,
    /// Consumers.
    pub(crate) consumers: u64,
}

impl Analyzer {
    /// A: what is held, as of the last look.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        self.memory
    }

    /// A: what may be held.
    #[must_use]
    pub const fn memory_max(&self) -> usize {
        self.settings.inventory.memory_bytes_max
    }

    /// Looks at what is held when enough records came in since.
    pub(crate) fn look_at_memory(&mut self) {
        if self.counts.records < self.next_look {
            return;
        }
        // A look costs a few nanoseconds for each thing that is known.
        let known = (self.endpoints + self.consumers.len()) as u64;
        self.next_look = self.counts.records + RECORDS_PER_LOOK.max(known);
        self.memory = self.weigh();
        let limit = self.settings.inventory.memory_bytes_max;
        if self.memory.total() > limit / NEAR {
            // What waits holds some memory, and what waits hangs on who looked when: where it might
            // matter, nothing waits.
            for partition in self.partitions.values_mut() {
                partition.take_waiting(&self.settings.inventory);
            }
            self.memory = self.weigh();
        }
        if self.memory.total() > limit {
            self.relieve(self.memory.total() - limit / WHOLE * RELIEVED);
            self.memory = self.weigh();
        }
    }

    fn weigh(&self) -> Memory {
        let mut memory = Memory {
            consumers: self.consumers.bytes() + self.proxies.bytes() + self.programs.bytes(),
            waiting: self.held.bytes(),
            outlines: self.sayings.bytes(),
            findings: self.findings.len() * FINDING_COST,
            ..Memory::default()
        };
        for partition in self.partitions.values() {
            memory.endpoints += partition.endpoint_bytes();
            memory.templates += partition.template_bytes();
        }
        memory
    }

    /// Gives up what is missed least, until so many bytes are free: hosts that have shown no
    /// endpoint, then schemas of the endpoints that are called least, then the consumers silent
    /// longest. What is left beyond that is bounded by number.
    fn relieve(&mut self, bytes: usize) {
        let mut left = bytes;
        left = left.saturating_sub(self.give_up_hosts(left));
        left = left.saturating_sub(self.give_up_schemas(left));
        let gone = self.consumers.give_up(left);
        self.given_up.consumers = self.given_up.consumers.saturating_add(gone);
    }

    fn give_up_hosts(&mut self, bytes: usize) -> usize {
        let empty = self.partitions.iter().filter(|(_, one)| one.is_empty());
        let mut by_age: Vec<(i64, String)> = empty
            .map(|(name, one)| (one.totals().last_seen, name.clone()))
            .collect();
        by_age.sort_unstable();
        let mut freed = 0;
        for (_, name) in by_age {
            if freed >= bytes {
                break;
            }
            if let Some(gone) = self.partitions.remove(&name) {
                freed += gone.template_bytes();
                let waiting = self.held.take(&name).len() as u64;
                self.given_up.records = self.given_up.records.saturating_add(waiting);
                self.given_up.hosts = self.given_up.hosts.saturating_add(1);
            }
        }
        freed
    }

    fn give_up_schemas(&mut self, bytes: usize) -> usize {
        if bytes == 0 {
            return 0;
        }
        let mut by_use: Vec<(u64, i64, EndpointId, String)> = Vec::new();
        for (host, partition) in &self.partitions {
            let with_schemas = partition.entries().filter(|entry| entry.has_schemas());
            by_use.extend(with_schemas.map(|entry| {
                let id = entry.at.id;
                (entry.requests, entry.last_seen, id, host.clone())
            }));
        }
        by_use.sort_unstable();
        let mut freed = 0;
        for (_, _, id, host) in by_use {
            if freed >= bytes {
                break;
            }
            if let Some(partition) = self.partitions.get_mut(&host) {
                freed += partition.give_up_schemas(id);
                self.given_up.schemas = self.given_up.schemas.saturating_add(1);
            }
        }
        freed
    }
}
