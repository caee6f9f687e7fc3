//! What a time was like: read from the database, and put into words. Commands print it, digests mail it.

pub mod digest;
pub mod figures;
pub mod gather;
pub mod pages;
pub mod period;
pub mod words;
