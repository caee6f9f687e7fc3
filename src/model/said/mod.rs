//! What people say on the host: an acknowledgement, a silence, a maintenance.
//!
//! A silence keeps mails back and nothing else. A maintenance keeps runs from being judged. An acknowledgement says that
//! somebody works on an incident.

pub mod hush;
pub mod order;
pub mod schedule;
pub mod selector;
pub mod spells;
pub mod when;

pub use hush::{Acked, Held, Joins, Lifted, Remarks, Unsent};
pub use order::{Anchor, Ask, Order, SaidId, SpellKind, Target, Wish};
pub use schedule::{Planned, Schedule, Stretch};
pub use selector::Selector;
pub use spells::{Decision, Effect, Ended, Known, Spell, Spells};
