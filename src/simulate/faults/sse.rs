//! Broken event streams of a chat completion.

use super::play::Act::{self, Drip, Flood, Hold, Make, Pause, Repeat, Reset, Say};
use super::{Mode, Seen, gzip, in_body, mode};
use crate::model::{FailureKind as Kind, Fault};

macro_rules! head {
    () => {
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    };
}

macro_rules! token {
    () => {
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"pong\"},\"finish_reason\":null}]}\n\n"
    };
}

macro_rules! finish {
    () => {
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
    };
}

const HEAD: Act = Say(head!().as_bytes());
const TOKEN: Act = Say(token!().as_bytes());
const WHOLE: Act = Say(concat!(token!(), finish!(), "data: [DONE]\n\n").as_bytes());
const STALL: &str = "stall_after = \"200ms\"";

const TIMEOUT: Seen = in_body(Kind::Timeout);
const LARGE: Seen = in_body(Kind::TooLarge);
const WRONG: Seen = in_body(Kind::WrongContent);
const TRUNCATED: Seen = in_body(Kind::Truncated);

#[rustfmt::skip]
pub(super) const MODES: &[Mode] = &[
    mode("whole", "a stream as it should be", Seen::Success, &[HEAD, WHOLE]),
    mode("marked", "a byte order mark at the beginning", Seen::Success, &[HEAD, Say(b"\xef\xbb\xbf"), WHOLE]),
    mode("carriage-returns", "lines that end with CR alone", Seen::Success,
        &[HEAD, Say(b"data: {\"choices\":[{\"delta\":{\"content\":\"pong\"},\"finish_reason\":\"stop\"}]}\r\rdata: [DONE]\r\r")]),
    mode("many-lines", "an event over several lines", Seen::Success,
        &[HEAD, Say(b"data: {\"choices\":[{\"delta\":\ndata: {\"content\":\"pong\"},\ndata: \"finish_reason\":\"stop\"}]}\n\n")]),
    mode("comments-between", "comments and unknown fields between the events", Seen::Success,
        &[HEAD, Say(b": hello\n\nevent: x\nid: 7\nretry: 1\nfoo: bar\n\n"), WHOLE]),
    mode("finish-and-hold", "says that it is finished, and does not end", Seen::Success,
        &[HEAD, Say(concat!(token!(), finish!()).as_bytes()), Hold]).asked_with(STALL),
    mode("hold", "headers, then silence", TIMEOUT, &[HEAD, Hold]),
    mode("stall", "a token, then silence", in_body(Kind::Stalled), &[HEAD, TOKEN, Hold]).asked_with(STALL),
    mode("stall-commented", "a token, then comments without end", in_body(Kind::Stalled),
        &[HEAD, TOKEN, Drip(b":\n")]).asked_with(STALL),
    mode("comments-drip", "a byte of comments each 20 ms", TIMEOUT, &[HEAD, Drip(b": wait\n\n")]),
    mode("endless-comments", "comments without end", LARGE, &[HEAD, Flood(b": wait\n\n")]),
    mode("endless-tokens", "tokens without end", LARGE, &[HEAD, Flood(token!().as_bytes())]),
    mode("endless-empty-events", "events without content, without end", LARGE,
        &[HEAD, Flood(b"data: {\"choices\":[]}\n\n")]),
    mode("endless-line-ends", "line ends without end", LARGE, &[HEAD, Flood(b"\n")]),
    mode("endless-line", "a line that never ends", LARGE, &[HEAD, Say(b"data: "), Flood(b"x")]),
    mode("endless-event", "an event whose lines never end", LARGE, &[HEAD, Flood(b"data: xxxxxxxxxxxxxxxx\n")]),
    mode("one-gb-line", "a line of 1 GB", LARGE,
        &[HEAD, Say(b"data: "), Repeat(b"xxxxxxxxxx", 100_000_000), Say(b"\n\n"), WHOLE]),
    mode("gzip-bomb", "10 MB of gzip that unpack to 10 GiB", LARGE,
        &[Say(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\n\r\n"),
          Make(gzip::bomb), Repeat(&[0; 1024], 10_161)]),
    mode("cut", "a token, then a close", TRUNCATED, &[HEAD, TOKEN]),
    mode("cut-in-event", "half an event, then a close", TRUNCATED, &[HEAD, TOKEN, Say(b"data: {\"choices\":[{\"del")]),
    mode("reset", "a token, then a reset", TRUNCATED, &[HEAD, TOKEN, Pause, Reset]),
    mode("reset-before", "headers, then a reset", Seen::Failure(Kind::Reset, Fault::Network, super::Phase::Body),
        &[HEAD, Pause, Reset]),
    mode("empty", "200 and an empty stream", in_body(Kind::Empty), &[HEAD]),
    mode("done-at-once", "an end without an answer", in_body(Kind::Empty), &[HEAD, Say(b"data: [DONE]\n\n")]),
    mode("error-event", "an error after the first token", in_body(Kind::ErrorEvent),
        &[HEAD, TOKEN, Say(b"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"boom\"}}\n\n")]),
    mode("no-json", "an event that is no JSON", WRONG, &[HEAD, Say(b"data: {malformed\n\n"), WHOLE]),
    mode("json-deep", "an event of JSON 10,000 levels deep", WRONG,
        &[HEAD, Say(b"data: "), Repeat(b"[", 10_000), Say(b"\n\n"), WHOLE]),
    mode("json-huge-number", "the number 1e400 where nobody reads it", Seen::Success, &[HEAD, Say(b"data: {\"created\":1e400}\n\n"), WHOLE]),
    mode("json-lone-surrogate", "an event with half a character", WRONG,
        &[HEAD, Say(b"data: {\"choices\":[{\"delta\":{\"content\":\"\\ud800\"}}]}\n\n"), WHOLE]),
    mode("not-utf8", "an event that is no UTF-8", WRONG,
        &[HEAD, Say(b"data: {\"choices\":[{\"delta\":{\"content\":\"\xff\xfe\"}}]}\n\n"), WHOLE]),
    mode("page", "a page in place of events", WRONG,
        &[Say(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<html><title>Welcome to Hotel WiFi</title></html>")]),
];
