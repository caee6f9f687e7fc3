//! `watchfire probe`: draws a run as a waterfall of its phases, with the verdict, the reason and whose fault it is.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::cli::claim;
use crate::model::{Fault, Findings, Outcome, Phase, Standing};
use crate::probe::Run;

use super::{learned, timeline};

/// Left of the bars: label and time.
const MARGIN: usize = 26;
/// Bars are never drawn narrower or wider than this.
const BARS: std::ops::RangeInclusive<usize> = 10..=100;
const BAR: char = '\u{2588}';
const MARK: char = '\u{25b2}';

/// The run as text of at most `width` columns (50 at least), with ANSI styles; ends with a line break.
///
/// The bars follow each other on one time scale from the start of the run to its verdict. When several requests were
/// made, the phases are those of the last one, and the time of those before it stays blank.
pub fn draw(name: &str, run: &Run, width: usize) -> String {
    let mut out = String::new();
    head(&mut out, name, run);
    bars(
        &mut out,
        run,
        width
            .saturating_sub(MARGIN)
            .clamp(*BARS.start(), *BARS.end()),
    );
    verdict(&mut out, run, width.max(50));
    out
}

fn head(out: &mut String, name: &str, run: &Run) {
    let (bold, colour) = (Style::new().bold(), colour(run.outcome));
    let _ = write!(
        out,
        "{bold}{name}{bold:#}  {colour}{}{colour:#}",
        run.outcome.name()
    );
    if let Some(status) = run.status {
        let _ = write!(out, "  HTTP {status}");
    }
    let _ = write!(out, "  {}", span(run.total_us).trim_start());
    if let Some(version) = run.http() {
        let _ = write!(out, "  HTTP/{version}");
    }
    if let Some(tls) = run.wire.tls {
        let _ = write!(out, "  TLS {}", tls.name());
    }
    if run.bytes > 0 {
        let _ = write!(out, "  {} bytes", run.bytes);
    }
    let tokens = run.stream.as_ref().map(|stream| stream.tokens);
    if let Some(tokens) = tokens.filter(|_| !is_of_pictures(run)) {
        let _ = write!(
            out,
            "  {tokens} {}",
            if tokens == 1 { "token" } else { "tokens" }
        );
    }
    // The port is only known of a peer that answered.
    match run.peer {
        Some(peer) if peer.port() == 0 => {
            let _ = write!(out, "  {}", peer.ip());
        }
        Some(peer) => {
            let _ = write!(out, "  {peer}");
        }
        None => {}
    }
    out.push('\n');
}

fn bars(out: &mut String, run: &Run, columns: usize) {
    let phases = &run.phases;
    let parts = [
        (Phase::Dns, "dns", phases.dns_us),
        (Phase::Connect, "connect", phases.connect_us),
        (Phase::Tls, "tls", phases.tls_us),
        (Phase::FirstByte, "first byte", phases.first_byte_us),
        (Phase::Body, "body", phases.body_us),
    ];
    let known: u64 = parts.iter().filter_map(|part| part.2).map(u64::from).sum();
    let whole = u64::from(run.total_us).max(known).max(1);
    let column = |at: u64| {
        usize::try_from(at * columns as u64 / whole)
            .unwrap_or(columns)
            .min(columns)
    };
    let mut from = whole - known;
    for (phase, label, took) in parts {
        let Some(took) = took else { continue };
        let to = from + u64::from(took);
        let (left, right) = (column(from).min(columns - 1), column(to));
        let bar: String = std::iter::repeat_n(BAR, right.saturating_sub(left).max(1)).collect();
        let style = match run.failed_in == Some(phase) {
            true => colour(run.outcome),
            false => AnsiColor::Blue.on_default(),
        };
        let _ = writeln!(
            out,
            "  {label:<11} {:>9}  {:left$}{style}{bar}{style:#}",
            span(took),
            ""
        );
        from = to;
    }
    let first_event = run.stream.as_ref().and_then(|stream| stream.first_event_us);
    for (label, moment) in [
        ("first event", first_event),
        (
            if is_of_pictures(run) {
                "picture"
            } else {
                "first token"
            },
            phases.first_token_us,
        ),
    ] {
        let Some(moment) = moment else { continue };
        let at = column(u64::from(moment)).min(columns - 1);
        let _ = writeln!(out, "  {label:<11} {:>9}  {:at$}{MARK}", span(moment), "");
    }
    if let Some(gap) = phases.longest_gap_us {
        let length: String =
            std::iter::repeat_n('\u{2500}', column(u64::from(gap)).max(1)).collect();
        let _ = writeln!(out, "  {:<11} {:>9}  {length}", "longest gap", span(gap));
    }
    if let Some(stream) = run.stream.as_ref().filter(|s| !s.moments_us.is_empty()) {
        let rate = stream
            .tokens_per_second
            .map_or_else(String::new, |rate| format!("{rate:.1}/s"));
        let line = timeline::line(&stream.moments_us, columns, column);
        let _ = writeln!(out, "  {:<11} {rate:>9}  {line}", "tokens");
    }
}

/// Whether what streamed had no text in it: a stream of pictures has a first piece, and no tokens to count.
fn is_of_pictures(run: &Run) -> bool {
    let wordless = run.stream.as_ref().is_some_and(|stream| stream.tokens == 0);
    wordless && run.phases.first_token_us.is_some()
}

fn verdict(out: &mut String, run: &Run, width: usize) {
    let colour = colour(run.outcome);
    let place = run
        .failed_in
        .map(|phase| format!(" in {}", phase.name()))
        .unwrap_or_default();
    match run.outcome {
        Outcome::Success | Outcome::Noted => {}
        Outcome::Failure(kind, fault) => {
            let _ = writeln!(out, "  {colour}{kind}{colour:#}{place}: {}", whose(fault));
        }
        Outcome::Degraded(kind) => {
            let _ = writeln!(out, "  {colour}{kind}{colour:#}: up, but degraded");
        }
        Outcome::Inconclusive(cause) => {
            let cause = cause.name();
            let _ = writeln!(
                out,
                "  {colour}{cause}{colour:#}{place}: says nothing about the service"
            );
        }
    }
    if let Some(evidence) = &run.evidence {
        for line in wrapped(&evidence.text, width - 4) {
            let _ = writeln!(out, "    {line}");
        }
        if let Some(id) = &evidence.request_id {
            let _ = writeln!(out, "    request id {id}");
        }
    }
    if let Some(count) = run.found.as_ref().and_then(|found| found.count) {
        let _ = writeln!(out, "  number read: {count}");
    }
    if let Some(found) = &run.found {
        learned(out, run, found, width);
    }
    if let Some(note) = run.found.as_ref().and_then(|found| found.note.as_ref()) {
        for line in wrapped(&format!("note: {note}"), width - 2) {
            let _ = writeln!(out, "  {line}");
        }
    }
    if let Some(stream) = run.stream.as_ref().filter(|s| !s.answer.is_empty()) {
        for line in wrapped(&format!("answer: {}", stream.answer), width - 4) {
            let _ = writeln!(out, "  {line}");
        }
    }
    if let Some(usage) = run.found.as_ref().and_then(|found| found.usage) {
        let _ = write!(out, "  usage: {} tokens in", usage.input_tokens);
        if usage.cached_tokens > 0 {
            let _ = write!(out, " ({} cached)", usage.cached_tokens);
        }
        let _ = writeln!(out, ", {} out", usage.output_tokens);
    }
    if let Some(found) = &run.found {
        learned::draw(out, found);
    }
    for hop in &run.wire.hops {
        let _ = writeln!(out, "  redirected by {hop}");
    }
    if let (Some(expires), Some(days)) = (run.cert_expires, run.cert_days_left()) {
        let days = match days {
            0 => "the last day".to_owned(),
            1 => "1 day left".to_owned(),
            days if days < 0 => "it has ended".to_owned(),
            days => format!("{days} days left"),
        };
        let _ = writeln!(out, "  certificate valid until {expires}, {days}");
    }
}

/// What a page claims, and what ends soon.
fn learned(out: &mut String, run: &Run, found: &Findings, width: usize) {
    let now = run.started;
    if let Some(claim) = &found.claim {
        let colour = match claim.overall {
            Standing::Operational => AnsiColor::Green.on_default(),
            standing if standing.admits() => AnsiColor::Red.on_default(),
            _ => AnsiColor::Yellow.on_default(),
        };
        let _ = writeln!(
            out,
            "  the page claims: {colour}{}{colour:#}",
            claim.overall
        );
        for line in claim::lines(claim, now, width - 4) {
            let _ = writeln!(out, "    {line}");
        }
    }
    for deadline in &found.deadlines {
        let told = deadline.tell(now);
        // What has come to pass already is in the reason.
        if !run
            .evidence
            .as_ref()
            .is_some_and(|e| e.text.contains(&told))
        {
            let _ = writeln!(out, "  {told}");
        }
    }
}

fn whose(fault: Fault) -> &'static str {
    match fault {
        Fault::Provider => "the provider's fault",
        Fault::Network => "between us and the provider",
        Fault::Ours => "our own fault (key, quota, rate or request), not an outage",
        Fault::Blocked => "a bot check stands in the way, not an outage",
    }
}

fn colour(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Success | Outcome::Noted => AnsiColor::Green.on_default(),
        Outcome::Degraded(_) | Outcome::Inconclusive(_) => AnsiColor::Yellow.on_default(),
        Outcome::Failure(..) => AnsiColor::Red.on_default(),
    }
}

/// `0.42 ms`, `150.2 ms`, `12.41 s`.
fn span(us: u32) -> String {
    match us {
        0..10_000 => format!("{:.2} ms", f64::from(us) / 1e3),
        10_000..1_000_000 => format!("{:.1} ms", f64::from(us) / 1e3),
        _ => format!("{:.2} s", f64::from(us) / 1e6),
    }
}

/// Broken between words; a word that is longer than a line is cut.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut length = 0;
    for word in text.split(' ') {
        let mut rest: Vec<char> = word.chars().collect();
        if length > 0 && length + 1 + rest.len() > width {
            lines.push(String::new());
            length = 0;
        }
        while !rest.is_empty() {
            let head: String = rest.drain(..rest.len().min(width)).collect();
            let line = lines.last_mut().expect("there is always a last line");
            if length > 0 {
                line.push(' ');
                length += 1;
            }
            length += head.chars().count();
            line.push_str(&head);
            if !rest.is_empty() {
                lines.push(String::new());
                length = 0;
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Evidence, FailureKind, Findings, Phases, Timestamp, Usage};
    use crate::probe::{Hop, Streamed, TlsVersion, Wire};

    fn stalled() -> Run {
        Run {
            started: Timestamp::EPOCH,
            outcome: Outcome::Failure(FailureKind::Stalled, Fault::Provider),
            status: Some(200),
            failed_in: Some(Phase::Body),
            phases: Phases {
                dns_us: Some(1_200),
                connect_us: Some(12_000),
                tls_us: Some(20_300),
                first_byte_us: Some(350_000),
                body_us: Some(10_600_000),
                first_token_us: Some(900_000),
                longest_gap_us: Some(10_000_000),
            },
            total_us: 11_000_000,
            bytes: 812,
            found: Some(Box::new(Findings {
                usage: Some(Usage {
                    input_tokens: 25,
                    cached_tokens: 20,
                    output_tokens: 3,
                    images: 0,
                }),
                ..Findings::default()
            })),
            evidence: Some(Box::new(Evidence {
                text: "the stream was silent for 10.0 s after 3 tokens".to_owned(),
                request_id: Some("req-7".to_owned()),
            })),
            peer: Some(([192, 0, 2, 1], 443).into()),
            cert_expires: Timestamp::parse("1970-01-15T00:00:00Z"),
            wire: Wire {
                http: Some(http::Version::HTTP_2),
                tls: Some(TlsVersion::V1_3),
                hops: vec![Hop {
                    status: 302,
                    host: "a.example:443".to_owned(),
                }],
                ..Wire::default()
            },
            stream: Some(Box::new(Streamed {
                first_event_us: Some(400_000),
                moments_us: vec![900_000, 950_000, 1_000_000],
                tokens: 3,
                tokens_per_second: Some(20.0),
                finish: None,
                complete: false,
                answer: "The capital is".to_owned(),
            })),
        }
    }

    #[test]
    fn a_run_is_drawn_on_one_time_scale() {
        let drawn = anstream::adapter::strip_str(&draw("openai/chat", &stalled(), 66)).to_string();
        let wanted = "\
openai/chat  failure  HTTP 200  11.00 s  HTTP/2  TLS 1.3  812 bytes  3 tokens  192.0.2.1:443
  dns           1.20 ms  █
  connect       12.0 ms  █
  tls           20.3 ms  █
  first byte   350.0 ms  █
  body          10.60 s   ███████████████████████████████████████
  first event  400.0 ms   ▲
  first token  900.0 ms     ▲
  longest gap   10.00 s  ────────────────────────────────────
  tokens         20.0/s     █
  stalled in body: the provider's fault
    the stream was silent for 10.0 s after 3 tokens
    request id req-7
  answer: The capital is
  usage: 25 tokens in (20 cached), 3 out
  redirected by 302 a.example:443
  certificate valid until 1970-01-15T00:00:00Z, 14 days left
";
        assert_eq!(drawn, wanted);
    }

    #[test]
    fn no_width_and_no_run_makes_it_panic() {
        let mut run = stalled();
        for width in [0, 1, 26, 49, 80, 100_000] {
            let _ = draw("a/b", &run, width);
        }
        run.total_us = 0;
        run.phases = Phases {
            first_token_us: Some(u32::MAX),
            longest_gap_us: Some(u32::MAX),
            ..Phases::default()
        };
        let _ = draw("a/b", &run, 80);
    }

    #[test]
    fn a_reason_is_broken_between_words_and_a_long_word_is_cut() {
        assert_eq!(wrapped("aa bb cccccccc d", 5), ["aa bb", "ccccc", "ccc d"]);
        assert_eq!(wrapped("", 5), [""]);
    }
}
