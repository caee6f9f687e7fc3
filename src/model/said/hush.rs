//! What a silence keeps back of an incident, and what of it is told when it ends.
//!
//! A silence that ends tells what stands by then, once: that something is still broken, or that what people were told of is
//! over. What came and went within it stays untold.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Spell;
use crate::model::{EventKind, Timestamp};

/// Events of an incident that were not mailed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The first of them: says what people knew before.
    first: EventKind,
    /// Something of the incident was mailed before.
    told: bool,
    /// It got worse since.
    worse: bool,
    /// Names of the probes that failed.
    failing: Vec<String>,
    /// Who said the silence, and why.
    who: String,
    why: String,
}

/// What a mail tells of what people said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remarks {
    /// Somebody works on the incident, or did.
    pub ack: Option<Acked>,
    /// The mail was kept back by a silence.
    pub silence: Option<Lifted>,
    /// Earlier mails of the thread were not sent: this one stands for them.
    pub stands_for: Option<Unsent>,
    /// Why the reader is told only now of what others know already.
    pub joins: Option<Joins>,
    /// Of a reminder that it goes on: its number since the last news, from 1; else 0.
    pub reminder: u32,
}

/// Why somebody is told later than others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joins {
    /// Nobody has acknowledged it for so long.
    Called(Duration),
    /// His hours have begun, or he was put on the list.
    OnDuty,
}

/// Mails that waited so long that a later one tells what they told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsent {
    /// How many.
    pub mails: u32,
    /// When the first of them was written.
    pub since: Timestamp,
    /// The mail server could not be reached; otherwise they waited for the end of quiet hours, or for the recipient's.
    pub server_away: bool,
}

/// An acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acked {
    /// By whom.
    pub who: String,
    /// When.
    pub at: Timestamp,
    /// What the others should know; may be empty.
    pub note: String,
    /// It ends with the event that the mail tells of.
    pub ends: bool,
}

/// A silence that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifted {
    /// Since when mails go again.
    pub at: Timestamp,
    /// Who said it.
    pub who: String,
    /// Why; may be empty.
    pub why: String,
}

impl Held {
    /// An event that `silence` keeps back, of an incident in which these probes fail.
    ///
    /// `told`: something of the incident was mailed before.
    pub fn new(event: EventKind, told: bool, failing: Vec<String>, silence: &Spell) -> Self {
        Self {
            first: event,
            told,
            worse: event == EventKind::Escalate,
            failing,
            who: silence.who.clone(),
            why: silence.why.clone(),
        }
    }

    /// A further one. A recovery names no failing probes: those before it stay.
    pub fn add(&mut self, event: EventKind, failing: Vec<String>) {
        match event {
            EventKind::Escalate => self.worse = true,
            EventKind::Deescalate => self.worse = false,
            EventKind::Open | EventKind::Close | EventKind::Reopen => {}
        }
        if !failing.is_empty() {
            self.failing = failing;
        }
    }

    /// The probes that failed.
    pub fn failing(&self) -> impl Iterator<Item = &str> {
        self.failing.iter().map(String::as_str)
    }

    /// The silence, for the mail that comes after it.
    pub fn lifted(&self, at: Timestamp) -> Lifted {
        Lifted {
            at,
            who: self.who.clone(),
            why: self.why.clone(),
        }
    }

    /// As what the incident is told when the silence is over; `None` when people know all that matters. `open`: it is
    /// still going on.
    pub fn tells(&self, open: bool) -> Option<EventKind> {
        let knew_it_open = self.told && self.first != EventKind::Reopen;
        match (open, knew_it_open) {
            (true, false) if self.told => Some(EventKind::Reopen),
            (true, false) => Some(EventKind::Open),
            (true, true) => self.worse.then_some(EventKind::Escalate),
            (false, true) => Some(EventKind::Close),
            (false, false) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use EventKind::{Close, Deescalate, Escalate, Open, Reopen};

    use super::*;
    use crate::model::said::{Anchor, SaidId, Selector, SpellKind, Stretch};

    #[test]
    fn what_is_told_after_a_silence_is_what_people_do_not_know_by_then() {
        let silence = Spell {
            id: SaidId(1),
            kind: SpellKind::Silence,
            selector: Selector::parse("openai").unwrap(),
            stretch: Stretch {
                from: Timestamp::EPOCH,
                until: Timestamp::EPOCH,
            },
            anchor: Anchor::Span,
            who: "ann".to_owned(),
            why: String::new(),
        };
        for (told, kept, wanted) in [
            // Nothing of it was ever mailed.
            (false, &[Open][..], Some(Open)),
            (false, &[Open, Escalate], Some(Open)),
            (false, &[Open, Close], None),
            (false, &[Open, Close, Reopen], Some(Open)),
            (false, &[Escalate], Some(Open)),
            (false, &[Reopen], Some(Open)),
            (false, &[Close], None),
            // People were told that it is open.
            (true, &[Escalate], Some(Escalate)),
            (true, &[Deescalate], None),
            (true, &[Deescalate, Escalate], Some(Escalate)),
            (true, &[Escalate, Deescalate], None),
            (true, &[Close], Some(Close)),
            (true, &[Escalate, Close], Some(Close)),
            (true, &[Close, Reopen], None),
            (true, &[Close, Reopen, Escalate], Some(Escalate)),
            (true, &[Close, Reopen, Close], Some(Close)),
            // People were told that it is over.
            (true, &[Reopen], Some(Reopen)),
            (true, &[Reopen, Escalate], Some(Reopen)),
            (true, &[Reopen, Close], None),
        ] {
            let mut held = Held::new(kept[0], told, Vec::new(), &silence);
            for event in &kept[1..] {
                held.add(*event, Vec::new());
            }
            let open = kept.last() != Some(&Close);
            assert_eq!(held.tells(open), wanted, "{told} {kept:?}");
        }
    }
}
