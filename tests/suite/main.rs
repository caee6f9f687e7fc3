//! Tests of whole rooms, over real sockets and files, in one binary.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails as loudly as a test"
)]

mod blindness;
mod budget;
mod claims;
mod commands;
mod config;
mod daemon;
mod detector;
mod detector_properties;
mod engine;
mod forecast;
mod hook;
mod notify;
mod people;
mod post;
mod probe;
mod reports;
mod said;
mod scene;
mod simulate;
mod storage;
mod store;
mod stories;
mod webhook;
mod whose_fault;
mod wire;
