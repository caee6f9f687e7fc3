//! A moment: microseconds since the Unix epoch, UTC. Durations are `std::time::Duration`.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};

/// Microseconds since 1970-01-01T00:00:00Z; negative before it. All arithmetic saturates.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Timestamp = Timestamp(0);

    /// From microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// From seconds since the epoch, rounded to a microsecond; NaN is the epoch, what does not fit saturates.
    pub fn from_seconds(seconds: f64) -> Self {
        Self((seconds * 1e6).round() as i64)
    }

    /// Seconds since the epoch, exact to a microsecond until the year 2255.
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// From a system clock's reading; moments before the epoch become the epoch.
    pub fn from_system(time: std::time::SystemTime) -> Self {
        let since = time
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Self(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    /// The same moment for interfaces that want the system's type; moments before the epoch become the epoch.
    pub fn to_system(self) -> std::time::SystemTime {
        std::time::UNIX_EPOCH + Duration::from_micros(u64::try_from(self.0).unwrap_or(0))
    }

    /// Parses RFC 3339 with any offset; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let at = DateTime::parse_from_rfc3339(text).ok()?;
        Some(Self(at.timestamp_micros()))
    }

    /// The calendar form in UTC; `None` outside the years that chrono knows.
    pub fn to_utc(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.0)
    }

    /// Time from `earlier` to here; zero when `earlier` is later.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Microseconds from `earlier` to here, negative when `earlier` is later.
    pub fn micros_since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Moved by signed microseconds: how a step of the wall clock is carried into kept moments.
    pub fn shifted(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// The start of the UTC hour that holds this moment.
    pub fn hour(self) -> Self {
        Self(self.0.div_euclid(3_600_000_000) * 3_600_000_000)
    }
}

/// RFC 3339 in UTC with milliseconds when there are any: `2023-11-08T13:44:02Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(utc) = self.to_utc() else {
            return write!(f, "{} us", self.0);
        };
        let form = if self.0 % 1_000_000 == 0 {
            SecondsFormat::Secs
        } else {
            SecondsFormat::Millis
        };
        f.write_str(&utc.to_rfc3339_opts(form, true))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Timestamp;
    fn add(self, rhs: Duration) -> Timestamp {
        Self(
            self.0
                .saturating_add(i64::try_from(rhs.as_micros()).unwrap_or(i64::MAX)),
        )
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Timestamp;
    fn sub(self, rhs: Duration) -> Timestamp {
        Self(
            self.0
                .saturating_sub(i64::try_from(rhs.as_micros()).unwrap_or(i64::MAX)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_3339_is_read_with_any_offset_and_written_in_utc() {
        let at = Timestamp::parse("2023-11-08T05:42:00-08:00").unwrap();
        assert_eq!(at.to_string(), "2023-11-08T13:42:00Z");
        assert_eq!(
            (at + Duration::from_millis(250)).to_string(),
            "2023-11-08T13:42:00.250Z"
        );
        assert_eq!(Timestamp::parse("yesterday"), None);
    }

    #[test]
    fn arithmetic_saturates_at_the_ends_of_time() {
        let end = Timestamp::from_micros(i64::MAX);
        assert_eq!(end + Duration::from_secs(1), end);
        assert_eq!(Timestamp::EPOCH.since(end), Duration::ZERO);
        assert_eq!(Timestamp::from_seconds(f64::NAN), Timestamp::EPOCH);
    }
}
