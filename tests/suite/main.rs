//! Tests of whole rooms, in one binary.

mod simulate;
