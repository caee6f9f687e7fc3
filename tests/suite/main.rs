//! Tests that need several rooms or a real socket.

mod probe;
