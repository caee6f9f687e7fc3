//! Letters and their way to the reader: how they look, how they are sent, and what mail servers do to them.

mod cases;
mod delivery;
pub(crate) mod letters;
mod page;
mod server;
mod smtp;
mod worker;
