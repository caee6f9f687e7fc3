//! What is silent and what is worked on: said on the host, or planned in probes.toml.

use serde_json::{Value, json};

use crate::config::Config;
use crate::model::Timestamp;
use crate::model::said::{SaidId, Selector, SpellKind, Stretch};
use crate::report::words::{moment, span};
use crate::store::{Reader, StoreError};

/// All that stands, or is to come.
#[derive(Debug)]
pub struct Standing {
    spells: Vec<Shown>,
    now: Timestamp,
}

/// One silence or maintenance.
#[derive(Debug)]
struct Shown {
    /// `None` for what is planned in probes.toml.
    id: Option<SaidId>,
    kind: SpellKind,
    selector: Selector,
    stretch: Stretch,
    who: String,
    why: String,
}

impl Standing {
    /// What was said and is not over, and of what is planned the present or next time.
    pub fn read(reader: &Reader, config: &Config, now: Timestamp) -> Result<Self, StoreError> {
        let said = reader.standing()?.into_iter().filter_map(|row| {
            let spell = row.spell()?;
            Some(Shown {
                id: Some(spell.id),
                kind: spell.kind,
                selector: spell.selector,
                stretch: spell.stretch,
                who: spell.who,
                why: spell.why,
            })
        });
        let planned = config.maintenance.iter().filter_map(|planned| {
            let schedule = &planned.schedule;
            Some(Shown {
                id: None,
                kind: SpellKind::Maintenance,
                selector: planned.selector.clone(),
                stretch: schedule.at(now).or_else(|| schedule.next(now))?,
                who: "probes.toml".to_owned(),
                why: planned.why.clone(),
            })
        });
        let spells = said
            .chain(planned)
            .filter(|s| s.stretch.until > now)
            .collect();
        Ok(Self { spells, now })
    }

    /// In force at the moment.
    fn in_force(&self) -> impl Iterator<Item = &Shown> {
        self.spells.iter().filter(|s| s.stretch.holds(self.now))
    }

    /// What of a service's probes is silent or worked on now, in words; `None` when nothing is.
    pub fn of<'p>(
        &self,
        service: &str,
        probes: impl Iterator<Item = &'p str> + Clone,
    ) -> Option<String> {
        let words: Vec<String> = self
            .in_force()
            .filter(|s| {
                probes
                    .clone()
                    .any(|probe| s.selector.selects(service, probe))
            })
            .map(|s| {
                let what = match s.kind {
                    SpellKind::Silence => "silent",
                    SpellKind::Maintenance => "in maintenance",
                };
                format!("{what} until {}", moment(s.stretch.until))
            })
            .collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    /// What stands of a kind, a line each.
    pub fn lines_of(&self, kind: SpellKind) -> Vec<String> {
        let of_kind = self.spells.iter().filter(|s| s.kind == kind);
        of_kind.map(|s| s.line(self.now)).collect()
    }

    /// All that is in force, a line each.
    pub fn lines(&self) -> Vec<String> {
        self.in_force().map(|s| s.line(self.now)).collect()
    }

    /// What stands of a kind, an object each.
    pub fn json_of(&self, kind: SpellKind) -> Vec<Value> {
        let of_kind = self.spells.iter().filter(|s| s.kind == kind);
        of_kind.map(|s| s.to_json(self.now)).collect()
    }
}

impl Shown {
    /// `silence 3 of openai until 2026-11-25 16:00:00 (1 h 12 min left), said by ann: they know`.
    fn line(&self, now: Timestamp) -> String {
        let id = self.id.map_or(String::new(), |id| format!(" {id}"));
        let Stretch { from, until } = self.stretch;
        let when = if from > now {
            format!("from {} to {}", moment(from), moment(until))
        } else {
            format!("until {} ({} left)", moment(until), span(until.since(now)))
        };
        let by = match self.id {
            Some(_) => format!("said by {}", self.who),
            None => format!("planned in {}", self.who),
        };
        let why = match self.why.as_str() {
            "" => String::new(),
            why => format!(": {why}"),
        };
        format!(
            "{}{id} of {} {when}, {by}{why}",
            self.kind.name(),
            self.selector
        )
    }

    fn to_json(&self, now: Timestamp) -> Value {
        json!({
            "id": self.id,
            "kind": self.kind.name(),
            "select": self.selector.to_string(),
            "from": self.stretch.from.to_string(),
            "until": self.stretch.until.to_string(),
            "in_force": self.stretch.holds(now),
            "by": self.who,
            "why": self.why,
        })
    }
}
