//! Broken HTTP/2 (RFC 9113), frame by frame. TLS is as it should be; requests are noticed and never understood.

use super::play::Act::{self, Await, Flood, HangUp, Hold, Reset, Say};
use super::{Mode, PROTOCOL, Seen, in_body, mode, waiting};
use crate::model::{FailureKind as Kind, Fault};

/// What a client says first of all.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const END_STREAM: u8 = 1;
const DATA: u8 = 0;
const HEADERS: u8 = 1;

/// Finds the ends of requests in what a client says, however it is cut.
#[derive(Default)]
pub(super) struct Frames {
    /// Bytes that are passed over: the preface, then payloads.
    begun: bool,
    skip: usize,
    head: Vec<u8>,
}

impl Frames {
    /// Takes the next bytes; true when a request ended in them.
    pub(super) fn end_a_request(&mut self, mut bytes: &[u8]) -> bool {
        if !std::mem::replace(&mut self.begun, true) {
            self.skip = PREFACE.len();
        }
        let mut ended = false;
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            let wanted = (9 - self.head.len()).min(bytes.len());
            self.head.extend_from_slice(&bytes[..wanted]);
            bytes = &bytes[wanted..];
            if let [a, b, c, kind, flags, ..] = self.head[..]
                && self.head.len() == 9
            {
                self.skip = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                self.head.clear();
                ended |= matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0;
            }
        }
        ended
    }
}

const SETTINGS: Act = Say(b"\0\0\0\x04\0\0\0\0\0");
/// `:status 200`, END_HEADERS.
const HEAD: Act = Say(b"\0\0\x01\x01\x04\0\0\0\x01\x88");
/// `:status 200`, END_HEADERS and END_STREAM.
const HEAD_ONLY: Act = Say(b"\0\0\x01\x01\x05\0\0\0\x01\x88");
/// "fine", END_STREAM.
const BODY: Act = Say(b"\0\0\x04\0\x01\0\0\0\x01fine");
const HALF: Act = Say(b"\0\0\x04\0\0\0\0\0\x01fine");

const REFUSED: Seen = waiting(Kind::Reset, Fault::Provider);
const BROKEN: Seen = in_body(Kind::Reset);
const SILENT: Seen = waiting(Kind::Timeout, Fault::Provider);
const BODY_PROTOCOL: Seen = in_body(Kind::Protocol);

#[rustfmt::skip]
pub(super) const MODES: &[Mode] = &[
    mode("whole", "an answer as it should be", Seen::Success, &[SETTINGS, Await, HEAD, BODY, Hold])
        .asked_with("expect = { text = \"^fine$\" }"),
    mode("goaway-before", "GOAWAY before the request", REFUSED,
        &[SETTINGS, Say(b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0"), Hold]),
    mode("goaway-unprocessed", "GOAWAY that leaves the request out", REFUSED,
        &[SETTINGS, Await, Say(b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0")]),
    mode("goaway-error", "GOAWAY with an internal error", REFUSED,
        &[SETTINGS, Await, Say(b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x02")]),
    mode("goaway-calm", "GOAWAY, to calm down", REFUSED,
        &[SETTINGS, Await, Say(b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x0b")]),
    mode("goaway-after", "GOAWAY, and then the answer all the same", Seen::Success,
        &[SETTINGS, Await, Say(b"\0\0\x08\x07\0\0\0\0\0\0\0\0\x01\0\0\0\0"), HEAD, BODY]),
    mode("goaway-in-body", "GOAWAY with an error in the middle of the body", BROKEN,
        &[SETTINGS, Await, HEAD, HALF, Act::Pause, Say(b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x02")]),
    mode("reset-stream", "RST_STREAM with an internal error", REFUSED,
        &[SETTINGS, Await, Say(b"\0\0\x04\x03\0\0\0\0\x01\0\0\0\x02"), Hold]),
    mode("refused-stream", "RST_STREAM, refused", REFUSED,
        &[SETTINGS, Await, Say(b"\0\0\x04\x03\0\0\0\0\x01\0\0\0\x07"), Hold]),
    mode("reset-in-body", "RST_STREAM in the middle of the body", BROKEN,
        &[SETTINGS, Await, HEAD, HALF, Act::Pause, Say(b"\0\0\x04\x03\0\0\0\0\x01\0\0\0\x02"), Hold]),
    mode("close", "closes when the request has come", waiting(Kind::Reset, Fault::Network), &[SETTINGS, Await]),
    mode("hang-up", "breaks off when the request has come", waiting(Kind::Reset, Fault::Network), &[SETTINGS, Await, HangUp]),
    mode("reset", "resets the connection when the request has come", waiting(Kind::Reset, Fault::Network),
        &[SETTINGS, Await, Reset]),
    mode("cut-in-body", "breaks off in the middle of the body", in_body(Kind::Truncated), &[SETTINGS, Await, HEAD, HALF, HangUp]),
    mode("hold", "never answers the request", SILENT, &[SETTINGS, Await, Hold]),
    mode("body-stands", "half a body, then silence", in_body(Kind::Timeout), &[SETTINGS, Await, HEAD, HALF, Hold]),
    mode("no-settings", "answers without having said its settings", Seen::Success, &[Await, HEAD, BODY, Hold]),
    mode("http-1", "answers in HTTP/1.1", PROTOCOL, &[Await, Say(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine")]),
    mode("settings-flood", "SETTINGS without end", SILENT, &[Flood(b"\0\0\0\x04\0\0\0\0\0")]),
    mode("ping-flood", "PING without end", SILENT, &[SETTINGS, Flood(b"\0\0\x08\x06\0\0\0\0\0abcdefgh")]),
    mode("empty-data-flood", "DATA without bytes, without end", BODY_PROTOCOL,
        &[SETTINGS, Await, HEAD, Flood(b"\0\0\0\0\0\0\0\0\x01")]),
    mode("priority-flood", "PRIORITY without end", SILENT, &[SETTINGS, Await, Flood(b"\0\0\x05\x02\0\0\0\0\x03\0\0\0\x01\x10")]),
    mode("window-flood", "WINDOW_UPDATE without end", PROTOCOL,
        &[SETTINGS, Await, Flood(b"\0\0\x04\x08\0\0\0\0\0\0\x0f\xff\xff")]),
    mode("unknown-flood", "frames of an unknown kind, without end", SILENT, &[SETTINGS, Await, Flood(b"\0\0\x04\xf0\0\0\0\0\0abcd")]),
    mode("continuation-flood", "HEADERS, and CONTINUATION without end", PROTOCOL,
        &[SETTINGS, Await, Say(b"\0\0\x01\x01\0\0\0\0\x01\x88"), Flood(b"\0\0\x05\x09\0\0\0\0\x01\0\x01a\x01b")]),
    mode("window-ignored", "more of a body than the client has allowed", BODY_PROTOCOL,
        &[SETTINGS, Await, HEAD, Flood(b"\0\0\x08\0\0\0\0\0\x01xxxxxxxx")]),
    mode("head-flood", "HEADERS again and again", BODY_PROTOCOL, &[SETTINGS, Await, Flood(b"\0\0\x01\x01\x04\0\0\0\x01\x88")]),
    mode("large-headers", "a header list that is too large", PROTOCOL,
        &[SETTINGS, Await, Say(b"\0\0\x01\x01\0\0\0\0\x01\x88"), Act::Make(large_headers), Hold]),
    mode("bad-headers", "headers that cannot be unpacked", PROTOCOL,
        &[SETTINGS, Await, Say(b"\0\0\x02\x01\x05\0\0\0\x01\xff\xff"), Hold]),
    mode("no-status", "an answer without a status", PROTOCOL,
        &[SETTINGS, Await, Say(b"\0\0\x05\x01\x05\0\0\0\x01\x40\x01a\x01b"), Hold]),
    mode("push", "PUSH_PROMISE, which was not allowed", PROTOCOL,
        &[SETTINGS, Await, Say(b"\0\0\x05\x05\x04\0\0\0\x01\0\0\0\x02\x82"), Hold]),
    mode("window-zero", "a window of 0: no body may be sent", SILENT,
        &[Say(b"\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0"), Hold]).asked_with("method = \"POST\"\nbody = \"hello\""),
    mode("frame-too-large", "a frame larger than allowed", PROTOCOL, &[SETTINGS, Await, HEAD_TOO_LARGE, Flood(b"x")]),
    mode("ping-short", "a PING of the wrong size", PROTOCOL, &[SETTINGS, Await, Say(b"\0\0\x04\x06\0\0\0\0\0abcd"), Hold]),
    mode("data-first", "DATA before any headers", PROTOCOL, &[SETTINGS, Await, BODY, Hold]),
    mode("wrong-stream", "an answer on a stream that nobody opened", PROTOCOL,
        &[SETTINGS, Await, Say(b"\0\0\x01\x01\x05\0\0\0\x63\x88"), Hold]),
    mode("length-long", "one byte less than the length says", BODY_PROTOCOL,
        &[SETTINGS, Await, Say(b"\0\0\x05\x01\x04\0\0\0\x01\x88\x0f\x0d\x015"), BODY, Hold]),
    mode("length-short", "one byte more than the length says", BODY_PROTOCOL,
        &[SETTINGS, Await, Say(b"\0\0\x05\x01\x04\0\0\0\x01\x88\x0f\x0d\x013"), BODY, Hold]),
    mode("headers-only", "200 and no body", Seen::Success, &[SETTINGS, Await, HEAD_ONLY, Hold]),
];

/// The head of a HEADERS frame of 1 MB.
const HEAD_TOO_LARGE: Act = Say(b"\x0f\x42\x40\x01\x05\0\0\0\x01");

/// The rest of a block of headers: five of 8,000 bytes, each in a CONTINUATION of its own.
fn large_headers() -> Vec<u8> {
    let mut out = Vec::new();
    for n in 0..5 {
        let last = if n == 4 { 4 } else { 0 };
        out.extend([0, 0x1f, 0x46, 9, last, 0, 0, 0, 1]);
        // Not to be indexed, the name `a`, a value of 8,000 bytes.
        out.extend(b"\0\x01a\x7f\xc1\x3d");
        out.extend([b'x'; 8000]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_request_is_found_however_the_bytes_are_cut() {
        let mut text = PREFACE.to_vec();
        text.extend(b"\0\0\x06\x04\0\0\0\0\0\x01\x05\0\0\0\x01");
        text.extend(b"\0\0\x02\x01\x04\0\0\0\x01\x82\x84");
        let open = text.len();
        text.extend(b"\0\0\x02\0\x01\0\0\0\x01hi");
        for cut in 1..text.len() {
            let mut frames = Frames::default();
            let first = frames.end_a_request(&text[..cut]);
            let second = frames.end_a_request(&text[cut..]);
            assert_eq!(first, cut >= open + 9, "cut at {cut}");
            assert!(first != second, "cut at {cut}");
        }
    }
}
