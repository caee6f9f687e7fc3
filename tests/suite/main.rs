//! Tests of whole rooms, in one binary.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails as loudly as a test"
)]

mod simulate;
