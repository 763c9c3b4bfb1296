//! Programs behind one address, told apart by what their software sends (the record's
//! fingerprint). That is no name of anybody: two of a kind are one, and an update makes another.
//! So calls are told apart by it only where nothing better is known and several programs take
//! turns at an address; one that follows the other is an update.

use core::net::IpAddr;
use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::consumer::Identity;
use super::share;
use crate::settings::IdentitySettings;
use crate::snapshot::Nanos;
use tapscope_record::ExchangeRecord;

/// Share of the addresses let go at once when the cap is reached: one in so many.
const EVICTED_PART: usize = 10;

/// What is known of the programs behind addresses.
#[derive(Debug, Default)]
pub struct Programs {
    places: HashMap<IpAddr, Place, FixedState>,
    evicted: u64,
}

/// One address.
#[derive(Clone, Debug, Default)]
struct Place {
    calls: u64,
    /// Calls by another program than the one before.
    turns: u64,
    latest: u64,
    last_seen: Nanos,
    /// Programs with their calls, at most a named cap.
    seen: Vec<(u64, u32)>,
    /// Whether they take turns.
    is_shared: bool,
}

impl Programs {
    /// Goes on with programs that were told apart before.
    #[must_use]
    pub fn restore(
        known: impl Iterator<Item = (IpAddr, u64, Nanos)>,
        settings: &IdentitySettings,
    ) -> Self {
        let mut new = Self::default();
        for (address, program, last_seen) in known {
            let place = new.places.entry(address).or_default();
            place.is_shared = true;
            place.last_seen = place.last_seen.max(last_seen);
            place.seen.push((program, settings.program_calls_min));
            place.calls += u64::from(settings.program_calls_min);
        }
        new
    }

    /// Learns from a call; whether its program is told apart from others at the address, which the
    /// call's identity then says.
    pub fn observe(
        &mut self,
        identity: &mut Identity,
        record: &ExchangeRecord,
        settings: &IdentitySettings,
    ) -> bool {
        let Some(program) = identity.program(record) else {
            return false;
        };
        let told = self.learn((identity.address, program), record.time, settings);
        if told {
            identity.set_program(program);
        }
        told
    }

    /// Says in a call's identity what is known, and learns nothing.
    pub fn tell(
        &self,
        identity: &mut Identity,
        record: &ExchangeRecord,
        settings: &IdentitySettings,
    ) {
        let known = |program: &u64| self.tells(identity.address, *program, settings);
        if let Some(program) = identity.program(record).filter(known) {
            identity.set_program(program);
        }
    }

    fn learn(
        &mut self,
        (address, program): (IpAddr, u64),
        time: Nanos,
        settings: &IdentitySettings,
    ) -> bool {
        if self.places.len() >= settings.program_addresses_max {
            self.make_room(address, settings);
        }
        let place = self.places.entry(address).or_default();
        place.last_seen = place.last_seen.max(time);
        place.count(program, settings);
        place.tells(program, settings)
    }

    fn tells(&self, address: IpAddr, program: u64, settings: &IdentitySettings) -> bool {
        let place = self.places.get(&address);
        place.is_some_and(|place| place.tells(program, settings))
    }

    /// Bytes held, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let seen = self.places.values().map(|place| place.seen.capacity());
        self.places.len() * (size_of::<Place>() + 24) + seen.sum::<usize>() * 16
    }

    /// Addresses that were let go.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Lets the ones go that were silent longest, those with one program first.
    fn make_room(&mut self, address: IpAddr, settings: &IdentitySettings) {
        if self.places.contains_key(&address) {
            return;
        }
        let mut order: Vec<_> = (self.places.iter())
            .map(|(ip, place)| (place.is_shared, place.last_seen, *ip))
            .collect();
        order.sort_unstable();
        let part = settings.program_addresses_max / EVICTED_PART;
        for (_, _, address) in order.iter().take(part.max(1)) {
            self.places.remove(address);
            self.evicted = self.evicted.saturating_add(1);
        }
    }
}

impl Place {
    fn count(&mut self, program: u64, settings: &IdentitySettings) {
        self.calls = self.calls.saturating_add(1);
        if let Some((_, calls)) = self.seen.iter_mut().find(|(known, _)| *known == program) {
            *calls = calls.saturating_add(1);
        } else if self.seen.len() < settings.programs_max {
            self.seen.push((program, 1));
        }
        if program == self.latest {
            return;
        }
        self.turns = self.turns.saturating_add(u64::from(self.calls > 1));
        self.latest = program;
        if !self.is_shared && self.turns >= settings.program_turns_min {
            let established = self.seen.iter().filter(|one| is_settled(one, settings));
            // One that calls itself something else each time is one program.
            let fleeting = share(self.seen.len() as u64, self.calls);
            self.is_shared = established.count() > 1 && fleeting < settings.program_fleeting_share;
        }
    }

    fn tells(&self, program: u64, settings: &IdentitySettings) -> bool {
        self.is_shared
            && (self.seen.iter()).any(|one| one.0 == program && is_settled(one, settings))
    }
}

const fn is_settled(&(_, calls): &(u64, u32), settings: &IdentitySettings) -> bool {
    calls >= settings.program_calls_min
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(10, 0, 0, 7));

    fn told(programs: &mut Programs, calls: impl Iterator<Item = u64>) -> Vec<bool> {
        let settings = IdentitySettings::default();
        let call = |(at, program)| programs.learn((HOME, program), at, &settings);
        (0..).zip(calls).map(call).collect()
    }

    #[test]
    fn programs_that_take_turns_are_told_apart_and_others_are_not() {
        let mut programs = Programs::default();
        let found = told(&mut programs, (0..60).map(|n| n % 2));
        assert_eq!((found.first(), found.last()), (Some(&false), Some(&true)));
        assert!(!programs.tells(HOME, 9, &IdentitySettings::default()));
        for (what, calls) in [
            (
                "one",
                Box::new((0..200).map(|_| 1_u64)) as Box<dyn Iterator<Item = u64>>,
            ),
            ("updates", Box::new((0..200).map(|n| n / 40))),
            ("another name each time", Box::new(0..200)),
            (
                "one beside noise",
                Box::new((0..200).map(|n| if n % 2 == 0 { 1 } else { n })),
            ),
        ] {
            let found = told(&mut Programs::default(), calls);
            assert!(found.iter().all(|told| !told), "{what}");
        }
    }

    #[test]
    fn what_was_told_apart_stays_so_after_a_restart() {
        let settings = IdentitySettings::default();
        let known = [(HOME, 1, 5), (HOME, 2, 5)].into_iter();
        let mut programs = Programs::restore(known, &settings);
        assert_eq!(
            told(&mut programs, [1, 2, 3].into_iter()),
            [true, true, false]
        );
    }

    #[test]
    fn addresses_are_bounded_and_those_with_one_program_go_first() {
        let settings = IdentitySettings {
            program_addresses_max: 4,
            ..IdentitySettings::default()
        };
        let mut programs = Programs::restore([(HOME, 1, 0), (HOME, 2, 0)].into_iter(), &settings);
        for n in 0..20_u8 {
            programs.learn((IpAddr::from([10, 1, 0, n]), 1), n.into(), &settings);
        }
        assert!(programs.places.len() <= 4);
        assert_eq!(programs.evicted(), 17);
        assert!(programs.tells(HOME, 1, &settings));
        assert!(programs.bytes() > 0);
    }
}
