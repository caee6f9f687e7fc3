//! The detectors.
