//! What somebody at the host wants, as a command writes it down for the daemon.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Selector;
use crate::model::{IncidentId, Timestamp};

/// No silence and no maintenance lasts longer: what is not watched for a month is better taken out of probes.toml.
pub const LONGEST: Duration = Duration::from_secs(30 * 86_400);
/// Nothing is planned further ahead than a year and some weeks.
pub const FURTHEST: Duration = Duration::from_secs(400 * 86_400);
/// Characters of a reason or note.
pub const TEXT_LIMIT: usize = 500;
/// Characters of the name of somebody.
const WHO_LIMIT: usize = 100;

/// The number of what was said, as users see it. Counted from 1, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SaidId(pub u64);

impl std::fmt::Display for SaidId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// One thing that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// When it was said.
    pub at: Timestamp,
    /// By whom: a login name.
    pub who: String,
    /// What.
    pub ask: Ask,
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Ask {
    /// Somebody works on an incident.
    Ack {
        /// Which one.
        incident: IncidentId,
        /// What the others should know; may be empty.
        note: String,
    },
    /// A silence or a maintenance.
    Begin(Wish),
    /// Letters of the outbox are to be sent, again or at once.
    Retry {
        /// Which one; `None`: all that were given up.
        letter: Option<i64>,
    },
    /// A letter of the outbox is not to be sent any more.
    Drop {
        /// Which one.
        letter: i64,
        /// Why.
        why: String,
    },
    /// The end of one, before its time.
    End {
        /// Of which of the two.
        kind: SpellKind,
        /// Of which ones.
        target: Target,
    },
}

/// A silence or a maintenance that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// Which of the two.
    pub kind: SpellKind,
    /// For which probes.
    pub selector: Selector,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// What its times are.
    pub anchor: Anchor,
    /// Why; may be empty.
    pub why: String,
}

/// What lasts for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum SpellKind {
    /// Judged and recorded, not mailed.
    Silence = 2,
    /// Probed, and not judged.
    Maintenance = 3,
}

impl SpellKind {
    /// `silence` or `maintenance`.
    pub const fn name(self) -> &'static str {
        match self {
            SpellKind::Silence => "silence",
            SpellKind::Maintenance => "maintenance",
        }
    }
}

/// What happens to the times of a spell when the wall clock is stepped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// "For two hours": they move along, as two hours stay two hours.
    Span,
    /// "From 22:00": they stay.
    Calendar,
}

/// Which spells are to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The one with this number.
    Id(SaidId),
    /// All that were said with this selector.
    Selector(Selector),
}

impl Order {
    /// Reads what [`Order::write`] wrote.
    ///
    /// # Errors
    /// With the reason, when it is anything else.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut order: Self = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        order.who = plain(&order.who, WHO_LIMIT);
        match &mut order.ask {
            Ask::Ack { note: text, .. }
            | Ask::Begin(Wish { why: text, .. })
            | Ask::Drop { why: text, .. } => {
                *text = plain(text, TEXT_LIMIT);
            }
            Ask::End { .. } | Ask::Retry { .. } => {}
        }
        if order.who.is_empty() {
            return Err("nobody is named who says it".to_owned());
        }
        Ok(order)
    }

    /// As JSON.
    pub fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl Wish {
    /// Whether it can be granted.
    ///
    /// # Errors
    /// In words for the one who said it.
    pub fn check(&self, now: Timestamp) -> Result<(), String> {
        let kind = self.kind.name();
        let days = |span: Duration| span.as_secs() / 86_400;
        if self.until <= self.from {
            return Err(format!("the {kind} would end before it begins"));
        }
        if self.until <= now {
            return Err(format!("the {kind} was over at {}", shown(self.until)));
        }
        if self.until.since(self.from) > LONGEST {
            return Err(format!(
                "a {kind} lasts at most {} days; what is not to be watched for longer is better taken out of probes.toml",
                days(LONGEST)
            ));
        }
        if self.from.since(now) > FURTHEST {
            return Err(format!(
                "a {kind} begins at most {} days ahead",
                days(FURTHEST)
            ));
        }
        Ok(())
    }
}

/// A text of one line: every control character becomes a blank, and what is too long is cut.
fn plain(text: &str, limit: usize) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(limit)
        .collect();
    line.trim().to_owned()
}

/// `2026-11-25 16:00 UTC`, with seconds where there are any.
pub(super) fn shown(at: Timestamp) -> String {
    let form = if at.as_micros() % 60_000_000 == 0 {
        "%Y-%m-%d %H:%M UTC"
    } else {
        "%Y-%m-%d %H:%M:%S UTC"
    };
    at.to_utc()
        .map_or_else(|| at.to_string(), |utc| utc.format(form).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(from: &str, until: &str) -> Wish {
        Wish {
            kind: SpellKind::Silence,
            selector: Selector::parse("openai/*").unwrap(),
            from: Timestamp::parse(from).unwrap(),
            until: Timestamp::parse(until).unwrap(),
            anchor: Anchor::Span,
            why: "a deployment".to_owned(),
        }
    }

    fn order(ask: Ask) -> Order {
        Order {
            at: Timestamp::parse("2026-11-25T14:00:00Z").unwrap(),
            who: "ann".to_owned(),
            ask,
        }
    }

    #[test]
    fn every_order_comes_back_from_what_was_written() {
        let of = |target| Ask::End {
            kind: SpellKind::Maintenance,
            target,
        };
        for ask in [
            Ask::Ack {
                incident: IncidentId(7),
                note: "the pool is full".to_owned(),
            },
            Ask::Begin(wish("2026-11-25T14:00:00Z", "2026-11-25T16:00:00Z")),
            Ask::Retry { letter: None },
            Ask::Retry { letter: Some(7) },
            Ask::Drop {
                letter: 7,
                why: "it is old".to_owned(),
            },
            of(Target::Id(SaidId(3))),
            of(Target::Selector(Selector::parse("*/chat").unwrap())),
        ] {
            let order = order(ask);
            assert_eq!(Order::read(&order.write()).unwrap(), order);
        }
    }

    #[test]
    fn what_is_no_order_is_refused_and_texts_are_made_plain() {
        let good = String::from_utf8(
            order(Ask::Ack {
                incident: IncidentId(7),
                note: String::new(),
            })
            .write(),
        )
        .unwrap();
        for bad in [
            String::new(),
            "{}".to_owned(),
            "[1]".to_owned(),
            good.replace("\"ann\"", "\" \\n \""),
            good.replace("\"ann\"", "null"),
            good.replace("\"who\"", "\"whom\""),
            good.replace(":7", ":-7"),
            good.replace("\"note\"", "\"notes\""),
            format!("{good}{good}"),
            "[".repeat(100_000),
        ] {
            assert!(Order::read(bad.as_bytes()).is_err(), "{bad:.100}");
        }
        let odd = good.replace(
            "\"note\":\"\"",
            &format!("\"note\":\"a\\u001b[31m\\nb{}\"", "x".repeat(900)),
        );
        let Ask::Ack { note, .. } = Order::read(odd.as_bytes()).unwrap().ask else {
            panic!("another order");
        };
        assert!(note.starts_with("a [31m bxxx"));
        assert_eq!(note.chars().count(), TEXT_LIMIT);
    }

    #[test]
    fn a_wish_for_no_time_for_the_past_or_for_ever_is_refused() {
        let now = Timestamp::parse("2026-11-25T14:00:00Z").unwrap();
        for (from, until, reason) in [
            ("2026-11-25T14:00:00Z", "2026-11-25T16:00:00Z", ""),
            ("2026-11-25T12:00:00Z", "2026-11-25T14:00:01Z", ""),
            (
                "2026-11-25T14:00:00Z",
                "2026-11-25T14:00:00Z",
                "would end before it begins",
            ),
            (
                "2026-11-25T15:00:00Z",
                "2026-11-25T14:30:00Z",
                "would end before it begins",
            ),
            (
                "2026-11-25T12:00:00Z",
                "2026-11-25T14:00:00Z",
                "was over at 2026-11-25 14:00 UTC",
            ),
            (
                "2026-11-25T14:00:00Z",
                "2026-12-27T14:00:00Z",
                "at most 30 days",
            ),
            (
                "2028-11-25T14:00:00Z",
                "2028-11-25T15:00:00Z",
                "400 days ahead",
            ),
        ] {
            let checked = wish(from, until).check(now);
            match reason {
                "" => assert_eq!(checked, Ok(()), "{from} {until}"),
                reason => assert!(checked.unwrap_err().contains(reason), "{from} {until}"),
            }
        }
    }
}
