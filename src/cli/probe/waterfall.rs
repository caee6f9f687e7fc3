//! The phases of one run, drawn as bars that begin where the one before ends.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::model::{Outcome, Phase};
use crate::probe::Run;

/// Columns of the longest bar.
const WIDTH: usize = 48;

/// The picture, with colours for a terminal (the printer removes them where there is none).
pub(super) fn draw(name: &str, what: &str, run: &Run) -> String {
    let mut text = String::new();
    let style = colour(run.outcome);
    let bold = Style::new().bold();
    // Writing into a string cannot fail.
    let _ = writeln!(text, "{bold}{name}{bold:#}  {what}");
    let phases = &run.phases;
    let bars = [
        (Phase::Dns, "dns", phases.dns_us),
        (Phase::Connect, "connect", phases.connect_us),
        (Phase::Tls, "tls", phases.tls_us),
        (Phase::FirstByte, "first byte", phases.first_byte_us),
        (Phase::Body, "body", phases.body_us),
    ];
    let total = u64::from(run.total_us.max(1));
    let mut begin = 0;
    for (phase, label, us) in bars {
        let Some(us) = us else { continue };
        let failed = run.failed_in == Some(phase);
        let (skip, fill) = (columns(begin, total), columns(u64::from(us), total).max(1));
        let fill = fill.min(WIDTH.saturating_sub(skip).max(1));
        let mark = if failed { '!' } else { '#' };
        let bar: String = std::iter::repeat_n(' ', skip).chain(std::iter::repeat_n(mark, fill)).collect();
        let ink = if failed { style } else { Style::new() };
        let _ = writeln!(text, "  {label:<11}{ink}{bar:<WIDTH$}{ink:#} {:>9}", ms(us));
        begin += u64::from(us);
    }
    for (label, us) in [("first token", phases.first_token_us), ("longest gap", phases.longest_gap_us)] {
        if let Some(us) = us {
            let at = columns(u64::from(us), total).min(WIDTH - 1);
            let line = if label == "first token" { format!("{}^", " ".repeat(at)) } else { String::new() };
            let _ = writeln!(text, "  {label:<11}{line:<WIDTH$} {:>9}", ms(us));
        }
    }
    let status = run.status.map_or(String::new(), |s| format!(", status {s}"));
    let tokens = run.tokens.map_or(String::new(), |n| format!(", {n} tokens"));
    let _ = writeln!(text, "  {:<11}{:WIDTH$} {:>9}{status}{tokens}", "total", "", ms(run.total_us));
    let _ = write!(text, "  {style}{}{style:#}", verdict(run.outcome));
    if let Some(evidence) = &run.evidence {
        let _ = write!(text, ": {}", evidence.text);
        if let Some(id) = &evidence.request_id {
            let _ = write!(text, "\n  request id {id}");
        }
    }
    text.push('\n');
    text
}

fn verdict(outcome: Outcome) -> String {
    match outcome {
        Outcome::Success => "ok".to_owned(),
        Outcome::Degraded(kind) => format!("degraded ({kind})"),
        Outcome::Failure(kind, fault) => format!("failed ({kind}, fault: {})", fault.name()),
        Outcome::Inconclusive(cause) => format!("inconclusive ({})", cause.name()),
    }
}

fn colour(outcome: Outcome) -> Style {
    let colour = match outcome {
        Outcome::Success => AnsiColor::Green,
        Outcome::Degraded(_) | Outcome::Inconclusive(_) => AnsiColor::Yellow,
        Outcome::Failure(..) => AnsiColor::Red,
    };
    colour.on_default()
}

fn columns(us: u64, total: u64) -> usize {
    usize::try_from(us.saturating_mul(WIDTH as u64) / total).unwrap_or(WIDTH).min(WIDTH - 1)
}

fn ms(us: u32) -> String {
    format!("{:.1} ms", f64::from(us) / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FailureKind, Fault, Phases, Timestamp};

    #[test]
    fn the_bars_stand_one_after_the_other_and_the_failed_phase_is_marked() {
        let run = Run {
            started: Timestamp::EPOCH,
            outcome: Outcome::Failure(FailureKind::Stalled, Fault::Provider),
            status: Some(200),
            failed_in: Some(Phase::Body),
            phases: Phases {
                dns_us: Some(10_000),
                connect_us: Some(10_000),
                tls_us: None,
                first_byte_us: Some(20_000),
                body_us: Some(40_000),
                first_token_us: Some(45_000),
                longest_gap_us: None,
            },
            total_us: 80_000,
            bytes: 10,
            evidence: None,
            peer: None,
            tokens: Some(3),
            cert_expires: None,
        };
        let plain = anstream::adapter::strip_str(&draw("a/b", "GET x", &run)).to_string();
        let lines: Vec<&str> = plain.lines().collect();
        assert_eq!(lines[0], "a/b  GET x");
        assert!(lines[1].starts_with("  dns        ######  "));
        assert!(lines[2].starts_with("  connect          ######  "));
        assert!(lines[4].contains("!!!!!!!!!!!!!!!!!!!!!!!!") && lines[4].ends_with("40.0 ms"));
        assert!(plain.contains("failed (stalled, fault: provider)"));
        assert!(plain.contains("status 200, 3 tokens"));
    }

    #[test]
    fn a_run_that_got_nowhere_is_drawn_too() {
        let run = Run {
            started: Timestamp::EPOCH,
            outcome: Outcome::Success,
            status: None,
            failed_in: None,
            phases: Phases { dns_us: Some(u32::MAX), ..Phases::default() },
            total_us: 0,
            bytes: 0,
            evidence: None,
            peer: None,
            tokens: None,
            cert_expires: None,
        };
        assert!(draw("a/b", "", &run).contains("ok"));
    }
}
