//! Handshakes that come to nothing. None of them needs a certificate.

use super::play::Act::{Await, Drip, Flood, Hold, Pause, Reset, Say};
use super::{Mode, Seen, mode};
use crate::model::{FailureKind as Kind, Fault, Phase};

const HANDSHAKE: Seen = Seen::Failure(Kind::TlsHandshake, Fault::Provider, Phase::Tls);
const WRONG_NAME: Seen = Seen::Failure(Kind::TlsWrongName, Fault::Provider, Phase::Tls);
const STANDS: Seen = Seen::Failure(Kind::Timeout, Fault::Provider, Phase::Tls);

/// The beginning of a ServerHello of 70 bytes that chooses TLS 1.0: record, message, version.
const HELLO_1_0: &[u8] = b"\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01";
/// Random number, no session, the cipher TLS_RSA_WITH_AES_128_CBC_SHA, no compression.
const REST_1_0: &[u8] = b"\x20\x21\x22\x23\x24\x25\x26\x27\x28\x29\x2a\x2b\x2c\x2d\x2e\x2f\
\x30\x31\x32\x33\x34\x35\x36\x37\x38\x39\x3a\x3b\x3c\x3d\x3e\x3f\x00\x00\x2f\x00";

#[rustfmt::skip]
pub(super) const MODES: &[Mode] = &[
    mode("close", "closes when the handshake begins", HANDSHAKE, &[Await]),
    mode("reset", "resets when the handshake begins", Seen::Failure(Kind::Reset, Fault::Network, Phase::Tls),
        &[Await, Reset]),
    mode("hold", "never answers", STANDS, &[Hold]),
    mode("drip", "a byte of the answer each 20 ms", STANDS, &[Await, Say(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"), Drip(b"\x03")]),
    mode("cut", "half a ServerHello, then a close", HANDSHAKE, &[Await, Say(HELLO_1_0)]),
    mode("cut-reset", "half a ServerHello, then a reset", Seen::Failure(Kind::Reset, Fault::Network, Phase::Tls),
        &[Await, Say(HELLO_1_0), Pause, Reset]),
    mode("noise", "bytes without sense", HANDSHAKE, &[Await, Flood(b"\x13\x37\x00\xff")]),
    mode("plain-http", "answers in plain HTTP", HANDSHAKE,
        &[Await, Say(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")]),
    mode("tls-1-0", "chooses TLS 1.0", HANDSHAKE, &[Await, Say(HELLO_1_0), Say(REST_1_0), Hold]),
    mode("alert-version", "the alert that it does not speak our versions", HANDSHAKE, &[Await, Say(b"\x15\x03\x03\x00\x02\x02\x46")]),
    mode("alert-name", "the alert that it does not know the name (SNI)", WRONG_NAME, &[Await, Say(b"\x15\x03\x03\x00\x02\x02\x70")]),
    mode("alert-handshake", "the alert that nothing fits", HANDSHAKE, &[Await, Say(b"\x15\x03\x03\x00\x02\x02\x28")]),
    mode("alert-internal", "the alert that it has failed itself", HANDSHAKE, &[Await, Say(b"\x15\x03\x03\x00\x02\x02\x50")]),
    mode("alert-unknown", "an alert that does not exist", HANDSHAKE, &[Await, Say(b"\x15\x03\x03\x00\x02\x02\xf0")]),
    mode("empty-records", "empty records without end", HANDSHAKE, &[Await, Flood(b"\x16\x03\x03\x00\x00")]),
    mode("warnings", "warnings without end", HANDSHAKE, &[Await, Flood(b"\x15\x03\x03\x00\x02\x01\x5a")]),
    mode("huge-record", "a record larger than there are", HANDSHAKE, &[Await, Say(b"\x16\x03\x03\xff\xff"), Flood(b"x")]),
    mode("huge-message", "a handshake message of 16 MB", HANDSHAKE,
        &[Await, Say(b"\x16\x03\x03\x40\x00\x02\xff\xff\xff"), Flood(b"x")]),
];
