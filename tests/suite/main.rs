//! Tests that need several rooms at once.

mod detector;
mod detector_properties;
