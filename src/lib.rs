//! watchfire: a synthetic uptime prober for AI services.
//!
//! Data flows one way: configuration, timetable, check, outcome, sample, detector, incident, notification, outbox,
//! delivery. The modules stand in that order and use only what stands before them (see ARCHITECTURE.md).

pub mod chart;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod diagnostic;
pub mod engine;
pub mod model;
pub mod notify;
pub mod probe;
mod report;
pub mod schedule;
pub mod simulate;
pub mod store;
