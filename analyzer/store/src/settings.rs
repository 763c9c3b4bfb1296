//! Every cap of the store, with its reason.

use core::time::Duration;

/// Settings; the defaults are what is recommended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoreSettings {
    /// How long a statement waits for another connection's lock. Readers never block in WAL mode
    /// and there is one writer, so only a checkpoint or a foreign tool can be in the way.
    pub busy_timeout: Duration,
    /// How long minutes are kept, counted back from the latest packet: enough to compare a month
    /// with the one before.
    pub minutes_retention: Duration,
    /// Minutes kept at most, whatever their age, about 90 bytes each (so about 900 MB): a week of
    /// a thousand endpoints that are never silent. It also holds when packet times are wrong.
    pub minutes_rows_max: u64,
    /// Minutes removed by one save at most, so that no save takes notably longer than others.
    pub minutes_pruned_max: u64,
    /// Saves between two looks at what to remove: about ten minutes at a save a second, since the
    /// look counts all rows.
    pub saves_between_prunes: u64,
    /// Revisions kept of one specification: a year of fortnightly releases. The oldest go first.
    pub revisions_max: u32,
    /// KiB of SQLite's page cache: holds the inner pages of an inventory of 100,000 endpoints.
    pub cache_kib: u32,
    /// Bytes to which the write-ahead log is cut after a checkpoint; it grows beyond this only
    /// within one large save.
    pub wal_bytes_max: u64,
}

/// KiB of the page cache however little memory there is: the inner pages of a few thousand rows.
const CACHE_KIB_MIN: u32 = 1 << 10;

impl StoreSettings {
    /// Takes the store's part of the cap on memory, a sixty-fourth.
    pub fn divide_memory(&mut self, bytes: usize) {
        let share = u32::try_from(bytes / 64 / 1024).unwrap_or(u32::MAX);
        self.cache_kib = self.cache_kib.min(share).max(CACHE_KIB_MIN);
    }
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(5),
            minutes_retention: Duration::from_secs(62 * 24 * 3600),
            minutes_rows_max: 10_000_000,
            minutes_pruned_max: 20_000,
            saves_between_prunes: 600,
            revisions_max: 26,
            cache_kib: 4 << 10,
            wal_bytes_max: 64 << 20,
        }
    }
}
