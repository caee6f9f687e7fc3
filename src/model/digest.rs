//! What a digest tells: how a time was, service by service, and what is coming. Words, ready to be set.

use super::Timestamp;

/// The content of a digest.
#[derive(Debug, Clone, PartialEq)]
pub struct Digest {
    /// When the time begins.
    pub from: Timestamp,
    /// When it ends: the moment at which it is written.
    pub to: Timestamp,
    /// Name of the place that probes.
    pub location: String,
    /// How each service was, those with trouble first.
    pub services: Vec<ServiceDigest>,
    /// What ends soon, and which limits are nearly used up, a sentence each.
    pub coming: Vec<String>,
}

/// How one service was.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceDigest {
    /// Its title.
    pub title: String,
    /// Its incidents in the time.
    pub incidents: usize,
    /// Of these, those that go on.
    pub open: usize,
    /// What is told: of what, and what.
    pub facts: Vec<(&'static str, String)>,
}
