//! Which probes of a service an incident is about, in a sentence: `chat and login fail; api works as usual.`
//!
//! A probe fails when at least half of its runs do, beyond chance, and at times when some do. One that has failed too
//! seldom or run too little to tell is not said to work.

use super::Severity;
use super::fold::Part;

/// Probes that are named of each sort; the rest is counted.
const NAMED: usize = 6;
/// A probe works as usual when no more of its runs fail than this: of most probes fewer do.
const USUAL: f64 = 0.02;
/// A probe that has failed is said to have done so, whatever that means, while it has run less often than this.
const FEW: u32 = 10;

/// A probe, and its runs in an incident; `None` where only is known that the incident is about it.
pub type Role<'a> = (&'a str, Option<Part>);

/// When it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tense {
    /// While it goes on.
    Present,
    /// When it is over.
    Past,
}

/// The probes of a service by what they show.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Concerned<'a> {
    /// At least half of the runs fail.
    fails: Vec<&'a str>,
    /// Some of the runs fail.
    at_times: Vec<&'a str>,
    /// Has failed, in too few runs to say more.
    too: Vec<&'a str>,
    usual: Vec<&'a str>,
}

impl<'a> Concerned<'a> {
    /// Sorts the probes, each with its runs since the onset; those that have not run are left out.
    pub fn of(probes: impl IntoIterator<Item = (&'a str, Part)>) -> Self {
        let mut sorted = Self::default();
        for (name, part) in probes {
            let seldom = f64::from(part.failed) <= USUAL * f64::from(part.of);
            let sort = match part.severity() {
                _ if part.of == 0 => continue,
                Some(Severity::Major) => &mut sorted.fails,
                Some(_) => &mut sorted.at_times,
                None if seldom => &mut sorted.usual,
                // Few runs say nothing yet, many that it is nearly as usual.
                None if part.of < FEW => &mut sorted.too,
                None => continue,
            };
            sort.push(name);
        }
        sorted
    }

    /// The sentence; `None` when no probe has failed.
    pub fn sentence(&self, tense: Tense) -> Option<String> {
        let one = |names: &[&str]| names.len() == 1;
        let past = tense == Tense::Past;
        let mut fail = Vec::new();
        if !self.fails.is_empty() {
            let verb = match one(&self.fails) {
                _ if past => "failed",
                true => "fails",
                false => "fail",
            };
            fail.push(format!("{} {verb}", listed(&self.fails)));
        }
        if !self.at_times.is_empty() {
            let verb = if past { "failed" } else { "fail" };
            let some = if fail.is_empty() { "Some" } else { "some" };
            fail.push(format!("{some} runs of {} {verb}", listed(&self.at_times)));
        }
        if !self.too.is_empty() {
            let verb = match one(&self.too) {
                _ if past => "failed",
                true => "has failed",
                false => "have failed",
            };
            let too = if fail.is_empty() { "" } else { " too" };
            fail.push(format!("{} {verb}{too}", listed(&self.too)));
        }
        if fail.is_empty() {
            return None;
        }
        let verb = match one(&self.usual) {
            _ if past => "worked",
            true => "works",
            false => "work",
        };
        let usual = match self.usual.as_slice() {
            [] => String::new(),
            usual => format!("; {} {verb} as usual", listed(usual)),
        };
        Some(format!("{}{usual}.", fail.join(", ")))
    }
}

/// `a, b and c`, or the first few and `3 others`.
pub fn listed(names: &[impl AsRef<str>]) -> String {
    let others = names.len().saturating_sub(NAMED);
    let named = names.iter().take(NAMED);
    let mut shown: Vec<String> = named.map(|n| n.as_ref().to_owned()).collect();
    match others {
        0 => {}
        1 => shown.push("1 other".to_owned()),
        more => shown.push(format!("{more} others")),
    }
    match shown.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => shown.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(tense: Tense, probes: &[(&str, u32, u32)]) -> Option<String> {
        let parts = probes.iter().map(|(name, failed, of)| {
            let (failed, of) = (*failed, *of);
            (*name, Part { failed, of })
        });
        Concerned::of(parts).sentence(tense)
    }

    #[test]
    fn those_that_fail_are_told_from_those_that_work_as_usual() {
        let probes = [("chat", 9, 9), ("login", 8, 9), ("api", 0, 9)];
        assert_eq!(
            told(Tense::Present, &probes).as_deref(),
            Some("chat and login fail; api works as usual.")
        );
        assert_eq!(
            told(Tense::Past, &probes).as_deref(),
            Some("chat and login failed; api worked as usual.")
        );
    }

    #[test]
    fn a_part_of_the_runs_is_not_all_of_them() {
        let probes = [
            ("chat", 9, 9),
            ("image", 12, 40),
            ("api", 0, 9),
            ("web", 1, 60),
            ("models", 12, 252),
        ];
        assert_eq!(
            told(Tense::Present, &probes).as_deref(),
            Some("chat fails, some runs of image fail; api and web work as usual.")
        );
        let alone = [("image", 12, 40)];
        assert_eq!(
            told(Tense::Past, &alone).as_deref(),
            Some("Some runs of image failed.")
        );
    }

    #[test]
    fn what_has_run_too_little_is_neither_broken_nor_as_usual() {
        let probes = [
            ("chat", 3, 3),
            ("login", 1, 1),
            ("api", 1, 4),
            ("web", 0, 0),
        ];
        assert_eq!(
            told(Tense::Present, &probes).as_deref(),
            Some("chat fails, login and api have failed too.")
        );
        let each_once = [("chat", 1, 1), ("login", 1, 1), ("api", 3, 50)];
        assert_eq!(
            told(Tense::Present, &each_once).as_deref(),
            Some("chat and login have failed.")
        );
    }

    #[test]
    fn where_nothing_failed_nothing_is_said_and_where_much_did_the_rest_is_counted() {
        assert_eq!(told(Tense::Present, &[("chat", 0, 9)]), None);
        assert_eq!(told(Tense::Present, &[]), None);
        let names: Vec<String> = (0..9).map(|n| format!("p{n}")).collect();
        let many: Vec<(&str, u32, u32)> = names.iter().map(|n| (n.as_str(), 9, 9)).collect();
        assert_eq!(
            told(Tense::Present, &many).as_deref(),
            Some("p0, p1, p2, p3, p4, p5 and 3 others fail.")
        );
    }
}
