//! Status lines and headers that are none, or just are.

use crate::model::{FailureKind as Kind, Fault};
use crate::simulate::faults::play::Act::{Flood, Say};
use crate::simulate::faults::{Mode, PROTOCOL, Seen, mode, waiting};

/// A head with one odd line, and the whole body of four bytes.
macro_rules! with {
    ($line:literal) => {
        &[Say(concat!(
            "HTTP/1.1 200 OK\r\n",
            $line,
            "content-length: 4\r\n\r\nfine"
        )
        .as_bytes())]
    };
}

/// A whole answer after this beginning.
macro_rules! after {
    ($line:literal) => {
        &[Say(
            concat!($line, "content-length: 4\r\n\r\nfine").as_bytes()
        )]
    };
}

#[rustfmt::skip]
pub(super) const MODES: &[Mode] = &[
    mode("status-missing", "a status line without a status", PROTOCOL, after!("HTTP/1.1\r\n")),
    mode("status-word", "a word for a status", PROTOCOL, after!("HTTP/1.1 abc\r\n")),
    mode("status-two-digits", "the status 99", PROTOCOL, after!("HTTP/1.1 99 Low\r\n")),
    mode("status-000", "the status 000", PROTOCOL, after!("HTTP/1.1 000 None\r\n")),
    mode("status-1000", "the status 1000", PROTOCOL, after!("HTTP/1.1 1000 High\r\n")),
    mode("status-negative", "the status -20", PROTOCOL, after!("HTTP/1.1 -20 Minus\r\n")),
    mode("status-999", "the status 999, as bot checks send it", waiting(Kind::UnexpectedStatus, Fault::Provider),
        after!("HTTP/1.1 999 Request denied\r\n")),
    mode("version-2", "HTTP/2.0 in words", PROTOCOL, after!("HTTP/2.0 200 OK\r\n")),
    mode("version-9", "HTTP/1.9", PROTOCOL, after!("HTTP/1.9 200 OK\r\n")),
    mode("version-lower", "http/1.1 in small letters", PROTOCOL, after!("http/1.1 200 OK\r\n")),
    mode("version-1-0", "HTTP/1.0, the body to the end of the connection", Seen::Success,
        &[Say(b"HTTP/1.0 200 OK\r\n\r\nfine")]),
    mode("http-0-9", "a page without any head", PROTOCOL, &[Say(b"<html><body>It works!</body></html>\r\n")]),
    mode("ssh", "the greeting of another protocol", PROTOCOL, &[Say(b"SSH-2.0-OpenSSH_9.2\r\n")]),
    mode("noise", "bytes without sense", PROTOCOL, &[Flood(b"\x00\xff\x13\x37\r\n\x80")]),
    mode("leading-blank", "a blank before the status line", PROTOCOL, after!(" HTTP/1.1 200 OK\r\n")),
    mode("leading-lines", "empty lines before the status line", Seen::Success, after!("\r\n\r\nHTTP/1.1 200 OK\r\n")),
    mode("line-feeds", "lines that end with LF alone", Seen::Success,
        &[Say(b"HTTP/1.1 200 OK\ncontent-length: 4\n\nfine")]),
    mode("carriage-returns", "lines that end with CR alone", PROTOCOL,
        &[Say(b"HTTP/1.1 200 OK\rcontent-length: 4\r\rfine")]),
    mode("reason-empty", "no reason phrase", Seen::Success, after!("HTTP/1.1 200 \r\n")),
    mode("reason-absent", "no reason phrase, nor the blank before it", Seen::Success, after!("HTTP/1.1 200\r\n")),
    mode("reason-nul", "a NUL in the reason phrase", PROTOCOL, after!("HTTP/1.1 200 O\0K\r\n")),
    mode("header-nul", "a NUL in a header", PROTOCOL, with!("x-a: a\0b\r\n")),
    mode("header-cr", "a CR in a header", PROTOCOL, with!("x-a: a\rb\r\n")),
    mode("header-no-colon", "a header without a colon", PROTOCOL, with!("no colon\r\n")),
    mode("header-blank-before-colon", "a blank before the colon", PROTOCOL, with!("x-a : b\r\n")),
    mode("header-no-name", "a header without a name", PROTOCOL, with!(": b\r\n")),
    mode("header-odd-name", "a header name with a slash and a bracket", PROTOCOL, with!("x/(a): b\r\n")),
    mode("header-folded", "a header that goes on in the next line", PROTOCOL, with!("x-a: a\r\n  b\r\n")),
    mode("header-8-bit", "bytes beyond ASCII in a header", Seen::Success, with!("x-a: caf\u{e9}\r\n")),
    mode("header-empty", "a header without a value", Seen::Success, with!("x-a:\r\n")),
    mode("header-twice", "Content-Type twice", Seen::Success,
        with!("content-type: text/plain\r\ncontent-type: text/html\r\n")),
    mode("headers-100", "99 headers and the length: just not too many", Seen::Success,
        &[Say(b"HTTP/1.1 200 OK\r\n"), super::super::play::Act::Repeat(b"x-a: b\r\n", 99),
          Say(b"content-length: 4\r\n\r\nfine")]),
    mode("continue", "100 Continue three times, then the answer", Seen::Success,
        after!("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")),
    mode("early-hints", "103 Early Hints, then the answer", Seen::Success,
        after!("HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\n")),
    mode("endless-1xx", "100 Continue without end", waiting(Kind::Timeout, Fault::Provider),
        &[Flood(b"HTTP/1.1 100 Continue\r\n\r\n")]),
    mode("continue-only", "100 Continue, then a close", waiting(Kind::Reset, Fault::Network),
        &[Say(b"HTTP/1.1 100 Continue\r\n\r\n")]),
    mode("upgrade", "101 Switching Protocols that nobody asked for", waiting(Kind::UnexpectedStatus, Fault::Provider),
        &[Say(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n")]),
];
