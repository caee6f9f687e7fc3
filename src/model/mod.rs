//! The words of watchfire and everything it decides. Pure: no I/O, no runtime, no clock.
//!
//! Whoever needs "now" is given it. What is decided here is therefore the same live, in a replay and in a test.

pub mod admission;
pub mod blind;
pub mod budget;
pub mod cadence;
pub mod cap;
pub mod claim;
pub mod common;
pub mod concerned;
pub mod counts;
pub mod crowd;
pub mod detect;
pub mod digest;
pub mod event_line;
pub mod findings;
pub mod fold;
pub mod forecast;
pub mod forecast_plain;
pub mod glob;
pub mod headroom;
pub mod histogram;
pub mod hours;
pub mod incident;
pub mod life;
pub mod mailing;
pub mod money;
pub mod notice;
pub mod notification;
pub mod ours;
pub mod outcome;
pub mod post;
pub mod price;
pub mod probe;
pub mod question;
pub mod replay;
pub mod response;
pub mod roster;
pub mod route;
pub mod said;
pub mod sample;
pub mod scenario;
pub mod scene;
pub mod secret;
pub mod slo;
pub mod span;
pub mod story;
pub mod tallies;
pub mod time;
pub mod trace;
pub mod tuning;
pub mod uptime;

pub use cadence::{Cadence, Cron};
pub use claim::{Claim, Standing};
pub use counts::Counts;
pub use findings::{Findings, Usage};
pub use headroom::Headroom;
pub use incident::{
    EventKind, IncidentEvent, IncidentId, IncidentKind, Quantity, Severity, Slow, Verdict,
};
pub use money::{Cost, MicroUsd};
pub use notice::{Deadline, Topic};
pub use outcome::{Cause, FailureKind, Fault, Outcome, Phase};
pub use price::Tariff;
pub use probe::{Confirm, Judged, ProbeId, ServiceId};
pub use question::Question;
pub use sample::{Evidence, Origin, Phases, Sample};
pub use secret::{Redactor, Secret};
pub use time::Timestamp;
