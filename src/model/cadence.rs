//! When a probe runs: so often, or at the moments of a cron expression.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::parser::{CronParser, Seconds};

use super::Timestamp;

/// Occurrences looked at to tell how often an expression fires: more than a week of hourly ones.
const LOOKED_AT: usize = 200;
/// Nor further ahead than this, so that a rare expression costs no long search.
const LONG_ENOUGH: Duration = Duration::from_secs(400 * 86_400);
/// From where they are counted: any fixed moment does; this one is not at a change of clocks.
const COUNTED_FROM: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// When a probe runs.
#[derive(Debug, Clone)]
pub enum Cadence {
    /// From start to start; 1 s to 24 h.
    Every(Duration),
    /// At these moments.
    Cron(Box<Cron>),
}

impl Cadence {
    /// The usual time from start to start: of a cron expression, the mean over its next occurrences.
    pub fn interval(&self) -> Duration {
        match self {
            Cadence::Every(every) => *every,
            Cadence::Cron(cron) => cron.usual,
        }
    }

    /// The least time from start to start: a run must be over by then.
    pub fn shortest(&self) -> Duration {
        match self {
            Cadence::Every(every) => *every,
            Cadence::Cron(cron) => cron.shortest,
        }
    }
}

/// A cron expression in a time zone. Displays as it was written.
#[derive(Clone)]
pub struct Cron {
    pattern: croner::Cron,
    zone: Tz,
    text: String,
    usual: Duration,
    shortest: Duration,
}

impl Cron {
    /// Reads five fields (from the minute on) or six (from the second on), day of month and day of week joined by "or".
    ///
    /// Errs, in words for the one who wrote it, on a bad expression and on one that never fires.
    pub fn parse(text: &str, zone: Tz) -> Result<Self, String> {
        let parser = CronParser::builder().seconds(Seconds::Optional).build();
        let pattern = parser.parse(text).map_err(|e| reason(&e))?;
        let mut cron = Self {
            pattern,
            zone,
            text: text.to_owned(),
            usual: Duration::ZERO,
            shortest: Duration::MAX,
        };
        let mut last = cron
            .next_after(COUNTED_FROM)
            .ok_or("it never comes to pass")?;
        let first = last;
        let mut gaps = 0_u32;
        for _ in 0..LOOKED_AT {
            let Some(next) = cron.next_after(last) else {
                break;
            };
            cron.shortest = cron.shortest.min(next.since(last));
            last = next;
            gaps += 1;
            if last.since(first) > LONG_ENOUGH {
                break;
            }
        }
        if gaps == 0 {
            return Err("it comes to pass only once".to_owned());
        }
        cron.usual = last.since(first) / gaps;
        Ok(cron)
    }

    /// The first moment after `at`; `None` when there is none within the years that croner searches.
    ///
    /// A time in the hour that a change of clocks skips moves to its end; in the hour that comes twice, a fixed
    /// time is met once.
    pub fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        let local = at.to_utc()?.with_timezone(&self.zone);
        let next: DateTime<Tz> = self.pattern.find_next_occurrence(&local, false).ok()?;
        let next = Timestamp::from_micros(next.with_timezone(&Utc).timestamp_micros());
        // An answer that does not advance would spin the timetable.
        (next > at).then_some(next)
    }

    /// The latest moment before `at`; `None` when there is none within the years that croner searches.
    pub fn last_before(&self, at: Timestamp) -> Option<Timestamp> {
        // croner leaves out the parts of a second: what lies in the second of `at`, and before it, is to be found.
        let micros = at.as_micros();
        let whole = micros.saturating_add((-micros).rem_euclid(1_000_000));
        let local = Timestamp::from_micros(whole).to_utc()?;
        let local = local.with_timezone(&self.zone);
        let last = self.pattern.find_previous_occurrence(&local, false).ok()?;
        let last = Timestamp::from_micros(last.with_timezone(&Utc).timestamp_micros());
        (last < at).then_some(last)
    }

    /// The least time from one moment to the next.
    pub fn shortest(&self) -> Duration {
        self.shortest
    }

    /// The zone that its hours are in.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// Steps larger than their field, as in `*/90` minutes: legal, and hardly meant.
    pub fn odd_step(&self) -> Option<String> {
        let fields: Vec<&str> = self.text.split_whitespace().collect();
        let sizes: &[(u32, &str)] = &[
            (60, "seconds"),
            (60, "minutes"),
            (24, "hours"),
            (31, "days"),
            (12, "months"),
            (7, "days of the week"),
        ];
        let skip = sizes.len().saturating_sub(fields.len());
        fields
            .iter()
            .zip(sizes.iter().skip(skip))
            .find_map(|(field, (size, name))| {
                let step: u32 = field.split_once('/')?.1.parse().ok()?;
                (step >= *size).then(|| format!("a step of {step} in a field of {size} {name}"))
            })
    }
}

fn reason(error: &croner::errors::CronError) -> String {
    use croner::errors::CronError as E;
    let text = match error {
        E::EmptyPattern => "it is empty".to_owned(),
        E::InvalidDate | E::InvalidTime | E::TimeSearchLimitExceeded => {
            "it never comes to pass".to_owned()
        }
        E::InvalidPattern(text) | E::IllegalCharacters(text) | E::ComponentError(text) => {
            text.trim_end_matches('.').to_owned()
        }
    };
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cron({:?}, {})", self.text, self.zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(cron: &Cron, at: &str, n: usize) -> Vec<String> {
        let mut at = Timestamp::parse(at).unwrap();
        std::iter::repeat_with(|| {
            at = cron.next_after(at).unwrap();
            at.to_string()
        })
        .take(n)
        .collect()
    }

    #[test]
    fn seconds_may_be_left_out() {
        let six = Cron::parse("0 */5 * * * *", Tz::UTC).unwrap();
        let five = Cron::parse("*/5 * * * *", Tz::UTC).unwrap();
        let want = ["2026-01-01T00:05:00Z", "2026-01-01T00:10:00Z"];
        assert_eq!(after(&six, "2026-01-01T00:00:00Z", 2), want);
        assert_eq!(after(&five, "2026-01-01T00:00:00Z", 2), want);
        assert_eq!(Cadence::Cron(Box::new(five)).interval().as_secs(), 300);
    }

    #[test]
    fn an_expression_that_never_fires_is_refused() {
        assert!(Cron::parse("0 0 30 2 *", Tz::UTC).is_err());
        assert!(Cron::parse("", Tz::UTC).is_err());
        assert!(Cron::parse("61 * * * *", Tz::UTC).is_err());
    }

    #[test]
    fn the_hour_that_comes_twice_is_met_once_and_the_skipped_one_at_its_end() {
        let cron = Cron::parse("30 2 * * *", Tz::Europe__Berlin).unwrap();
        assert_eq!(
            after(&cron, "2026-10-24T12:00:00Z", 2),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
        assert_eq!(
            after(&cron, "2026-03-28T12:00:00Z", 2),
            ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
        );
    }

    #[test]
    fn what_was_met_last_is_what_is_met_next_from_before() {
        for (text, zone) in [
            ("0 7 * * *", Tz::Europe__Berlin),
            ("30 2 * * *", Tz::Europe__Berlin),
            ("0 0 * * Mon", Tz::America__New_York),
            ("15 * * * *", Tz::Asia__Kolkata),
        ] {
            let cron = Cron::parse(text, zone).unwrap();
            let mut at = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
            for _ in 0..400 {
                let next = cron.next_after(at).unwrap();
                let soon = next + Duration::from_micros(1);
                assert_eq!(cron.last_before(soon), Some(next), "{text} {zone}");
                at = next;
            }
        }
    }

    #[test]
    fn a_step_beyond_its_field_is_noticed() {
        let odd = |text| Cron::parse(text, Tz::UTC).unwrap().odd_step();
        assert!(odd("*/90 * * * *").is_some());
        assert!(odd("0 */30 * * * *").is_none());
        assert!(odd("0 */48 * * *").is_some());
    }
}
