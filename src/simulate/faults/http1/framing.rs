//! How long a body is, said wrongly.

use crate::model::FailureKind as Kind;
use crate::simulate::faults::play::Act::Say;
use crate::simulate::faults::{Mode, PROTOCOL, PROTOCOL_IN_BODY, Seen, in_body, mode};

macro_rules! say {
    ($text:literal) => {
        &[Say(concat!("HTTP/1.1 200 OK\r\n", $text).as_bytes())]
    };
}

macro_rules! chunked {
    ($text:literal) => {
        &[Say(concat!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            $text
        )
        .as_bytes())]
    };
}

/// What must be in the body for it to be the whole one.
const FINE: &str = "expect = { text = \"^fine$\" }";

#[rustfmt::skip]
pub(super) const LENGTHS: &[Mode] = &[
    mode("length-negative", "Content-Length: -4", PROTOCOL, say!("content-length: -4\r\n\r\nfine")),
    mode("length-plus", "Content-Length: +4", PROTOCOL, say!("content-length: +4\r\n\r\nfine")),
    mode("length-hex", "Content-Length: 0x4", PROTOCOL, say!("content-length: 0x4\r\n\r\nfine")),
    mode("length-fraction", "Content-Length: 4.0", PROTOCOL, say!("content-length: 4.0\r\n\r\nfine")),
    mode("length-empty", "Content-Length without a value", PROTOCOL, say!("content-length:\r\n\r\nfine")),
    mode("length-word", "Content-Length: four", PROTOCOL, say!("content-length: four\r\n\r\nfine")),
    mode("length-two", "two lengths that differ", PROTOCOL, say!("content-length: 4\r\ncontent-length: 3\r\n\r\nfine")),
    mode("length-list", "two lengths in one line that differ", PROTOCOL, say!("content-length: 4, 3\r\n\r\nfine")),
    mode("length-twice", "the same length twice", Seen::Success,
        say!("content-length: 4\r\ncontent-length: 4\r\n\r\nfine")).asked_with(FINE),
    mode("length-overflow", "a length beyond 64 bits", PROTOCOL,
        say!("content-length: 99999999999999999999999999\r\n\r\nfine")),
    mode("length-huge", "a length of 8 EiB, 4 bytes, then a close", in_body(Kind::Truncated),
        say!("content-length: 9223372036854775807\r\n\r\nfine")),
    mode("length-long", "one byte less than said, then a close", in_body(Kind::Truncated),
        say!("content-length: 5\r\n\r\nfine")),
    mode("length-short", "one byte more than said", in_body(Kind::WrongContent),
        say!("content-length: 3\r\n\r\nfine")).asked_with(FINE),
    mode("length-absent", "neither length nor chunks: to the end of the connection", Seen::Success,
        say!("\r\nfine")).asked_with(FINE),
    mode("length-zero", "no body where content was wanted", in_body(Kind::Empty),
        say!("content-length: 0\r\n\r\n")).asked_with(FINE),
    mode("head-with-body", "a body in answer to HEAD", Seen::Success,
        say!("content-length: 4\r\n\r\nfine")).asked_with("method = \"HEAD\""),
    mode("no-content-with-body", "204 with a body", Seen::Success,
        &[Say(b"HTTP/1.1 204 No Content\r\ncontent-length: 4\r\n\r\nfine")]),
    mode("not-modified", "304 that nobody asked for",
        super::super::waiting(Kind::Redirect, crate::model::Fault::Provider),
        &[Say(b"HTTP/1.1 304 Not Modified\r\ncontent-length: 4\r\n\r\n")]),
];

#[rustfmt::skip]
pub(super) const CHUNKS: &[Mode] = &[
    mode("chunks", "chunks as they should be", Seen::Success, chunked!("2\r\nfi\r\n2\r\nne\r\n0\r\n\r\n")).asked_with(FINE),
    mode("chunks-extended", "chunks with extensions", Seen::Success,
        chunked!("2;a=b\r\nfi\r\n2;c\r\nne\r\n0\r\n\r\n")).asked_with(FINE),
    mode("chunks-with-trailers", "trailers after the chunks", Seen::Success,
        chunked!("4\r\nfine\r\n0\r\nx-a: b\r\n\r\n")).asked_with(FINE),
    mode("chunks-and-more", "bytes after the last chunk", Seen::Success,
        chunked!("4\r\nfine\r\n0\r\n\r\nand more")).asked_with(FINE),
    mode("chunk-size-word", "a chunk size that is no number", PROTOCOL_IN_BODY, chunked!("zz\r\nfine\r\n0\r\n\r\n")),
    mode("chunk-size-negative", "a negative chunk size", PROTOCOL_IN_BODY, chunked!("-4\r\nfine\r\n0\r\n\r\n")),
    mode("chunk-size-0x", "a chunk size with 0x", PROTOCOL_IN_BODY, chunked!("0x4\r\nfine\r\n0\r\n\r\n")),
    mode("chunk-size-empty", "a chunk without a size", PROTOCOL_IN_BODY, chunked!("\r\nfine\r\n0\r\n\r\n")),
    mode("chunk-size-overflow", "a chunk size beyond 64 bits", PROTOCOL_IN_BODY,
        chunked!("ffffffffffffffffff\r\nfine\r\n0\r\n\r\n")),
    mode("chunk-size-huge", "a chunk of 8 EiB, 4 bytes of it, then a close", in_body(Kind::Truncated),
        chunked!("7fffffffffffffff\r\nfine")),
    mode("chunk-long", "more bytes in a chunk than said", PROTOCOL_IN_BODY, chunked!("3\r\nfine\r\n0\r\n\r\n")),
    mode("chunk-short", "fewer bytes in a chunk than said", PROTOCOL_IN_BODY, chunked!("5\r\nfine\r\n0\r\n\r\n")),
    mode("chunk-no-end", "no line end after a chunk", PROTOCOL_IN_BODY, chunked!("4\r\nfine0\r\n\r\n")),
    mode("chunk-line-feeds", "chunk lines that end with LF alone", PROTOCOL_IN_BODY, chunked!("4\nfine\n0\n\n")),
    mode("chunk-none-last", "no last chunk, then a close", in_body(Kind::Truncated), chunked!("4\r\nfine\r\n")),
    mode("chunk-last-cut", "a last chunk without its empty line, then a close", in_body(Kind::Truncated),
        chunked!("4\r\nfine\r\n0\r\n")),
    mode("chunks-and-length", "chunks, and a length that contradicts them", Seen::Success,
        say!("content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n")).asked_with(FINE),
    mode("length-and-no-chunks", "said to be chunked, and is not", PROTOCOL_IN_BODY,
        say!("content-length: 4\r\ntransfer-encoding: chunked\r\n\r\nfine")),
    mode("coding-unknown", "a transfer coding that does not exist", in_body(Kind::WrongContent),
        say!("transfer-encoding: rot13\r\n\r\nsvar")).asked_with(FINE),
    mode("coding-not-last", "chunked, but not as the last coding", in_body(Kind::WrongContent),
        say!("transfer-encoding: chunked, gzip\r\n\r\n4\r\nfine\r\n0\r\n\r\n")).asked_with(FINE),
];
