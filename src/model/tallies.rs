//! How often which result came: what uptime is counted from. Sums of hours make days, and those make reports.

use std::collections::BTreeMap;

use super::histogram::{put, take};
use super::{Origin, Outcome};

/// Added to the code of an outcome when the run was a re-check.
pub const RECHECK: u16 = 1000;
/// First byte of the bytes: the meaning of what follows.
const VERSION: u8 = 1;

/// Runs by outcome and origin.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tallies(BTreeMap<u16, u64>);

impl Tallies {
    /// Counts a run.
    pub fn add(&mut self, outcome: Outcome, origin: Origin) {
        let recheck = if origin == Origin::Recheck {
            RECHECK
        } else {
            0
        };
        self.count(outcome.code() + recheck, 1);
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Tallies) {
        other.0.iter().for_each(|(code, n)| self.count(*code, *n));
    }

    /// Takes the counts of another away, which were added before.
    pub fn remove(&mut self, other: &Tallies) {
        for (code, n) in &other.0 {
            if let Some(own) = self.0.get_mut(code) {
                *own = own.saturating_sub(*n);
            }
        }
        self.0.retain(|_, n| *n > 0);
    }

    /// Runs of each kind; `None` for an outcome of a newer version.
    pub fn iter(&self) -> impl Iterator<Item = (Option<Outcome>, Origin, u64)> + '_ {
        self.0
            .iter()
            .map(|(code, n)| match code.checked_sub(RECHECK) {
                Some(code) => (Outcome::from_code(code), Origin::Recheck, *n),
                None => (Outcome::from_code(*code), Origin::Scheduled, *n),
            })
    }

    /// Scheduled runs that say something of the service, or why they do not: all but what is only noted.
    pub fn scheduled(&self) -> u64 {
        const NOTED: u16 = Outcome::Noted.code();
        let runs = self
            .0
            .iter()
            .filter(|(code, _)| **code < RECHECK && **code != NOTED);
        runs.map(|(_, n)| *n).sum()
    }

    /// The bytes to keep: a version, then for each code its distance from the one before and its count.
    pub fn encode(&self) -> Vec<u8> {
        let (mut bytes, mut before) = (vec![VERSION], 0);
        for (code, n) in &self.0 {
            put(&mut bytes, u64::from(code - before));
            put(&mut bytes, *n);
            before = *code;
        }
        bytes
    }

    /// Adds what [`Tallies::encode`] made; `None` for anything else, of which a part may have been added.
    pub fn merge_bytes(&mut self, bytes: &[u8]) -> Option<()> {
        let (version, mut rest) = bytes.split_first()?;
        let mut code = 0_u16;
        while *version == VERSION && !rest.is_empty() {
            let step = u16::try_from(take(&mut rest)?).ok()?;
            code = code.checked_add(step)?;
            let n = take(&mut rest)?;
            self.count(code, n);
        }
        (*version == VERSION).then_some(())
    }

    fn count(&mut self, code: u16, n: u64) {
        if n > 0 {
            let own = self.0.entry(code).or_default();
            *own = own.saturating_add(n);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Cause, FailureKind, Fault};

    fn some() -> Tallies {
        let mut tallies = Tallies::default();
        let failed = Outcome::Failure(FailureKind::CountRaised, Fault::Provider);
        for (outcome, origin) in [
            (Outcome::Success, Origin::Scheduled),
            (failed, Origin::Scheduled),
            (failed, Origin::Scheduled),
            (failed, Origin::Recheck),
            (Outcome::Inconclusive(Cause::Blind), Origin::Scheduled),
        ] {
            tallies.add(outcome, origin);
        }
        tallies
    }

    #[test]
    fn what_is_added_and_taken_away_again_was_never_there() {
        let mut sum = some();
        let mut more = Tallies::default();
        more.add(Outcome::Noted, Origin::Scheduled);
        more.merge(&some());
        sum.merge(&more);
        sum.remove(&more);
        assert_eq!(sum, some());
    }

    #[test]
    fn it_comes_back_from_its_bytes_which_are_few() {
        let bytes = some().encode();
        assert!(bytes.len() < 16, "{}", bytes.len());
        let mut back = Tallies::default();
        back.merge_bytes(&bytes).unwrap();
        assert_eq!(back, some());
        let rechecks = back.iter().filter(|(_, o, _)| *o == Origin::Recheck);
        assert_eq!(rechecks.map(|(.., n)| n).sum::<u64>(), 1);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            Tallies::default().merge_bytes(&bytes);
        }
    }
}
