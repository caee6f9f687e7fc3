//! The fake provider: plays a scenario over real HTTP, for drills, for the demo and for tests.
//!
//! `file` reads scenarios and `builtin` keeps those that come with watchfire; `provider` decides what each request
//! meets, `answer` says what that looks like on the wire, `server` carries it. `faults` is another server: one that breaks
//! the rules of HTTP, TLS and DNS themselves. `smtp` does the same with the rules of mail.

mod answer;
pub mod builtin;
mod chat;
pub mod faults;
mod fields;
pub mod file;
mod images;
mod pages;
pub mod provider;
mod script;
mod server;
pub mod smtp;
mod status_page;
mod videos;

pub use provider::{Provider, Tally};
pub use server::serve;
