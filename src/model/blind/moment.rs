//! What each service saw last: do most of them fail in the same moment, in a way that the prober itself would explain?

use std::collections::HashMap;

use super::{Glimpse, Lack, Sign};
use crate::model::{ServiceId, Timestamp};

/// Fewer services than this prove nothing by failing together.
pub(super) const FEWEST: usize = 3;

/// The latest of every service. The runs are counted by service, so that one with many probes has one voice.
#[derive(Debug, Clone, Default)]
pub(super) struct Moment {
    latest: HashMap<ServiceId, Latest>,
    /// Something was taken since it was last looked at.
    new: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Latest {
    /// The end of the latest run that was answered.
    answered: Option<Timestamp>,
    failed: Option<Failed>,
}

/// The latest failure that the prober itself would explain.
#[derive(Debug, Clone, Copy)]
struct Failed {
    lack: Lack,
    at: Timestamp,
    known: Timestamp,
}

impl Latest {
    /// Its latest failure, unless it has been answered since.
    fn fails(&self) -> Option<Failed> {
        self.failed
            .filter(|failed| self.answered.is_none_or(|at| at < failed.known))
    }

    fn seen(&self) -> Option<Timestamp> {
        self.answered.max(self.failed.map(|failed| failed.known))
    }
}

impl Moment {
    pub fn take(&mut self, run: Glimpse) {
        let latest = match run.sign {
            Sign::Answered | Sign::Lacks(_) => self.latest.entry(run.service).or_default(),
            Sign::Unanswered | Sign::Nothing => return,
        };
        match run.sign {
            Sign::Lacks(lack) => {
                latest.failed = Some(Failed {
                    lack,
                    at: run.at,
                    known: run.known,
                });
                self.new = true;
            }
            _ => {
                // Calm brings nothing that would have to be looked at.
                self.new |= latest.fails().is_some();
                latest.answered = latest.answered.max(Some(run.known));
            }
        }
    }

    /// Whether there is something to look at; not any more after that.
    pub fn is_new(&mut self) -> bool {
        std::mem::take(&mut self.new)
    }

    /// When the service last failed, if it has not been answered since.
    pub fn failed_since(&self, service: ServiceId) -> Option<Timestamp> {
        let failed = self.latest.get(&service)?.fails()?;
        Some(failed.known)
    }

    /// What most of the services that ran since `from` lack, and the start of the first of those failures.
    pub fn most_fail(&self, from: Timestamp) -> Option<(Lack, Timestamp)> {
        let ran = self.latest.values().filter(|l| l.seen() >= Some(from));
        let failing = |lack| {
            let fails = self.latest.values().filter_map(Latest::fails);
            fails.filter(move |f| f.lack == lack && f.known >= from)
        };
        let ran = ran.count();
        [Lack::Network, Lack::Clock].into_iter().find_map(|lack| {
            let count = failing(lack).count();
            let first = failing(lack).map(|f| f.at).min()?;
            (count >= FEWEST && count * 2 > ran).then_some((lack, first))
        })
    }

    /// Whether half of the services that have failed since `since` have been answered after it.
    pub fn most_answer_since(&self, since: Timestamp) -> bool {
        let failed = |l: &&Latest| l.failed.is_some_and(|f| f.known >= since);
        let (mut all, mut answered) = (0, 0);
        for latest in self.latest.values().filter(failed) {
            all += 1;
            answered += usize::from(latest.fails().is_none());
        }
        answered * 2 >= all
    }

    pub fn retain(&mut self, keep: impl Fn(ServiceId) -> bool) {
        self.latest.retain(|service, _| keep(*service));
        self.new = true;
    }

    pub fn shift(&mut self, micros: i64) {
        for latest in self.latest.values_mut() {
            let failed = latest
                .failed
                .iter_mut()
                .flat_map(|f| [&mut f.at, &mut f.known]);
            for moment in failed.chain(latest.answered.iter_mut()) {
                *moment = moment.shifted(micros);
            }
        }
    }
}
