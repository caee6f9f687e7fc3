//! How soon incidents were noticed, told and over: the mean times to detect and to recover, and their spread.

use super::Timestamp;
use super::admission::{Admission, Admitted, Seen};

/// The moments of an incident that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moments {
    /// Estimated onset.
    pub since: Timestamp,
    /// When it was opened.
    pub noticed: Timestamp,
    /// When the first mail of it was accepted by its server.
    pub mailed: Option<Timestamp>,
    /// Estimated recovery; `None` while it goes on.
    pub recovered: Option<Timestamp>,
}

/// Some spans of time, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// How many.
    pub n: usize,
    /// Their mean.
    pub mean_s: f64,
    /// The middle one; of an even number the mean of the two.
    pub median_s: f64,
    /// The longest.
    pub most_s: f64,
}

impl Spread {
    /// Of some spans; `None` of none.
    pub fn of(spans: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut spans: Vec<f64> = spans.into_iter().collect();
        spans.sort_by(f64::total_cmp);
        let (n, most) = (spans.len(), *spans.last()?);
        let middle = |i: usize| spans.get(i).copied().unwrap_or(most);
        Some(Self {
            n,
            mean_s: spans.iter().sum::<f64>() / n as f64,
            median_s: f64::midpoint(middle((n - 1) / 2), middle(n / 2)),
            most_s: most,
        })
    }
}

/// How soon.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Response {
    /// From the onset to the opening: time to detect.
    pub detect: Option<Spread>,
    /// From the onset to the first accepted mail.
    pub tell: Option<Spread>,
    /// From the onset to the recovery: time to recover.
    pub recover: Option<Spread>,
}

impl Response {
    /// Of some incidents.
    pub fn of(incidents: &[Moments]) -> Self {
        let spread = |moment: fn(&Moments) -> Option<Timestamp>| {
            let spans = incidents.iter().filter_map(|m| {
                let span = moment(m)?.micros_since(m.since) as f64 / 1e6;
                // The onset is an estimate, and nothing is noticed before it.
                Some(span.max(0.0))
            });
            Spread::of(spans)
        };
        Self {
            detect: spread(|m| Some(m.noticed)),
            tell: spread(|m| m.mailed),
            recover: spread(|m| m.recovered),
        }
    }
}

/// How a provider's page kept up with what was seen here.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PageLag {
    /// Incidents while which the page was read.
    pub incidents: usize,
    /// Those it admitted.
    pub admitted: usize,
    /// Those before which it admitted something already.
    pub before: usize,
    /// Those it never admitted.
    pub never: usize,
    /// From the onset to the admission; less than nothing where the page came first.
    pub lag: Option<Spread>,
    /// From the moment when it was noticed here to the admission.
    pub after_us: Option<Spread>,
    /// From the recovery to the moment when the page called it over.
    pub over: Option<Spread>,
}

impl PageLag {
    /// Of what one page said of some incidents.
    pub fn of(said: &[(Admission, Seen)]) -> Self {
        let count = |wanted: fn(&Admitted) -> bool| {
            said.iter().filter(|(a, _)| wanted(&a.admitted)).count()
        };
        let after_us = |(admission, seen): &(Admission, Seen)| {
            let at = admission.admitted_at()?;
            Some(at.micros_since(seen.noticed) as f64 / 1e6)
        };
        Self {
            incidents: said.len(),
            admitted: count(|a| matches!(a, Admitted::At(_))),
            before: count(|a| matches!(a, Admitted::Before(_))),
            never: count(|a| matches!(a, Admitted::Never)),
            lag: Spread::of(said.iter().filter_map(|(a, seen)| a.lag_s(seen))),
            after_us: Spread::of(said.iter().filter_map(after_us)),
            over: Spread::of(said.iter().filter_map(|(a, seen)| a.over_lag_s(seen))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000)
    }

    #[test]
    fn the_spread_of_some_spans() {
        for (spans, mean, median, most) in [
            (&[60.0][..], 60.0, 60.0, 60.0),
            (&[10.0, 40.0], 25.0, 25.0, 40.0),
            (&[300.0, 10.0, 20.0], 110.0, 20.0, 300.0),
            (&[-60.0, 60.0], 0.0, 0.0, 60.0),
        ] {
            let want = Spread {
                n: spans.len(),
                mean_s: mean,
                median_s: median,
                most_s: most,
            };
            assert_eq!(Spread::of(spans.iter().copied()), Some(want));
        }
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn an_incident_that_goes_on_has_been_noticed_but_not_overcome() {
        let over = Moments {
            since: at(0),
            noticed: at(60),
            mailed: Some(at(63)),
            recovered: Some(at(600)),
        };
        let open = Moments {
            since: at(1000),
            noticed: at(1020),
            mailed: None,
            recovered: None,
        };
        let response = Response::of(&[over, open]);
        assert_eq!(response.detect.map(|s| (s.n, s.mean_s)), Some((2, 40.0)));
        assert_eq!(response.tell.map(|s| (s.n, s.mean_s)), Some((1, 63.0)));
        assert_eq!(response.recover.map(|s| (s.n, s.mean_s)), Some((1, 600.0)));
        assert_eq!(Response::of(&[]), Response::default());
    }

    #[test]
    fn a_page_is_judged_by_what_it_admitted_and_when() {
        let seen = Seen {
            since: at(0),
            noticed: at(60),
            recovered: Some(at(3600)),
            horizon: at(9_999),
        };
        let said = |admitted, over| (Admission { admitted, over }, seen);
        let lag = PageLag::of(&[
            said(Admitted::At(at(1080)), Some(at(3900))),
            said(Admitted::At(at(540)), Some(at(3000))),
            said(Admitted::Never, None),
            said(Admitted::Before(at(-9_999)), None),
        ]);
        assert_eq!(
            (lag.incidents, lag.admitted, lag.never, lag.before),
            (4, 2, 1, 1)
        );
        assert_eq!(lag.lag.map(|s| s.median_s), Some(810.0));
        assert_eq!(lag.after_us.map(|s| s.median_s), Some(750.0));
        assert_eq!(lag.over.map(|s| s.mean_s), Some(-150.0));
    }
}
