//! Keeps what a run sent and received, for a bug report: `watchfire probe --save FILE`.
//!
//! Like the notes on connections, the recorder travels in a task-local; without one, nothing is kept and nothing is
//! paid. What is written is bounded, and free of secrets: sensitive headers are masked by name, everything else by value.

use std::fmt::Write as _;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode, Version, header};
use tokio::time::Instant;
use url::Url;

use super::{End, Run};
use crate::model::{Redactor, Secret};

/// Requests of one run that are kept; a job polls more often, always with the same answer.
const MOST_EXCHANGES: usize = 20;
/// Bytes of one body that are kept.
const MOST_BYTES: usize = 320 * 1024;
/// Bytes of a longer body that are shown: a secret that lies across the cut is then kept whole, and found.
const SHOWN_BYTES: usize = 256 * 1024;
/// Moments of one body's arrival that are kept.
const MOST_PIECES: usize = 1_000;
/// Headers of replies whose values open a session, or are keys that were said back.
const MASKED: [header::HeaderName; 5] = [
    header::SET_COOKIE,
    header::COOKIE,
    header::AUTHORIZATION,
    header::PROXY_AUTHORIZATION,
    header::WWW_AUTHENTICATE,
];

tokio::task_local! {
    static CURRENT: Recorder;
}

/// What one run sent and received; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    begun: Option<Instant>,
    exchanges: Vec<Exchanged>,
    left_out: usize,
    secrets: Vec<Secret>,
}

#[derive(Debug)]
struct Exchanged {
    at: Duration,
    head: String,
    body: Vec<u8>,
    reply: Option<Heard>,
}

#[derive(Debug)]
struct Heard {
    at: Duration,
    head: String,
    pieces: Vec<(Duration, usize)>,
    body: Vec<u8>,
    bytes: usize,
    end: Option<String>,
}

impl Recorder {
    /// Runs `run` and keeps what it sends and receives.
    pub fn watch<F: Future>(&self, run: F) -> impl Future<Output = F::Output> {
        self.write(|kept| kept.begun = Some(Instant::now()));
        CURRENT.scope(self.clone(), run)
    }

    /// All of it as text, without secrets; `name` is `service/probe`.
    pub fn text(&self, name: &str, run: &Run, redactor: &Redactor) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = String::new();
        let _ = writeln!(
            out,
            "# watchfire {} probe {name} at {}",
            env!("CARGO_PKG_VERSION"),
            run.started
        );
        let own = Redactor::new(&kept.secrets);
        let clean = |text: &str| redactor.redact(&own.redact(text));
        for exchanged in &kept.exchanges {
            exchanged.write(&mut out, &clean);
        }
        if kept.left_out > 0 {
            let _ = writeln!(out, "\n# {} more requests are left out", kept.left_out);
        }
        let _ = writeln!(out, "\n= {}", run.to_json(name));
        clean(&out)
    }

    fn write(&self, change: impl FnOnce(&mut Kept)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Kept {
    fn at(&self) -> Duration {
        self.begun.map_or(Duration::ZERO, |begun| begun.elapsed())
    }

    fn reply(&mut self) -> Option<&mut Heard> {
        // Those beyond the limit are counted, not kept.
        if self.left_out > 0 {
            return None;
        }
        self.exchanges.last_mut()?.reply.as_mut()
    }
}

/// A request leaves.
pub(super) fn sent(method: &Method, url: &Url, headers: &HeaderMap, body: &[u8]) {
    note(|kept| {
        if kept.exchanges.len() >= MOST_EXCHANGES {
            kept.left_out += 1;
            return;
        }
        let mut head = format!("{method} {url}\n");
        write_headers(&mut head, headers);
        let exchanged = Exchanged {
            at: kept.at(),
            head,
            body: body.get(..MOST_BYTES).unwrap_or(body).to_vec(),
            reply: None,
        };
        kept.exchanges.push(exchanged);
    });
}

/// Status and headers have come.
pub(super) fn heard(version: Version, status: StatusCode, headers: &HeaderMap) {
    note(|kept| {
        let at = kept.at();
        let mut head = format!("{version:?} {status}\n");
        write_headers(&mut head, headers);
        if let Some(exchanged) = kept.exchanges.last_mut().filter(|_| kept.left_out == 0) {
            exchanged.reply = Some(Heard {
                at,
                head,
                pieces: Vec::new(),
                body: Vec::new(),
                bytes: 0,
                end: None,
            });
        }
    });
}

/// A piece of the body has come.
pub(super) fn piece(bytes: &[u8]) {
    note(|kept| {
        let at = kept.at();
        let Some(reply) = kept.reply() else { return };
        reply.bytes += bytes.len();
        if reply.pieces.len() < MOST_PIECES {
            reply.pieces.push((at, bytes.len()));
        }
        let room = MOST_BYTES.saturating_sub(reply.body.len());
        reply
            .body
            .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    });
}

/// The body has ended.
pub(super) fn ended(end: &End) {
    note(|kept| {
        if let Some(reply) = kept.reply() {
            reply.end = Some(format!("{end:?}"));
        }
    });
}

/// What must not be seen outside, learned during the run.
pub(super) fn secrets(secrets: &[Secret]) {
    note(|kept| kept.secrets.extend_from_slice(secrets));
}

fn note(change: impl FnOnce(&mut Kept)) {
    let _ = CURRENT.try_with(|recorder| recorder.write(change));
}

fn write_headers(out: &mut String, headers: &HeaderMap) {
    for (name, value) in headers {
        let masked = value.is_sensitive() || MASKED.contains(name);
        let shown = if masked {
            Redactor::MASK.into()
        } else {
            String::from_utf8_lossy(value.as_bytes())
        };
        let _ = writeln!(out, "{name}: {shown}");
    }
}

impl Exchanged {
    fn write(&self, out: &mut String, clean: &dyn Fn(&str) -> String) {
        let _ = writeln!(out, "\n# sent at {}", ms(self.at));
        lines(out, ">", &clean(&self.head));
        body(out, ">", &self.body, self.body.len(), clean);
        let Some(reply) = &self.reply else {
            let _ = writeln!(out, "\n# no reply came");
            return;
        };
        let _ = writeln!(out, "\n# status and headers at {}", ms(reply.at));
        lines(out, "<", &clean(&reply.head));
        body(out, "<", &reply.body, reply.bytes, clean);
        for (at, bytes) in &reply.pieces {
            let _ = writeln!(out, "# {bytes} bytes at {}", ms(*at));
        }
        let end = reply.end.as_deref().unwrap_or("it was cut off");
        let _ = writeln!(out, "# end of the body: {end}");
    }
}

/// The text, each line behind a mark. Control characters are shown, not sent to whoever reads it.
fn lines(out: &mut String, mark: &str, text: &str) {
    for line in text.lines() {
        let _ = writeln!(out, "{mark} {}", super::evidence::visible(line));
    }
}

fn body(out: &mut String, mark: &str, bytes: &[u8], whole: usize, clean: &dyn Fn(&str) -> String) {
    if bytes.is_empty() {
        return;
    }
    let _ = writeln!(out, "{mark}");
    // A text that was cut within a character is a text all the same.
    if std::str::from_utf8(bytes).is_err_and(|fault| fault.error_len().is_some()) {
        let _ = writeln!(out, "{mark} ({whole} bytes that are no text)");
        return;
    }
    let mut text = clean(&String::from_utf8_lossy(bytes));
    if whole > SHOWN_BYTES {
        text.truncate(text.floor_char_boundary(SHOWN_BYTES));
    }
    lines(out, mark, &text);
    if whole > SHOWN_BYTES {
        let _ = writeln!(out, "{mark} (cut: {whole} bytes in all)");
    }
}

fn ms(at: Duration) -> String {
    format!("{:.1} ms", at.as_secs_f64() * 1e3)
}
