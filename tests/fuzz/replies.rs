//! Replies as the targets write them: a status, headers a line each, an empty line, the body.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use watchfire::model::{Cause, FailureKind, Fault, Timestamp};
use watchfire::probe::faults::Example;
use watchfire::probe::{End, Failed, Memory, Reply, Trace, Wire};

/// An example of the table, as [`read`] reads it.
pub fn written(example: &Example) -> Vec<u8> {
    match example {
        Example::Reply {
            status,
            headers,
            body,
        } => {
            let headers: String = headers.iter().map(|(n, v)| format!("{n}: {v}\n")).collect();
            format!("{status}\n{headers}\n{body}").into_bytes()
        }
        Example::Inside(body) => format!("200\n\n{body}").into_bytes(),
        Example::Broken(..) => Vec::new(),
    }
}

/// Takes any bytes; what is no head is body.
pub fn read(bytes: &[u8]) -> (u16, HeaderMap, &[u8]) {
    let mut headers = HeaderMap::new();
    let (head, body) = match bytes.windows(2).position(|w| w == b"\n\n") {
        Some(at) => (&bytes[..at], &bytes[at + 2..]),
        None => (&b""[..], bytes),
    };
    let mut lines = head.split(|b| *b == b'\n');
    let first = lines.next().unwrap_or_default();
    let status = std::str::from_utf8(first).ok().and_then(|s| s.parse().ok());
    for line in lines {
        let Some(colon) = line.iter().position(|b| *b == b':') else {
            continue;
        };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        {
            headers.append(name, value);
        }
    }
    // What hyper lets through.
    (
        status.filter(|s| (100..1000).contains(s)).unwrap_or(500),
        headers,
        body,
    )
}

/// How a body may end; `choice` picks.
pub fn end(choice: u8) -> End {
    let broken = |kind, fault| {
        End::Broken(Failed {
            kind,
            fault,
            words: "broken".to_owned(),
        })
    };
    match choice % 16 {
        0 => End::Stalled,
        1 => End::TimedOut,
        2 => End::TooLarge,
        3 => broken(FailureKind::Reset, Fault::Network),
        4 => broken(FailureKind::Encoding, Fault::Provider),
        5 => End::Prober(Cause::Prober, "no memory".to_owned()),
        6 | 7 => End::Enough,
        _ => End::Complete,
    }
}

pub fn reply(
    status: u16,
    headers: HeaderMap,
    body: &[u8],
    end: End,
    trace: Option<Trace>,
) -> Reply {
    Reply {
        step: 0,
        status,
        headers,
        read_bytes: body.len(),
        body: if trace.is_some() {
            Vec::new()
        } else {
            body.to_vec()
        },
        end,
        trace,
        elapsed: Duration::from_millis(700),
        now: Timestamp::EPOCH,
        cert_expires: None,
        hops: 0,
        wire: Wire::default(),
        nonce: 7,
        memory: Memory::default(),
    }
}
