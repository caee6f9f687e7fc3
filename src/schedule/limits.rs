//! How many requests may be in flight: in all, and to one host. Pure bookkeeping.
//!
//! A probe that finds its host full waits in that host's queue, so a slow host delays nobody but itself. What hangs, at
//! however many hosts, holds three quarters of the places at most: the rest is kept for probes that are known to end.

use std::collections::{HashMap, VecDeque};

/// One place in so many is kept for proven probes.
const KEPT_ONE_IN: usize = 4;

/// Index of a host, as [`Limits::host`] numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostIndex(u32);

/// What may be expected of a probe's next run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Promise {
    /// It has not run yet, or its last run kept its place for long and came to nothing: this one may hang.
    #[default]
    Unknown,
    /// Its last run gave an answer, or failed at once.
    Ends,
}

/// A probe that wants a place, or holds one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guest {
    /// Which one: a number of the caller's.
    pub probe: u32,
    /// To which host.
    pub host: HostIndex,
    /// As it was when it came.
    pub promise: Promise,
}

/// Counts of what is in flight, and the queues of what waits.
#[derive(Debug)]
pub struct Limits {
    in_flight: usize,
    most_in_flight: usize,
    /// Of those in flight, the ones that may hang.
    unknown: usize,
    most_unknown: usize,
    most_per_host: usize,
    hosts: Vec<Host>,
    numbers: HashMap<String, HostIndex>,
    /// Probes whose host has room while the total has none, in order of arrival.
    waiting: VecDeque<Guest>,
    /// The same of those that may hang: they come after the others.
    waiting_unknown: VecDeque<Guest>,
}

#[derive(Debug, Default)]
struct Host {
    in_flight: usize,
    waiting: VecDeque<Guest>,
}

impl Limits {
    /// Limits of at least 1 each; of less than [`KEPT_ONE_IN`] places none is kept.
    pub fn new(most_in_flight: usize, most_per_host: usize) -> Self {
        let most_in_flight = most_in_flight.max(1);
        Self {
            in_flight: 0,
            most_in_flight,
            unknown: 0,
            most_unknown: most_in_flight - most_in_flight / KEPT_ONE_IN,
            most_per_host: most_per_host.max(1),
            hosts: Vec::new(),
            numbers: HashMap::new(),
            waiting: VecDeque::new(),
            waiting_unknown: VecDeque::new(),
        }
    }

    /// The number of a host.
    pub fn host(&mut self, name: &str) -> HostIndex {
        if let Some(index) = self.numbers.get(name) {
            return *index;
        }
        let index = HostIndex(u32::try_from(self.hosts.len()).unwrap_or(u32::MAX));
        self.hosts.push(Host::default());
        self.numbers.insert(name.to_owned(), index);
        index
    }

    /// Takes a place for `guest`, or queues it: `true` when it may start now.
    pub fn admit(&mut self, guest: Guest) -> bool {
        let place = &mut self.hosts[guest.host.0 as usize];
        if place.in_flight >= self.most_per_host {
            place.waiting.push_back(guest);
        } else if !self.has_room(guest.promise) {
            match guest.promise {
                Promise::Ends => self.waiting.push_back(guest),
                Promise::Unknown => self.waiting_unknown.push_back(guest),
            }
        } else {
            self.seat(guest);
            return true;
        }
        false
    }

    /// Gives the place of `guest` back. Returns the one that was queued and may start in its stead, its place taken.
    pub fn release(&mut self, guest: Guest) -> Option<Guest> {
        self.in_flight = self.in_flight.saturating_sub(1);
        if guest.promise == Promise::Unknown {
            self.unknown = self.unknown.saturating_sub(1);
        }
        let place = &mut self.hosts[guest.host.0 as usize];
        place.in_flight = place.in_flight.saturating_sub(1);
        if let Some(next) = place.waiting.pop_front()
            && self.admit(next)
        {
            return Some(next);
        }
        loop {
            let next = match self.waiting.pop_front() {
                Some(next) => next,
                None if self.has_room(Promise::Unknown) => self.waiting_unknown.pop_front()?,
                None => return None,
            };
            if self.admit(next) {
                return Some(next);
            }
        }
    }

    fn has_room(&self, promise: Promise) -> bool {
        let kept_back = promise == Promise::Unknown && self.unknown >= self.most_unknown;
        self.in_flight < self.most_in_flight && !kept_back
    }

    fn seat(&mut self, guest: Guest) {
        self.hosts[guest.host.0 as usize].in_flight += 1;
        self.in_flight += 1;
        self.unknown += usize::from(guest.promise == Promise::Unknown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(probe: u32, host: HostIndex) -> Guest {
        Guest {
            probe,
            host,
            promise: Promise::Ends,
        }
    }

    fn unknown(probe: u32, host: HostIndex) -> Guest {
        Guest {
            promise: Promise::Unknown,
            ..ends(probe, host)
        }
    }

    #[test]
    fn a_full_host_queues_its_own_probes_and_lets_the_others_through() {
        let mut limits = Limits::new(10, 2);
        let (slow, quick) = (limits.host("slow:443"), limits.host("quick:443"));
        assert_eq!(limits.host("slow:443"), slow);
        assert_eq!(
            [1, 2, 3, 4].map(|p| limits.admit(ends(p, slow))),
            [true, true, false, false]
        );
        assert!(limits.admit(ends(5, quick)));
        assert_eq!(limits.release(ends(1, slow)), Some(ends(3, slow)));
        assert_eq!(limits.release(ends(5, quick)), None);
        assert_eq!(limits.release(ends(2, slow)), Some(ends(4, slow)));
        assert_eq!(limits.in_flight, 2);
    }

    #[test]
    fn a_place_that_frees_in_all_goes_to_the_longest_waiting() {
        let mut limits = Limits::new(1, 5);
        let (a, b) = (limits.host("a"), limits.host("b"));
        let [first, second, third] = [unknown(1, a), unknown(2, b), unknown(3, a)];
        assert_eq!(
            [first, second, third].map(|guest| limits.admit(guest)),
            [true, false, false]
        );
        assert_eq!(limits.release(first), Some(second));
        assert_eq!(limits.release(second), Some(third));
        assert_eq!(limits.release(third), None);
        assert_eq!(limits.in_flight, 0);
    }

    #[test]
    fn what_may_hang_leaves_a_quarter_of_the_places_to_what_ends() {
        let mut limits = Limits::new(8, 8);
        let hosts: Vec<_> = (0..20).map(|n| limits.host(&n.to_string())).collect();
        let hanging: Vec<_> = (0..10).map(|n| unknown(n, hosts[n as usize])).collect();
        let seated = hanging.iter().filter(|guest| limits.admit(**guest)).count();
        assert_eq!(seated, 6);
        let well: Vec<_> = (10..13).map(|n| ends(n, hosts[n as usize])).collect();
        assert_eq!(
            well.iter().map(|g| limits.admit(*g)).collect::<Vec<_>>(),
            [true, true, false]
        );
        // Who is known to end goes first, though the others came before.
        assert_eq!(limits.release(hanging[0]), Some(well[2]));
        assert_eq!(limits.release(well[0]), Some(hanging[6]));
        assert_eq!(limits.release(well[1]), None, "all that may hang are in");
        assert_eq!((limits.in_flight, limits.unknown), (7, 6));
        assert_eq!(limits.release(hanging[1]), Some(hanging[7]));
    }

    #[test]
    fn one_that_waited_for_its_host_waits_on_when_all_places_are_taken() {
        let mut limits = Limits::new(4, 1);
        let hosts: Vec<_> = (0..4).map(|n| limits.host(&n.to_string())).collect();
        assert!(limits.admit(ends(0, hosts[0])));
        assert!(!limits.admit(unknown(1, hosts[0])), "its host is full");
        for n in 1..4 {
            assert!(limits.admit(unknown(n + 1, hosts[n as usize])));
        }
        assert_eq!(limits.release(ends(0, hosts[0])), None);
        assert_eq!(
            limits.release(unknown(2, hosts[1])),
            Some(unknown(1, hosts[0]))
        );
    }
}
