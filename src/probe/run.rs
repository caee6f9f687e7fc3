//! One run of a probe: what the database keeps of it, and what `watchfire probe` draws and prints.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{Streamed, TlsVersion, Wire};
use crate::model::{
    Evidence, Findings, Origin, Outcome, Phase, Phases, ProbeId, Sample, Timestamp,
};

/// The result of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// When it began.
    pub started: Timestamp,
    /// What it came to.
    pub outcome: Outcome,
    /// HTTP status of the last reply, when one came.
    pub status: Option<u16>,
    /// Where it failed.
    pub failed_in: Option<Phase>,
    /// How long each part took; of the last request when there were several.
    pub phases: Phases,
    /// From the start to the verdict, in microseconds.
    pub total_us: u32,
    /// Decoded bytes of body that were read.
    pub bytes: u32,
    /// What shows the failure.
    pub evidence: Option<Box<Evidence>>,
    /// What it learned besides; present only when there is something.
    pub found: Option<Box<Findings>>,
    /// The address that was connected to, or tried last; `None` on a reused connection.
    pub peer: Option<SocketAddr>,
    /// The course of a stream.
    pub stream: Option<Box<Streamed>>,
    /// End of the server certificate's validity, also when it was refused.
    pub cert_expires: Option<Timestamp>,
    /// What the first reply came over, and all redirects that were followed.
    pub wire: Wire,
}

impl Run {
    /// The part that is judged and kept.
    pub fn into_sample(self, probe: ProbeId, origin: Origin) -> Sample {
        Sample {
            probe,
            at: self.started,
            outcome: self.outcome,
            origin,
            status: self.status,
            failed_in: self.failed_in,
            phases: self.phases,
            total_us: self.total_us,
            bytes: self.bytes,
            evidence: self.evidence,
            found: self.found,
        }
    }

    /// The version of HTTP that the service spoke: `1.1`, `2`.
    pub fn http(&self) -> Option<&'static str> {
        Some(match self.wire.http? {
            http::Version::HTTP_09 => "0.9",
            http::Version::HTTP_10 => "1.0",
            http::Version::HTTP_11 => "1.1",
            http::Version::HTTP_2 => "2",
            http::Version::HTTP_3 => "3",
            _ => return None,
        })
    }

    /// Whole days until the certificate ends; negative when it has ended.
    pub fn cert_days_left(&self) -> Option<i64> {
        const DAY: i64 = 86_400 * 1_000_000;
        Some(
            self.cert_expires?
                .micros_since(self.started)
                .div_euclid(DAY),
        )
    }

    /// The run as users' scripts see it; `name` is `service/probe`. What it learned besides is in `found`, when there is
    /// something, and the course of a stream in `stream`.
    pub fn to_json(&self, name: &str) -> Value {
        let ms = |us: Option<u32>| us.map(|us| f64::from(us) / 1000.0);
        let cause = match self.outcome {
            Outcome::Inconclusive(cause) => Some(cause.name()),
            _ => None,
        };
        let phases = &self.phases;
        let mut object = json!({
            "probe": name,
            "at": self.started.to_string(),
            "outcome": self.outcome.name(),
            "kind": self.outcome.kind().map(|k| k.name()).or(cause),
            "fault": self.outcome.fault().map(|f| f.name()),
            "phase": self.failed_in.map(Phase::name),
            "status": self.status,
            "phases_ms": {
                "dns": ms(phases.dns_us),
                "connect": ms(phases.connect_us),
                "tls": ms(phases.tls_us),
                "first_byte": ms(phases.first_byte_us),
                "body": ms(phases.body_us),
                "first_token": ms(phases.first_token_us),
                "longest_gap": ms(phases.longest_gap_us),
            },
            "total_ms": f64::from(self.total_us) / 1000.0,
            "bytes": self.bytes,
            "http": self.http(),
            "tls": self.wire.tls.map(TlsVersion::name),
            "ip": self.peer.map(|peer| if peer.is_ipv6() { 6 } else { 4 }),
            "cert_days_left": self.cert_days_left(),
            "hops": self.wire.hops.iter().map(|hop| {
                json!({ "status": hop.status, "host": hop.host })
            }).collect::<Vec<_>>(),
            "evidence": self.evidence.as_ref().map(|e| e.text.as_str()),
            "request_id": self.evidence.as_ref().and_then(|e| e.request_id.as_deref()),
        });
        if let Some(stream) = &self.stream {
            object["stream"] = stream.to_json();
        }
        if let Some(found) = &self.found {
            object["found"] = found.to_json();
        }
        object
    }
}
