//! Tests of whole rooms, in one binary.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails as loudly as a test"
)]

mod simulate;
//! Tests that need several rooms or a real socket.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's helper that cannot go on fails the test"
)]

mod probe;
