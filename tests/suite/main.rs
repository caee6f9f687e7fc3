//! Tests that need several rooms or a real socket.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's helper that cannot go on fails the test"
)]

mod probe;
