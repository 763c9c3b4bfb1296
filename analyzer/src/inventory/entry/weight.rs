//! What an endpoint takes in memory, roughly, with what readers are shown of it.

use super::{Entry, Seen, waiting};
use crate::inventory::tally::Tally;
use crate::settings::InventorySettings;

/// What every endpoint has: names, reasons, its baseline, its labels; and as readers are shown it,
/// two dozen small maps.
pub(super) const FIXED: usize = 12 << 10;

/// What an endpoint takes at least.
pub const BYTES_MIN: usize = size_of::<Entry>() + FIXED;

/// What readers are shown of a field and of a parameter, and what a parameter takes itself.
const SHOWN_FIELD: usize = 24;
const PARAMETER: usize = 1_400;

/// Exchanges between two weighings of an endpoint; the first ones, which bring most, are followed
/// more closely.
const EXCHANGES: u64 = 64;

impl Entry {
    /// Bytes held, when that was last added up.
    #[must_use]
    pub const fn weight(&self) -> usize {
        self.weight
    }

    /// Whether there are schemas.
    #[must_use]
    pub fn has_schemas(&self) -> bool {
        !self.seen.schemas.is_empty()
    }

    /// Lets the schemas go, and looks at no bodies until the endpoint is called several times as
    /// often as it was. Nothing waits.
    pub fn give_up_schemas(&mut self) {
        self.seen.schemas.give_up(self.requests);
        self.weigh();
    }

    pub(super) fn weigh_when_due(&mut self, settings: &InventorySettings) {
        if self.requests.is_power_of_two() || self.requests.is_multiple_of(EXCHANGES) {
            self.take_waiting(settings);
            self.weigh();
        }
    }

    pub(super) fn weigh(&mut self) {
        self.weight = BYTES_MIN + waiting::BYTES + self.seen.bytes();
    }
}

impl Seen {
    /// Bytes held beside itself.
    fn bytes(&self) -> usize {
        let tallies = [
            &self.authentication,
            &self.request_types,
            &self.response_types,
            &self.credentials,
            &self.servers,
            &self.protocols,
            &self.completeness,
            &self.feeds,
            &self.vantage_points,
        ];
        let tallies: usize = tallies.into_iter().map(Tally::bytes).sum();
        let distributions = [&self.latency, &self.request_size, &self.response_size];
        // Once here, and as readers are shown it in numbers four times as wide.
        let distributions: usize = distributions.into_iter().map(|one| one.bytes() * 3).sum();
        tallies * 2
            + distributions
            + self.schemas.bytes()
            + self.schemas.fields() * SHOWN_FIELD
            + self.parameters.len() * PARAMETER
            + self.callers.len() * size_of::<(u64, u64)>() * 2
            + self.consumers.bytes() * 2
            + self.minutes.bytes() * 2
    }
}
