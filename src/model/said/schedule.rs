//! When maintenance is: once, or each time that a cron expression comes to pass, for so long.
//!
//! An expression's times are those of a place; the length is time that passes. Two hours that begin at 01:00 on the night
//! in which clocks are put forward therefore end at 04:00.

use std::time::Duration;

use crate::model::{Cron, Timestamp};

/// From a moment to another, which is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Its first moment.
    pub from: Timestamp,
    /// The moment at which it is over.
    pub until: Timestamp,
}

impl Stretch {
    /// Whether a moment lies in it.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}

/// When maintenance is planned.
#[derive(Debug, Clone)]
pub enum Schedule {
    /// Once.
    Once(Stretch),
    /// So long, from each moment of the expression on. `span` is at most the shortest time between two.
    Each {
        /// When it begins.
        cron: Box<Cron>,
        /// How long it lasts.
        span: Duration,
    },
}

impl Schedule {
    /// The stretch that a moment lies in; `None` outside all.
    pub fn at(&self, moment: Timestamp) -> Option<Stretch> {
        match self {
            Schedule::Once(once) => Some(*once),
            Schedule::Each { cron, span } => {
                let from = cron.next_after(moment - *span)?;
                Some(Stretch {
                    from,
                    until: from + *span,
                })
            }
        }
        .filter(|stretch| stretch.holds(moment))
    }

    /// The first stretch that begins after a moment.
    pub fn next(&self, moment: Timestamp) -> Option<Stretch> {
        match self {
            Schedule::Once(once) => Some(*once).filter(|s| s.from > moment),
            Schedule::Each { cron, span } => {
                let from = cron.next_after(moment)?;
                Some(Stretch {
                    from,
                    until: from + *span,
                })
            }
        }
    }
}

/// A schedule that is asked once a run: it looks the calendar up only where the answer changes.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The schedule.
    pub schedule: Schedule,
    /// Within this stretch the answer is known.
    known: Option<(Stretch, bool)>,
}

impl Planned {
    /// Of a schedule.
    pub fn new(schedule: Schedule) -> Self {
        Self {
            schedule,
            known: None,
        }
    }

    /// Whether maintenance is planned at a moment.
    pub fn holds(&mut self, at: Timestamp) -> bool {
        if let Some((stretch, inside)) = self.known
            && stretch.holds(at)
        {
            return inside;
        }
        let inside = self.schedule.at(at);
        let until = match inside {
            Some(stretch) => stretch.until,
            None => self
                .schedule
                .next(at)
                .map_or(Timestamp::from_micros(i64::MAX), |s| s.from),
        };
        // From here on only: what was before is looked up again by whoever asks for it.
        self.known = Some((Stretch { from: at, until }, inside.is_some()));
        inside.is_some()
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
