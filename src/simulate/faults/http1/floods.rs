//! More than anybody can want: headers, bodies and frames without end, and what unpacks to much more than was sent.

use crate::model::FailureKind as Kind;
use crate::simulate::faults::play::Act::{Flood, Make, Repeat, Say};
use crate::simulate::faults::{Mode, PROTOCOL, PROTOCOL_IN_BODY, gzip, in_body, mode};

const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
const GZIP: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n";

#[rustfmt::skip]
pub(super) const MODES: &[Mode] = &[
    mode("endless-body", "a body that never ends", in_body(Kind::TooLarge),
        &[Say(b"HTTP/1.1 200 OK\r\n\r\n"), Flood(b"x")]),
    mode("one-gb-line", "1 GB without a line end", in_body(Kind::TooLarge),
        &[Say(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n"), Repeat(b"xxxxxxxxxx", 100_000_000)]),
    mode("endless-chunks", "chunks that never end", in_body(Kind::TooLarge),
        &[Say(CHUNKED), Flood(b"10\r\nxxxxxxxxxxxxxxxx\r\n")]).asked_with("expect = { max_bytes = 100000 }"),
    mode("endless-refusal", "a 500 with a body that never ends",
        super::super::waiting(Kind::ServerError, crate::model::Fault::Provider),
        &[Say(b"HTTP/1.1 500 Oops\r\n\r\n"), Flood(b"x")]),
    mode("tiny-chunks", "chunks of one byte, without end", in_body(Kind::TooLarge),
        &[Say(CHUNKED), Flood(b"1\r\nx\r\n")]).asked_with("expect = { max_bytes = 2000 }"),
    mode("endless-header", "a header that never ends", PROTOCOL,
        &[Say(b"HTTP/1.1 200 OK\r\nx-a: "), Flood(b"x")]),
    mode("endless-header-name", "a header name that never ends", PROTOCOL,
        &[Say(b"HTTP/1.1 200 OK\r\n"), Flood(b"x")]),
    mode("endless-headers", "headers that never end", PROTOCOL,
        &[Say(b"HTTP/1.1 200 OK\r\n"), Flood(b"x-a: b\r\n")]),
    mode("headers-101", "101 headers", PROTOCOL,
        &[Say(b"HTTP/1.1 200 OK\r\n"), Repeat(b"x-a: b\r\n", 100), Say(b"content-length: 0\r\n\r\n")]),
    mode("header-1-mb", "a header of 1 MB, then a whole answer", PROTOCOL,
        &[Say(b"HTTP/1.1 200 OK\r\nx-a: "), Repeat(b"x", 1_000_000), Say(b"\r\ncontent-length: 0\r\n\r\n")]),
    mode("endless-reason", "a reason phrase that never ends", PROTOCOL, &[Say(b"HTTP/1.1 200 "), Flood(b"x")]),
    mode("endless-blank-lines", "blank lines before the answer, without end", PROTOCOL, &[Flood(b"\r\n")]),
    mode("endless-chunk-extension", "a chunk extension that never ends", PROTOCOL_IN_BODY,
        &[Say(CHUNKED), Say(b"5;x="), Flood(b"x")]),
    mode("chunk-extensions", "a chunk extension on each of countless chunks", PROTOCOL_IN_BODY,
        &[Say(CHUNKED), Flood(b"1;xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\nx\r\n")]),
    mode("endless-chunk-size", "zeros before a chunk size, without end", in_body(Kind::Timeout), &[Say(CHUNKED), Flood(b"0")]),
    mode("endless-trailers", "trailers that never end", PROTOCOL_IN_BODY,
        &[Say(CHUNKED), Say(b"2\r\nok\r\n0\r\n"), Flood(b"x-a: b\r\n")]),
    mode("endless-trailer", "a trailer that never ends", PROTOCOL_IN_BODY,
        &[Say(CHUNKED), Say(b"2\r\nok\r\n0\r\nx-a: "), Flood(b"x")]),
    mode("gzip-bomb", "10 MB of gzip that unpack to 10 GiB", in_body(Kind::TooLarge),
        &[Say(GZIP), Make(gzip::bomb), Repeat(&[0; 1024], 10_161)]),
    mode("gzip-bomb-refusal", "a 500 with such a bomb",
        super::super::waiting(Kind::ServerError, crate::model::Fault::Provider),
        &[Say(b"HTTP/1.1 500 Oops\r\ncontent-encoding: gzip\r\n\r\n"), Make(gzip::bomb), Repeat(&[0; 1024], 10_161)]),
];
