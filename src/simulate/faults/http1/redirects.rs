//! Redirects that lead nowhere.

use crate::model::{FailureKind as Kind, Fault};
use crate::simulate::faults::play::Act::{Repeat, Say};
use crate::simulate::faults::{Mode, Seen, mode, waiting};

macro_rules! to {
    ($location:literal) => {
        &[Say(concat!(
            "HTTP/1.1 302 Found\r\nlocation: ",
            $location,
            "\r\ncontent-length: 0\r\n\r\n"
        )
        .as_bytes())]
    };
}

const REDIRECT: Seen = waiting(Kind::Redirect, Fault::Provider);
const FOLLOWED: &str = "redirects = 5";

#[rustfmt::skip]
pub(super) const MODES: &[Mode] = &[
    mode("redirect", "a redirect that the probe may not follow", REDIRECT, to!("/h1/gzip")),
    mode("redirect-once", "a redirect that it may follow", Seen::Success, to!("gzip")).asked_with(FOLLOWED),
    mode("redirect-loop", "a redirect to itself", REDIRECT, to!("redirect-loop")).asked_with(FOLLOWED),
    mode("redirect-file", "to file:///etc/passwd", REDIRECT, to!("file:///etc/passwd")).asked_with(FOLLOWED),
    mode("redirect-script", "to javascript:alert(1)", REDIRECT, to!("javascript:alert(1)")).asked_with(FOLLOWED),
    mode("redirect-data", "to a data: address", REDIRECT, to!("data:text/plain,fine")).asked_with(FOLLOWED),
    mode("redirect-no-address", "to what is no address", REDIRECT, to!("http://[::1/")).asked_with(FOLLOWED),
    mode("redirect-no-host", "to http:// and no host", REDIRECT, to!("http://")).asked_with(FOLLOWED),
    mode("redirect-nowhere", "a redirect that does not say where to", REDIRECT,
        &[Say(b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n")]).asked_with(FOLLOWED),
    mode("redirect-line-ends", "line ends, encoded, in the address", REDIRECT,
        to!("redirect-line-ends?%0d%0aset-cookie:%20a=b")).asked_with(FOLLOWED),
    mode("redirect-8-bit", "an address that is no UTF-8", REDIRECT,
        &[Say(b"HTTP/1.1 302 Found\r\nlocation: /\xff\r\ncontent-length: 0\r\n\r\n")]).asked_with(FOLLOWED),
    mode("redirect-64-kib", "an address of 64 KiB", REDIRECT,
        &[Say(b"HTTP/1.1 302 Found\r\nlocation: /"), Repeat(b"a", 65_536), Say(b"\r\ncontent-length: 0\r\n\r\n")]).asked_with(FOLLOWED),
];
