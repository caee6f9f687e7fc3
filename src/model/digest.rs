//! What a digest tells: how a time was, service by service, and what is coming. Words, ready to be set. And when one is due.

use std::time::Duration;

use chrono_tz::Tz;

use super::{Cron, Timestamp};

/// The content of a digest.
#[derive(Debug, Clone, PartialEq)]
pub struct Digest {
    /// When the time begins.
    pub from: Timestamp,
    /// When it ends: the moment at which it is written.
    pub to: Timestamp,
    /// In which its begin and its end are said.
    pub zone: Tz,
    /// Name of the place that probes.
    pub location: String,
    /// How each service was, those with trouble first.
    pub services: Vec<ServiceDigest>,
    /// What ends soon, and which limits are nearly used up, a sentence each.
    pub coming: Vec<String>,
}

/// How one service was.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceDigest {
    /// Its title.
    pub title: String,
    /// Its incidents in the time.
    pub incidents: usize,
    /// Of these, those that go on.
    pub open: usize,
    /// What is told: of what, and what.
    pub facts: Vec<(&'static str, String)>,
}

/// A clock that was set back by less than this has no digest written again.
const SET_BACK: Duration = Duration::from_secs(2 * 86_400);

/// Until when it was looked whether a digest is due.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    looked: Timestamp,
}

impl Watch {
    /// What is due before `now` is not written any more.
    pub const fn from(now: Timestamp) -> Self {
        Self { looked: now }
    }

    /// The time that a digest which is due now is about: from one moment of `cron` to the next. Of several that were
    /// slept through it is the latest.
    pub fn due(&mut self, cron: &Cron, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        if self.looked.since(now) > SET_BACK {
            self.looked = now;
        }
        let next = cron.next_after(self.looked)?;
        if next > now {
            return None;
        }
        self.looked = now;
        let to = cron.last_before(now + Duration::from_micros(1))?;
        Some((cron.last_before(to)?, to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    /// What is due, looked at each minute of `days` days.
    fn written(cron: &str, zone: Tz, from: &str, days: u64) -> Vec<(String, u64)> {
        let (cron, start) = (Cron::parse(cron, zone).unwrap(), at(from));
        let mut watch = Watch::from(start);
        let minutes = (0..days * 1440).map(|n| start + Duration::from_secs(60 * n));
        let due = minutes.filter_map(|now| watch.due(&cron, now));
        due.map(|(from, to)| (to.to_string(), to.since(from).as_secs() / 3600))
            .collect()
    }

    #[test]
    fn it_is_written_once_a_day_at_the_same_hour_of_the_place_and_leaves_no_hour_out() {
        let spring = written("0 0 7 * * *", Tz::Europe__Berlin, "2026-03-28T12:00:00Z", 3);
        let expected = [
            ("2026-03-29T05:00:00Z", 23),
            ("2026-03-30T05:00:00Z", 24),
            ("2026-03-31T05:00:00Z", 24),
        ];
        assert_eq!(spring, expected.map(|(at, hours)| (at.to_owned(), hours)));
        let autumn = written("0 0 7 * * *", Tz::Europe__Berlin, "2026-10-24T12:00:00Z", 2);
        let expected = [("2026-10-25T06:00:00Z", 25), ("2026-10-26T06:00:00Z", 24)];
        assert_eq!(autumn, expected.map(|(at, hours)| (at.to_owned(), hours)));
    }

    #[test]
    fn an_hour_that_comes_twice_or_never_has_its_one_digest_all_the_same() {
        for from in ["2026-10-24T12:00:00Z", "2026-03-28T12:00:00Z"] {
            let all = written("0 30 2 * * *", Tz::Europe__Berlin, from, 3);
            assert_eq!(all.len(), 3, "{all:?}");
        }
    }

    #[test]
    fn of_those_slept_through_the_latest_is_written_and_none_again_when_the_clock_is_set_back() {
        let cron = Cron::parse("0 0 8 * * *", Tz::UTC).unwrap();
        let mut watch = Watch::from(at("2026-11-20T12:00:00Z"));
        let due = watch.due(&cron, at("2026-11-23T09:00:00Z"));
        let last = (at("2026-11-22T08:00:00Z"), at("2026-11-23T08:00:00Z"));
        assert_eq!(due, Some(last));
        assert_eq!(watch.due(&cron, at("2026-11-23T07:59:00Z")), None);
        assert_eq!(watch.due(&cron, at("2026-11-23T08:00:00Z")), None);
        assert!(watch.due(&cron, at("2026-11-24T08:00:00Z")).is_some());
        // A clock that was years ahead for a while.
        assert!(watch.due(&cron, at("2036-11-24T08:00:00Z")).is_some());
        assert_eq!(watch.due(&cron, at("2026-11-25T07:59:00Z")), None);
        assert!(watch.due(&cron, at("2026-11-25T08:00:00Z")).is_some());
    }
}
