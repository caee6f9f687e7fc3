//! Broken HTTP/1.1, as data: one table a subject.
//!
//! The first request has been read when a mode begins. Where an answer is odd and yet whole, RFC 9112 or what every
//! client does decides that it is one.

mod bodies;
mod breaks;
mod floods;
mod framing;
mod heads;
mod redirects;

use super::Mode;

/// All tables.
pub(super) const TABLES: &[&[Mode]] = &[
    breaks::MODES,
    floods::MODES,
    heads::MODES,
    framing::LENGTHS,
    framing::CHUNKS,
    bodies::MODES,
    redirects::MODES,
];
