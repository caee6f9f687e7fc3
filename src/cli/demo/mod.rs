//! `watchfire demo`: an outage of the past against the real daemon.
//!
//! `narrate` words what happens as it happens, `letter` shows a mail, `table` sums up who knew what and when. All pure.

pub mod letter;
pub mod narrate;
pub mod table;
