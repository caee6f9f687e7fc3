//! How many requests may be in flight: in all, and to one host. Pure bookkeeping.
//!
//! A probe that finds its host full waits in that host's queue, so a slow host delays nobody but itself.

use std::collections::{HashMap, VecDeque};

/// Index of a host, as [`Limits::host`] numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostIndex(u32);

/// Counts of what is in flight, and the queues of what waits.
#[derive(Debug)]
pub struct Limits {
    in_flight: usize,
    most_in_flight: usize,
    most_per_host: usize,
    hosts: Vec<Host>,
    numbers: HashMap<String, HostIndex>,
    /// Probes whose host has room while the total has none, in order of arrival.
    waiting: VecDeque<(u32, HostIndex)>,
}

#[derive(Debug, Default)]
struct Host {
    in_flight: usize,
    waiting: VecDeque<u32>,
}

impl Limits {
    /// Limits of at least 1 each.
    pub fn new(most_in_flight: usize, most_per_host: usize) -> Self {
        Self {
            in_flight: 0,
            most_in_flight: most_in_flight.max(1),
            most_per_host: most_per_host.max(1),
            hosts: Vec::new(),
            numbers: HashMap::new(),
            waiting: VecDeque::new(),
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

    /// Takes a place for `probe`, or queues it: `true` when it may start now.
    pub fn admit(&mut self, probe: u32, host: HostIndex) -> bool {
        let place = &mut self.hosts[host.0 as usize];
        if place.in_flight >= self.most_per_host {
            place.waiting.push_back(probe);
            false
        } else if self.in_flight >= self.most_in_flight {
            self.waiting.push_back((probe, host));
            false
        } else {
            place.in_flight += 1;
            self.in_flight += 1;
            true
        }
    }

    /// Gives a place back. Returns the queued probe that may start in its stead, its place already taken.
    pub fn release(&mut self, host: HostIndex) -> Option<u32> {
        self.in_flight = self.in_flight.saturating_sub(1);
        let place = &mut self.hosts[host.0 as usize];
        place.in_flight = place.in_flight.saturating_sub(1);
        if let Some(probe) = place.waiting.pop_front() {
            place.in_flight += 1;
            self.in_flight += 1;
            return Some(probe);
        }
        while let Some((probe, host)) = self.waiting.pop_front() {
            if self.admit(probe, host) {
                return Some(probe);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_host_queues_its_own_probes_and_lets_the_others_through() {
        let mut limits = Limits::new(10, 2);
        let (slow, quick) = (limits.host("slow:443"), limits.host("quick:443"));
        assert_eq!(limits.host("slow:443"), slow);
        assert_eq!(
            [1, 2, 3, 4].map(|p| limits.admit(p, slow)),
            [true, true, false, false]
        );
        assert!(limits.admit(5, quick));
        assert_eq!(limits.release(slow), Some(3));
        assert_eq!(limits.release(quick), None);
        assert_eq!(limits.release(slow), Some(4));
        assert_eq!(limits.in_flight, 2);
    }

    #[test]
    fn a_place_that_frees_in_all_goes_to_the_longest_waiting() {
        let mut limits = Limits::new(1, 5);
        let (a, b) = (limits.host("a"), limits.host("b"));
        assert_eq!(
            [limits.admit(1, a), limits.admit(2, b), limits.admit(3, a)],
            [true, false, false]
        );
        assert_eq!(limits.release(a), Some(2));
        assert_eq!(limits.release(b), Some(3));
        assert_eq!(limits.release(a), None);
        assert_eq!(limits.in_flight, 0);
    }
}
