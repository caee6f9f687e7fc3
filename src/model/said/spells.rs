//! The silences and maintenances that were said and are not over, and what an order comes to while they stand.
//!
//! Deciding changes nothing: it gives an answer and an effect, and whoever acts applies the effect.

use std::time::Duration;

use super::order::{Anchor, Ask, Order, SaidId, SpellKind, Target, Wish, shown};
use super::{Selector, Stretch};
use crate::model::{IncidentId, Timestamp};

/// Spells at a time; more than this is a mistake of whoever generates them.
const MOST: usize = 1_000;
/// A maintenance is remembered so long after its end, for runs that began in it: none lasts longer than an hour.
const REMEMBERED: Duration = Duration::from_secs(7_200);

/// A silence or a maintenance that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spell {
    /// Its number.
    pub id: SaidId,
    /// Which of the two.
    pub kind: SpellKind,
    /// For which probes.
    pub selector: Selector,
    /// From when until when.
    pub stretch: Stretch,
    /// What its times are.
    pub anchor: Anchor,
    /// Who said it.
    pub who: String,
    /// Why; may be empty.
    pub why: String,
}

/// What the engine knows of an incident that somebody acknowledges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It is open.
    Open,
    /// There was one of this number.
    Over,
    /// There was none.
    Never,
}

/// What comes of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// For the one who said it.
    pub answer: String,
    /// What it changes; `None` when it is refused.
    pub effect: Option<Effect>,
}

/// What an order changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// An incident is acknowledged.
    Ack(IncidentId),
    /// A spell begins to stand.
    Begin(Spell),
    /// Spells end.
    End(Vec<SaidId>),
    /// Letters are sent, again or at once.
    Retry(Vec<i64>),
    /// Letters are not sent any more: which, and by whom and why.
    Discard(Vec<i64>, String),
}

/// A spell that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Which one.
    pub spell: Spell,
    /// When.
    pub at: Timestamp,
    /// Who ended it; `None` when its time was over.
    pub by: Option<String>,
}

/// All that stand.
#[derive(Debug, Clone, Default)]
pub struct Spells {
    standing: Vec<Spell>,
    /// Maintenances that are over, for runs that began in them.
    over: Vec<Spell>,
}

impl Spells {
    /// Those that an earlier daemon left standing.
    pub fn new(standing: Vec<Spell>) -> Self {
        Self {
            standing,
            over: Vec::new(),
        }
    }

    /// What an order comes to at `now`; when it is a new spell, `id` is its number.
    pub fn decide(
        &self,
        order: &Order,
        id: SaidId,
        now: Timestamp,
        known: impl Fn(IncidentId) -> Known,
    ) -> Decision {
        let decided = match &order.ask {
            Ask::Ack { incident, .. } => ack(*incident, known(*incident)),
            Ask::Begin(wish) => self.begin(wish, order, id, now),
            Ask::End { kind, target } => self.end(*kind, target),
            // What is said of letters is decided by who has them.
            Ask::Retry { .. } | Ask::Drop { .. } => Err("nothing is known of letters".to_owned()),
        };
        decided.unwrap_or_else(|answer| Decision {
            answer,
            effect: None,
        })
    }

    fn begin(
        &self,
        wish: &Wish,
        order: &Order,
        id: SaidId,
        now: Timestamp,
    ) -> Result<Decision, String> {
        wish.check(now)?;
        if self.standing.len() >= MOST {
            return Err(format!(
                "{MOST} silences and maintenances stand already; end some of them first"
            ));
        }
        let spell = Spell {
            id,
            kind: wish.kind,
            selector: wish.selector.clone(),
            // What has run before was judged by then.
            stretch: Stretch {
                from: wish.from.max(now),
                until: wish.until,
            },
            anchor: wish.anchor,
            who: order.who.clone(),
            why: wish.why.clone(),
        };
        let (selector, until) = (&spell.selector, shown(spell.stretch.until));
        let from = match spell.stretch.from > now {
            true => format!("from {} ", shown(spell.stretch.from)),
            false => String::new(),
        };
        let answer = match wish.kind {
            SpellKind::Silence => format!(
                "silence {id}: nothing of {selector} is mailed {from}until {until}; all of it is recorded"
            ),
            SpellKind::Maintenance => format!(
                "maintenance {id}: the runs of {selector} count as unknown {from}until {until}"
            ),
        };
        Ok(Decision {
            answer,
            effect: Some(Effect::Begin(spell)),
        })
    }

    fn end(&self, kind: SpellKind, target: &Target) -> Result<Decision, String> {
        let meant = |spell: &&Spell| {
            spell.kind == kind
                && match target {
                    Target::Id(id) => spell.id == *id,
                    Target::Selector(selector) => spell.selector == *selector,
                }
        };
        let ids: Vec<SaidId> = self.standing.iter().filter(meant).map(|s| s.id).collect();
        let name = kind.name();
        let listed = ids
            .iter()
            .map(SaidId::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        match (ids.as_slice(), target) {
            ([], Target::Id(id)) => Err(format!("there is no {name} {id} that is not over")),
            ([], Target::Selector(s)) => Err(format!("there is no {name} of {s} that is not over")),
            _ => Ok(Decision {
                answer: format!("{name} {listed} is over"),
                effect: Some(Effect::End(ids)),
            }),
        }
    }

    /// Adds one that was granted.
    pub fn add(&mut self, spell: Spell) {
        self.standing.push(spell);
    }

    /// Ends some of them, by whom.
    pub fn end_now(&mut self, ids: &[SaidId], by: &str, now: Timestamp) -> Vec<Ended> {
        let ended = self.take(|spell| ids.contains(&spell.id));
        ended
            .into_iter()
            .map(|spell| self.remember(spell, now, Some(by.to_owned())))
            .collect()
    }

    /// Those whose time is over at `now`, each once.
    pub fn expire(&mut self, now: Timestamp) -> Vec<Ended> {
        self.over
            .retain(|spell| now.since(spell.stretch.until) < REMEMBERED);
        let ended = self.take(|spell| spell.stretch.until <= now);
        ended
            .into_iter()
            .map(|spell| {
                let at = spell.stretch.until;
                self.remember(spell, at, None)
            })
            .collect()
    }

    fn take(&mut self, which: impl Fn(&Spell) -> bool) -> Vec<Spell> {
        let (taken, left) = std::mem::take(&mut self.standing)
            .into_iter()
            .partition(which);
        self.standing = left;
        taken
    }

    fn remember(&mut self, mut spell: Spell, at: Timestamp, by: Option<String>) -> Ended {
        spell.stretch.until = spell.stretch.until.min(at);
        if spell.kind == SpellKind::Maintenance {
            self.over.push(spell.clone());
        }
        Ended { spell, at, by }
    }

    /// The wall clock was stepped.
    pub fn shift(&mut self, micros: i64) {
        let spans = |spell: &&mut Spell| spell.anchor == Anchor::Span;
        for spell in self.standing.iter_mut().chain(&mut self.over).filter(spans) {
            spell.stretch.from = spell.stretch.from.shifted(micros);
            spell.stretch.until = spell.stretch.until.shifted(micros);
        }
    }

    /// The silence that keeps mails of an incident of `service` back at `now`: one of the whole service, or one of every
    /// probe that fails in it.
    pub fn silence(&self, service: &str, failing: &[&str], now: Timestamp) -> Option<&Spell> {
        self.standing.iter().find(|spell| {
            let all_selected = || {
                !failing.is_empty() && failing.iter().all(|p| spell.selector.selects(service, p))
            };
            spell.kind == SpellKind::Silence
                && spell.stretch.holds(now)
                && (spell.selector.selects_whole(service) || all_selected())
        })
    }

    /// Whether any silence stands or is to come.
    pub fn any_silence(&self) -> bool {
        let mut all = self.standing.iter();
        all.any(|spell| spell.kind == SpellKind::Silence)
    }

    /// The maintenances of a probe, also those that are over and those to come.
    pub fn maintenances<'s>(
        &'s self,
        service: &'s str,
        probe: &'s str,
    ) -> impl Iterator<Item = Stretch> + 's {
        let all = self.standing.iter().chain(&self.over);
        all.filter(move |s| s.kind == SpellKind::Maintenance && s.selector.selects(service, probe))
            .map(|spell| spell.stretch)
    }

    /// Whether any maintenance was said that may still matter.
    pub fn any_maintenance(&self) -> bool {
        let mut all = self.standing.iter().chain(&self.over);
        all.any(|spell| spell.kind == SpellKind::Maintenance)
    }
}

fn ack(incident: IncidentId, known: Known) -> Result<Decision, String> {
    match known {
        Known::Open => Ok(Decision {
            answer: format!(
                "incident {incident} is acknowledged: no reminders, and nobody else is called, unless it gets worse or comes back"
            ),
            effect: Some(Effect::Ack(incident)),
        }),
        Known::Over => Err(format!(
            "incident {incident} is over: there is nothing to acknowledge"
        )),
        Known::Never => Err(format!("there is no incident {incident}")),
    }
}

#[cfg(test)]
#[path = "spells_tests.rs"]
mod tests;
