//! Bodies that arrive whole and are not what they should be: encodings, JSON, pages; and refusals that name a time.

use crate::model::{FailureKind as Kind, Fault};
use crate::simulate::faults::play::Act::{Repeat, Say};
use crate::simulate::faults::{Mode, Seen, in_body, mode, waiting};

macro_rules! body {
    ($kind:literal, $body:literal) => {
        &[Say(concat!(
            "HTTP/1.1 200 OK\r\ncontent-type: ",
            $kind,
            "\r\n\r\n",
            $body
        )
        .as_bytes())]
    };
}

macro_rules! coded {
    ($coding:literal, $body:expr) => {
        &[
            Say(concat!("HTTP/1.1 200 OK\r\ncontent-encoding: ", $coding, "\r\n\r\n").as_bytes()),
            Say($body),
        ]
    };
}

macro_rules! later {
    ($status:literal, $when:literal) => {
        &[Say(concat!(
            "HTTP/1.1 ",
            $status,
            "\r\nretry-after: ",
            $when,
            "\r\ncontent-length: 0\r\n\r\n"
        )
        .as_bytes())]
    };
}

const OK: &str = "expect = { json = { \"$.status\" = \"ok\" } }";
const PRESENT: &str = "expect = { json = { \"$.status\" = { exists = true } } }";
const RATE: Seen = waiting(Kind::RateLimited, Fault::Ours);

/// `fine`, packed by gzip.
const FINE: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\x4b\xcb\xcc\x4b\x05\x00\x92\x54\xa9\xbe\x04\x00\x00\x00";
/// The same, with another checksum.
const WRONG_SUM: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\x4b\xcb\xcc\x4b\x05\x00\xff\xff\xff\xff\x04\x00\x00\x00";
/// The same, without its last bytes.
const CUT: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\x4b\xcb\xcc";

#[rustfmt::skip]
pub(super) const MODES: &[Mode] = &[
    mode("gzip", "gzip as it should be", Seen::Success, coded!("gzip", FINE)).asked_with("expect = { text = \"^fine$\" }"),
    mode("gzip-corrupt", "said to be gzip, and is not", in_body(Kind::Encoding), coded!("gzip", b"not gzip at all")),
    mode("gzip-cut", "gzip that breaks off", in_body(Kind::Encoding), coded!("gzip", CUT)),
    mode("gzip-checksum", "gzip with a wrong checksum", in_body(Kind::Encoding), coded!("gzip", WRONG_SUM)),
    mode("gzip-empty", "said to be gzip, and is nothing", Seen::Success, coded!("gzip", b"")),
    mode("gzip-twice", "packed twice", in_body(Kind::Encoding), coded!("gzip, gzip", FINE)),
    mode("gzip-50-times", "packed 50 times", in_body(Kind::Encoding),
        &[Say(b"HTTP/1.1 200 OK\r\ncontent-encoding: "), Repeat(b"gzip, ", 49), Say(b"gzip\r\n\r\n"), Say(FINE)]),
    mode("brotli", "br, which was not asked for", in_body(Kind::Encoding), coded!("br", b"\x0b\x01\x80fine\x03")),
    mode("zstd", "zstd, which was not asked for", in_body(Kind::Encoding), coded!("zstd", b"\x28\xb5\x2f\xfd")),
    mode("coding-odd", "an encoding that does not exist", in_body(Kind::Encoding), coded!("rot13", b"svar")),
    mode("identity", "an encoding that says that there is none", Seen::Success, coded!("identity", b"fine")),
    mode("json", "JSON as it should be", Seen::Success, body!("application/json", r#"{"status":"ok"}"#)).asked_with(OK),
    mode("json-error", "200, and an error inside", in_body(Kind::ErrorBody),
        body!("application/json", r#"{"error":{"message":"boom","type":"server_error"}}"#)),
    mode("json-cut", "JSON that breaks off", in_body(Kind::WrongContent), body!("application/json", r#"{"status":"o"#)).asked_with(OK),
    mode("json-deep", "JSON 100,000 levels deep", in_body(Kind::WrongContent),
        &[Say(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"status\":"), Repeat(b"[", 100_000)]).asked_with(OK),
    mode("json-huge-number", "the number 1e400", in_body(Kind::WrongContent),
        body!("application/json", r#"{"status":1e400}"#)).asked_with(PRESENT),
    mode("json-same-key", "the same key twice: the last one counts", Seen::Success,
        body!("application/json", r#"{"status":"no","status":"ok"}"#)).asked_with(OK),
    mode("json-lone-surrogate", "half a character in a JSON string", in_body(Kind::WrongContent),
        body!("application/json", r#"{"status":"\ud800"}"#)).asked_with(PRESENT),
    mode("json-not-utf8", "bytes that are no UTF-8 in JSON", in_body(Kind::WrongContent),
        &[Say(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"status\":\"\xff\xfe\"}")]).asked_with(PRESENT),
    mode("json-nan", "NaN, which JSON does not have", in_body(Kind::WrongContent),
        body!("application/json", r#"{"status":NaN}"#)).asked_with(PRESENT),
    mode("json-two", "two documents where one is wanted", in_body(Kind::WrongContent),
        body!("application/json", r#"{"status":"ok"}{"status":"ok"}"#)).asked_with(OK),
    mode("empty", "200 and nothing, where content was wanted", in_body(Kind::Empty), body!("application/json", "")).asked_with(OK),
    mode("captive-portal", "a page to log in to the wireless network", in_body(Kind::WrongContent),
        body!("text/html", "<html><head><title>Welcome to Hotel WiFi</title></head></html>")).asked_with(OK),
    mode("retry-after-seconds", "429, to come again in 2 s", RATE, later!("429 Too Many Requests", "2")),
    mode("retry-after-ages", "429, to come again in 30 years", RATE, later!("429 Too Many Requests", "1000000000")),
    mode("retry-after-overflow", "429, and a time beyond 64 bits", RATE,
        later!("429 Too Many Requests", "99999999999999999999999999")),
    mode("retry-after-negative", "429, to come again yesterday", RATE, later!("429 Too Many Requests", "-86400")),
    mode("retry-after-date", "429, to come again at a date", RATE,
        later!("429 Too Many Requests", "Fri, 31 Dec 9999 23:59:59 GMT")),
    mode("retry-after-nonsense", "429, to come again soon", RATE, later!("429 Too Many Requests", "soon")),
    mode("unavailable-ages", "503, to come again in 30 years", waiting(Kind::ServerError, Fault::Provider),
        later!("503 Service Unavailable", "1000000000")),
];
