//! The waterfall of `watchfire probe`.
