//! What is known to end on a date: a model that is switched off, a certificate that runs out. Said ahead, once for each
//! threshold.
//!
//! Nothing here is a failure: the day has not come yet. Pure: what was said before is handed in.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::Timestamp;

const DAY: Duration = Duration::from_secs(86_400);

/// What ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u16)]
pub enum Topic {
    /// A model, at its provider.
    Model = 1,
    /// A server's certificate.
    Certificate = 2,
}

impl Topic {
    /// All, in code order.
    pub const ALL: &'static [Topic] = &[Topic::Model, Topic::Certificate];

    /// One word in snake case.
    pub const fn name(self) -> &'static str {
        match self {
            Topic::Model => "model",
            Topic::Certificate => "certificate",
        }
    }

    /// Days ahead at which it is said, the most first; 0 is the moment itself.
    ///
    /// To move to another model takes a release. A certificate is renewed by a machine some weeks before its end, so
    /// that two weeks ahead it shows that the machine has not done it.
    pub const fn thresholds(self) -> &'static [u16] {
        match self {
            Topic::Model => &[60, 30, 7, 0],
            Topic::Certificate => &[14, 7, 3, 1],
        }
    }

    /// The topic of a code; `None` for an unknown one.
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|t| *t as u16 == code)
    }
}

/// Something that ends, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// What kind of thing.
    pub topic: Topic,
    /// Which: a model's name, the `host:port` of a certificate.
    pub subject: String,
    /// When it ends.
    pub at: Timestamp,
}

impl Deadline {
    /// Longest subject that is kept, in bytes.
    pub const SUBJECT_BYTES: usize = 200;

    /// The nearest threshold that has been reached, in days; `None` while the end is further away than all of them.
    pub fn reached(&self, now: Timestamp) -> Option<u16> {
        let left = self.at.since(now);
        let over = now >= self.at;
        let reached = |days: &&u16| {
            if **days == 0 {
                over
            } else {
                left <= DAY * u32::from(**days)
            }
        };
        self.topic.thresholds().iter().rfind(reached).copied()
    }

    /// The threshold to be said now; `None` when there is none, or when it or a nearer one was `said`.
    pub fn news(&self, now: Timestamp, said: Option<u16>) -> Option<u16> {
        self.reached(now)
            .filter(|days| said.is_none_or(|said| *days < said))
    }

    /// The deadline as users' scripts see it.
    pub fn to_json(&self) -> Value {
        json!({ "topic": self.topic.name(), "subject": self.subject, "at": self.at.to_string() })
    }

    /// In one sentence: `the model gpt-4 is switched off on 2026-12-01, in 6 days`.
    pub fn tell(&self, now: Timestamp) -> String {
        Told { of: self, now }.to_string()
    }
}

struct Told<'a> {
    of: &'a Deadline,
    now: Timestamp,
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Deadline { topic, subject, at } = self.of;
        let over = self.now >= *at;
        match (topic, over) {
            (Topic::Model, false) => write!(f, "the model {subject} is switched off on ")?,
            (Topic::Model, true) => write!(f, "the model {subject} was to be switched off on ")?,
            (Topic::Certificate, false) => write!(f, "the certificate of {subject} ends on ")?,
            (Topic::Certificate, true) => write!(f, "the certificate of {subject} ended on ")?,
        }
        match at.to_utc() {
            Some(utc) => write!(f, "{}", utc.format("%Y-%m-%d"))?,
            None => write!(f, "{at}")?,
        }
        if over {
            return Ok(());
        }
        match at.since(self.now).as_secs() / DAY.as_secs() {
            0 => f.write_str(", in less than a day"),
            1 => f.write_str(", in 1 day"),
            days => write!(f, ", in {days} days"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(&format!("{text}T00:00:00Z")).unwrap()
    }

    fn model(day: &str) -> Deadline {
        Deadline {
            topic: Topic::Model,
            subject: "gpt-4".to_owned(),
            at: at(day),
        }
    }

    #[test]
    fn each_threshold_is_reached_on_its_day_and_stays_reached_until_the_next() {
        let deadline = model("2027-03-02");
        for (today, reached) in [
            ("2026-12-31", None),
            ("2027-01-01", Some(60)),
            ("2027-01-30", Some(60)),
            ("2027-01-31", Some(30)),
            ("2027-02-22", Some(30)),
            ("2027-02-23", Some(7)),
            ("2027-03-01", Some(7)),
            ("2027-03-02", Some(0)),
            ("2030-01-01", Some(0)),
        ] {
            assert_eq!(deadline.reached(at(today)), reached, "{today}");
        }
        let certificate = Deadline {
            topic: Topic::Certificate,
            ..model("2027-03-02")
        };
        for (today, reached) in [
            ("2027-02-15", None),
            ("2027-02-16", Some(14)),
            ("2027-02-23", Some(7)),
            ("2027-02-27", Some(3)),
            ("2027-03-01", Some(1)),
            ("2027-04-01", Some(1)),
        ] {
            assert_eq!(certificate.reached(at(today)), reached, "{today}");
        }
    }

    #[test]
    fn a_threshold_is_news_once_and_those_that_were_passed_over_are_none() {
        let deadline = model("2027-03-02");
        for (today, said, news) in [
            ("2026-12-31", None, None),
            ("2027-01-01", None, Some(60)),
            ("2027-01-15", Some(60), None),
            ("2027-01-31", Some(60), Some(30)),
            // First seen a week ahead: the far thresholds are not made up for.
            ("2027-02-23", None, Some(7)),
            ("2027-02-23", Some(7), None),
            ("2027-02-23", Some(0), None),
            ("2027-03-02", Some(7), Some(0)),
            ("2027-03-03", Some(0), None),
        ] {
            assert_eq!(deadline.news(at(today), said), news, "{today} {said:?}");
        }
    }

    #[test]
    fn it_is_told_with_the_day_and_the_days_left() {
        let told = |today: &str| model("2027-03-02").tell(at(today));
        assert_eq!(
            told("2027-02-24"),
            "the model gpt-4 is switched off on 2027-03-02, in 6 days"
        );
        assert!(told("2027-03-01").ends_with("in 1 day"));
        assert_eq!(
            told("2027-03-02"),
            "the model gpt-4 was to be switched off on 2027-03-02"
        );
        let endless = Deadline {
            at: Timestamp::from_micros(i64::MAX),
            ..model("2027-03-02")
        };
        assert!(endless.tell(at("2027-01-01")).contains("days"));
    }

    #[test]
    fn every_topic_comes_back_from_its_code() {
        for topic in Topic::ALL {
            assert_eq!(Topic::from_code(*topic as u16), Some(*topic));
        }
        assert_eq!(Topic::from_code(0), None);
    }
}
