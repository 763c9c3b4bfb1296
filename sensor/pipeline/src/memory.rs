//! One cap on memory: how it is divided, what a worker holds of it, and when it is short.
//!
//! Each part counts the bytes that it retains as they come and go, and keeps to its share by
//! letting go of what is least useful; so the sum keeps to the cap without anybody watching it.
//! Near the end of the shares that established connections live on, the worker goes into its
//! emergency mode, in which these are kept and new demands are not met. It judges on steps of
//! packet time, so that a replay does the same again.

use tapscope_flow::FlowTable;
use tapscope_http::HttpStage;
use tapscope_record::MemoryAccount;

use crate::worker::WorkerSettings;

/// The cap when nobody sets one: a quarter of a million open connections fit.
pub const MEMORY_BYTES_DEFAULT: usize = 1 << 30;

/// The least that makes sense: some ten thousand connections and a few long heads.
pub const MEMORY_BYTES_MIN: usize = 64 << 20;

/// An account this full brings the emergency about, and one that is below the second figure again
/// ends it: in parts of [`WHOLE`]. Between them nothing changes, so that it does not flutter.
const EMERGENCY_BEGINS: u64 = 90;
const EMERGENCY_ENDS: u64 = 75;
const WHOLE: u64 = 100;

/// What a connection takes in all stages while nothing is held for it.
const CONNECTION_COST: usize = FlowTable::CONNECTION_COST + HttpStage::CONNECTION_COST;

impl WorkerSettings {
    /// Divides the cap among the parts of the sensor. What is left is for the analyzer and for
    /// what no account counts: code, rings' bookkeeping, the allocator's waste.
    pub fn divide_memory(&mut self, bytes: usize) {
        // Established connections are what everything else is for.
        self.flow.connections_max = (bytes / 32 * 15 / CONNECTION_COST).max(16);
        self.flow.half_open_bytes_max = bytes / 32;
        self.flow.held_bytes_max = bytes / 16;
        self.flow.held_bytes_per_connection_max = (1 << 20).min(bytes / 128);
        self.http.held_bytes_max = bytes / 8;
        self.decap.fragment_bytes_max = bytes / 256;
    }
}

/// The accounts of a worker, and whether memory is short.
#[derive(Debug, Default)]
pub(crate) struct Pressure {
    is_emergency: bool,
    /// Times that memory became short.
    emergencies: u64,
    /// Times that it was so no longer.
    ended: u64,
}

impl Pressure {
    /// B: the accounts as they are; tells when the emergency begins or ends.
    pub(crate) fn judge(&mut self, accounts: &[Account]) -> Option<bool> {
        let filled = |share: u64| {
            let vital = accounts.iter().filter(|account| account.is_vital);
            let mut filled = vital.map(|a| a.bytes.saturating_mul(WHOLE) >= a.bytes_max * share);
            filled.any(|filled| filled)
        };
        let limit = if self.is_emergency {
            EMERGENCY_ENDS
        } else {
            EMERGENCY_BEGINS
        };
        let is_short = filled(limit);
        if is_short == self.is_emergency {
            return None;
        }
        self.is_emergency = is_short;
        self.emergencies += u64::from(is_short);
        self.ended += u64::from(!is_short);
        Some(is_short)
    }

    /// A: times that memory became short.
    pub(crate) const fn emergencies(&self) -> u64 {
        self.emergencies
    }

    /// A: times that it was so no longer; one fewer than the above while it is.
    pub(crate) const fn ended(&self) -> u64 {
        self.ended
    }
}

/// What one part holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: &'static str,
    pub(crate) bytes: u64,
    pub(crate) bytes_max: u64,
    /// Whether established connections live on it: a flood that fills another account is that
    /// account's own business.
    pub(crate) is_vital: bool,
}

impl Account {
    pub(crate) const fn new(name: &'static str, bytes: usize, bytes_max: usize) -> Self {
        Self {
            name,
            bytes: bytes as u64,
            bytes_max: bytes_max as u64,
            is_vital: false,
        }
    }

    pub(crate) const fn vital(mut self) -> Self {
        self.is_vital = true;
        self
    }
}

impl From<Account> for MemoryAccount {
    fn from(account: Account) -> Self {
        Self {
            name: account.name.to_owned(),
            bytes: account.bytes,
            bytes_max: account.bytes_max,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_fit_into_the_cap() {
        for bytes in [MEMORY_BYTES_MIN, MEMORY_BYTES_DEFAULT, 16 << 30] {
            let mut settings = WorkerSettings::default();
            settings.divide_memory(bytes);
            let sum = settings.flow.connections_max * CONNECTION_COST
                + settings.flow.half_open_bytes_max
                + settings.flow.held_bytes_max
                + settings.http.held_bytes_max
                + settings.decap.fragment_bytes_max;
            assert!(sum <= bytes / 10 * 7, "{sum} of {bytes}");
        }
        let mut settings = WorkerSettings::default();
        settings.divide_memory(MEMORY_BYTES_DEFAULT);
        // Room for what the default promises, before memory counts as short.
        let count = settings.flow.connections_max;
        assert!(
            count * 9 / 10 >= 250_000,
            "{count} of {CONNECTION_COST} bytes"
        );
    }

    #[test]
    fn an_emergency_begins_and_ends_with_room_between() {
        let mut pressure = Pressure::default();
        let vital = |bytes| [Account::new("connections", bytes, 1000).vital()];
        assert_eq!(
            pressure.judge(&[Account::new("half_open", 1000, 1000)]),
            None
        );
        assert_eq!(pressure.judge(&vital(899)), None);
        assert_eq!(pressure.judge(&vital(900)), Some(true));
        assert_eq!(pressure.judge(&vital(760)), None);
        assert_eq!(pressure.judge(&vital(749)), Some(false));
        assert_eq!(pressure.judge(&vital(800)), None);
        assert_eq!((pressure.emergencies(), pressure.ended()), (1, 1));
    }
}
