//! Tests that need several rooms at once.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod detector;
mod detector_properties;
