//! Connections that break off, stand still or drip.

use crate::model::{FailureKind as Kind, Fault};
use crate::simulate::faults::play::Act::{Await, Drip, Hold, Pause, Reset, Say};
use crate::simulate::faults::{Mode, Seen, in_body, mode, waiting};

use super::super::Phase;

const CLOSED: Seen = waiting(Kind::Reset, Fault::Network);
const SILENT: Seen = waiting(Kind::Timeout, Fault::Provider);
const HALF: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc";
const WHOLE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine";

#[rustfmt::skip]
pub(super) const MODES: &[Mode] = &[
    mode("close", "closes without a word", CLOSED, &[]),
    mode("reset", "resets without a word", CLOSED, &[Reset]),
    mode("hold", "says nothing, for ever", SILENT, &[Hold]),
    mode("head-drip", "a byte of a header each 20 ms", SILENT,
        &[Say(b"HTTP/1.1 200 OK\r\nx-drip: "), Drip(b"x")]),
    mode("head-stands", "half a head, then silence", SILENT, &[Say(b"HTTP/1.1 200 OK\r\ncontent-"), Hold]),
    mode("head-cut", "half a head, then a close", CLOSED, &[Say(b"HTTP/1.1 200 OK\r\ncontent-")]),
    mode("head-cut-before-end", "a head without the empty line, then a close", CLOSED,
        &[Say(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n")]),
    mode("head-reset", "half a head, then a reset", CLOSED, &[Say(b"HTTP/1.1 200 OK\r\ncontent-"), Pause, Reset]),
    mode("body-stands", "3 of 100 bytes, then silence", in_body(Kind::Timeout), &[Say(HALF), Hold]),
    mode("body-drip", "a byte of the body each 20 ms", in_body(Kind::Timeout),
        &[Say(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n"), Drip(b"x")]),
    mode("body-cut", "3 of 100 bytes, then a close", in_body(Kind::Truncated), &[Say(HALF)]),
    mode("body-reset", "3 of 100 bytes, then a reset", Seen::Failure(Kind::Reset, Fault::Network, Phase::Body),
        &[Say(HALF), Pause, Reset]),
    mode("open-body-reset", "a body without length, then a reset",
        Seen::Failure(Kind::Reset, Fault::Network, Phase::Body),
        &[Say(b"HTTP/1.1 200 OK\r\n\r\nabc"), Pause, Reset]),
    mode("chunk-cut", "2 of 5 bytes of a chunk, then a close", in_body(Kind::Truncated),
        &[Say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab")]),
    mode("chunk-size-cut", "a chunk, then a close where the next size belongs", in_body(Kind::Truncated),
        &[Say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n")]),
    mode("idle-close", "answers, then closes the idle connection", Seen::Success, &[Say(WHOLE), Pause])
        .asked_with("connection = \"reuse\""),
    mode("close-on-reuse", "answers, then closes when the next request comes", Seen::Success, &[Say(WHOLE), Await])
        .asked_with("connection = \"reuse\""),
    mode("reset-on-reuse", "answers, then resets when the next request comes", Seen::Success,
        &[Say(WHOLE), Await, Reset])
        .asked_with("connection = \"reuse\""),
    mode("answer-unasked", "answers twice to one request", Seen::Success, &[Say(WHOLE), Say(WHOLE), Pause])
        .asked_with("connection = \"reuse\""),
];
