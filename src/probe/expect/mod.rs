//! What a reply must be besides answered: the key `expect`.
//!
//! One file a part of the reply: status, headers, content, JSON, and what it came over. Each reason says which
//! expectation failed, what it wanted and what was found.

mod content;
mod header;
mod json;
mod status;
mod wire;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

pub(super) use self::content::Content;
use self::header::HeaderClaims;
use self::json::JsonClaims;
pub(super) use self::status::Statuses;
use self::wire::WireClaims;
use super::fields::Fields;
use super::pattern::Pattern;
use super::reply::Reply;
use super::verdict::failure;
use super::{Judgement, Prepared};
use crate::diagnostic::Problem;
use crate::model::{FailureKind, Fault, Outcome, Phase};

/// Least and most that `max_bytes` can be set to.
const MAX_BYTES: std::ops::Range<u64> = 1..64 * 1024 * 1024 + 1;

/// Least and most that `min_chars` can be set to.
const MIN_CHARS: std::ops::Range<u64> = 1..100_001;

/// Of all probes without the key `expect`.
static NOTHING: LazyLock<Arc<Expect>> = LazyLock::new(Arc::default);

/// The claims on a reply; the default claims nothing but a 2xx.
#[derive(Debug, Clone, Default)]
pub(super) struct Expect {
    pub status: Option<Statuses>,
    /// Found in the answer; of a list, the first.
    pub text: Option<Pattern>,
    pub not_text: Option<Pattern>,
    pub min_chars: Option<u64>,
    /// The rest of both lists.
    content: Content,
    headers: HeaderClaims,
    json: JsonClaims,
    wire: WireClaims,
    latency_under: Option<Duration>,
    min_bytes: Option<usize>,
    pub max_bytes: Option<usize>,
}

impl Expect {
    /// Keys that make sense for every kind.
    pub(super) const COMMON: &'static [&'static str] = &[
        "latency_under",
        "first_byte_under",
        "cert_valid_for",
        "tls_version",
        "http",
        "ip",
        "max_bytes",
    ];

    /// Reads `expect` of a probe, of which only `known` keys are allowed.
    pub(super) fn read(probe: &mut Fields<'_, '_>, known: &[&str]) -> Arc<Self> {
        let Some(value) = probe.get("expect") else {
            return NOTHING.clone();
        };
        let mut fields = Fields::of(value);
        fields.only(known);
        let (text, wanted) = content::patterns(&mut fields, "text");
        let (not_text, unwanted) = content::patterns(&mut fields, "not_text");
        let bytes = |fields: &mut Fields<'_, '_>, key| {
            let number = fields.number(key, MAX_BYTES);
            number.and_then(|n| usize::try_from(n).ok())
        };
        let expect = Self {
            status: Statuses::read(&mut fields, "status"),
            text,
            not_text,
            min_chars: fields.number("min_chars", MIN_CHARS),
            content: Content { wanted, unwanted },
            headers: HeaderClaims::read(&mut fields, "headers"),
            json: JsonClaims::read(&mut fields, "json"),
            wire: WireClaims::read(&mut fields),
            latency_under: fields.duration("latency_under"),
            min_bytes: bytes(&mut fields, "min_bytes"),
            max_bytes: bytes(&mut fields, "max_bytes"),
        };
        if let (Some(least), Some(most)) = (expect.min_bytes, expect.max_bytes)
            && least > most
        {
            let fault = Problem::new(
                fields.span("min_bytes"),
                format!("`min_bytes` {least} is more than `max_bytes` {most}"),
            );
            fields.fault(fault);
        }
        probe.take::<()>(Err(fields.problems()));
        Arc::new(expect)
    }

    /// Whether a status is wanted: those of `status`, or any 2xx.
    pub(super) fn wants(&self, status: u16) -> bool {
        match &self.status {
            Some(wanted) => wanted.contain(status),
            None => (200..300).contains(&status),
        }
    }

    /// The statuses that are wanted, in words: `2xx`, `200 or 204`.
    pub(super) fn wanted(&self) -> String {
        self.status
            .as_ref()
            .map_or_else(|| "2xx".to_owned(), Statuses::to_string)
    }

    /// Whether the body is needed to judge.
    pub(super) fn reads_body(&self) -> bool {
        self.text.is_some() || self.not_text.is_some() || !self.json.is_empty()
    }

    /// The limit on the body.
    pub(super) fn max_bytes(&self) -> usize {
        self.max_bytes.unwrap_or(Prepared::MAX_BYTES)
    }

    /// Why the headers are not the wanted ones.
    pub(super) fn fault_of_headers(&self, reply: &Reply) -> Option<Judgement> {
        let why = self.headers.fault(&reply.headers)?;
        Some(failure(
            FailureKind::WrongContent,
            Fault::Provider,
            Phase::FirstByte,
            why,
        ))
    }

    /// Why the content is not the wanted one.
    pub(super) fn fault_of_content(&self, content: &[u8]) -> Option<String> {
        content::fault(
            self.text.iter().chain(&self.content.wanted),
            self.not_text.iter().chain(&self.content.unwanted),
            content,
        )
        .or_else(|| self.json.fault(content))
    }

    /// The least bytes of what was wanted, for kinds whose answer carries it in itself.
    pub(super) fn min_bytes(&self) -> usize {
        self.min_bytes.unwrap_or(0)
    }

    /// Why there is too little of the answer.
    pub(super) fn fault_of_size(&self, reply: &Reply) -> Option<String> {
        let least = self.min_bytes.filter(|least| reply.read_bytes < *least)?;
        Some(format!(
            "the answer has {} bytes, wanted at least {least} (expect.min_bytes)",
            reply.read_bytes
        ))
    }

    /// What is left to judge when the answer itself is right: what it came over, the certificate's end, then the time.
    pub(super) fn judge_rest(&self, reply: &Reply) -> Judgement {
        self.wire
            .fault(reply)
            .or_else(|| self.slow(reply))
            .unwrap_or(Judgement::SUCCESS)
    }

    /// The first reply of several: all that is left to judge but the time of the whole.
    pub(super) fn fault_of_wire(&self, reply: &Reply) -> Option<Judgement> {
        self.wire.fault(reply)
    }

    /// Whether the whole took too long, or the wait for its headers.
    pub(super) fn slow(&self, reply: &Reply) -> Option<Judgement> {
        self.slow_in_all(reply).or_else(|| self.wire.slow(reply))
    }

    /// Whether all that was done until this reply ended took too long.
    pub(super) fn slow_in_all(&self, reply: &Reply) -> Option<Judgement> {
        let limit = self.latency_under?;
        (reply.elapsed > limit).then(|| too_slow("the answer", reply.elapsed, limit))
    }
}

/// A right answer that came later than wanted.
pub(super) fn too_slow(what: &str, took: Duration, limit: Duration) -> Judgement {
    Judgement {
        outcome: Outcome::Degraded(FailureKind::TooSlow),
        failed_in: None,
        why: format!("{what} took {}, more than {}", told(took), told(limit)),
        found: None,
    }
}

/// `0.25 s` below a second, `2.5 s` from there on.
fn told(span: Duration) -> String {
    match span.as_secs() {
        0 => format!("{:.2} s", span.as_secs_f64()),
        _ => format!("{:.1} s", span.as_secs_f64()),
    }
}

/// A regular expression of the file.
fn compile(text: &str, span: std::ops::Range<usize>) -> Result<Pattern, Problem> {
    Pattern::compile(text).map_err(|fault| {
        // The whole message is a drawing over several lines; its last line is the reason.
        let why = fault.to_string();
        let why = why
            .lines()
            .last()
            .unwrap_or_default()
            .trim_start_matches("error: ")
            .to_owned();
        Problem::new(span, format!("no regular expression: {why}"))
    })
}

/// One value, or each of a list.
fn each<'t, 'v>(value: &'t Spanned<DeValue<'v>>) -> &'t [Spanned<DeValue<'v>>] {
    match value.get_ref() {
        DeValue::Array(items) => items,
        _ => std::slice::from_ref(value),
    }
}
