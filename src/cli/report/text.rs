//! The report for a terminal.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use comfy_table::{Table, presets};

use super::figures::{
    self, bounds, failures, left, length, measured, percent, quantiles, spread, unknown,
};
use super::gather::{IncidentReport, Report, ServiceReport};
use crate::model::response::PageLag;
use crate::model::uptime::Uptime;
use crate::report::pages::lag_words;
use crate::report::words::{moment, span};

/// Incidents of a service that are listed, the newest; the other formats have them all.
const MOST_INCIDENTS: usize = 20;

/// How a day was, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Day {
    /// Hardly anything is known of it.
    Unknown,
    /// Less than one in 200 failed.
    Good,
    /// Less than one in 50 failed.
    Fair,
    /// Less than one in ten failed.
    Poor,
    /// More failed.
    Bad,
}

impl Day {
    pub fn of(uptime: &Uptime) -> Self {
        let down = 1.0 - uptime.measured().unwrap_or(1.0);
        match uptime.known() {
            known if known * 10 < uptime.total() || known == 0 => Day::Unknown,
            _ if down < 0.005 => Day::Good,
            _ if down < 0.02 => Day::Fair,
            _ if down < 0.1 => Day::Poor,
            _ => Day::Bad,
        }
    }

    /// As high as it was good, and in its colour.
    fn bar(self) -> String {
        let (bar, colour) = match self {
            Day::Unknown => ('\u{b7}', AnsiColor::BrightBlack),
            Day::Good => ('\u{2588}', AnsiColor::Green),
            Day::Fair => ('\u{2587}', AnsiColor::Green),
            Day::Poor => ('\u{2585}', AnsiColor::Yellow),
            Day::Bad => ('\u{2582}', AnsiColor::Red),
        };
        painted(&bar.to_string(), Style::new().fg_color(Some(colour.into())))
    }
}

fn painted(text: &str, style: Style) -> String {
    format!("{style}{text}{style:#}")
}

pub fn draw(report: &Report) -> String {
    let period = &report.period;
    let mut text = format!(
        "{} to {} UTC, {}\n",
        moment(period.from),
        moment(period.to),
        length(period)
    );
    for told in &report.services {
        text.push('\n');
        service(told, &mut text);
    }
    text
}

fn service(service: &ServiceReport, text: &mut String) {
    let bold = Style::new().bold();
    let title = match service.title == service.name {
        true => String::new(),
        false => format!(" ({})", service.title),
    };
    let name = painted(&service.name, bold);
    // Writing into a string cannot fail.
    let _ = writeln!(text, "{name}{title}");
    for (what, told) in lines(service) {
        let _ = writeln!(text, "  {what:<11} {told}");
    }
    if service.days.len() > 1 {
        let bars: String = service.days.iter().map(|(_, d)| Day::of(d).bar()).collect();
        let _ = writeln!(text, "  {:<11} {bars}", "days");
    }
    let _ = writeln!(text, "\n{}", indented(&probes(service).to_string()));
    if !service.incidents.is_empty() {
        let _ = writeln!(text, "\n{}", indented(&incidents(service).to_string()));
    }
}

/// What is told of a service in a line each, in words.
pub fn lines(service: &ServiceReport) -> Vec<(&'static str, String)> {
    let uptime = &service.uptime;
    let mut lines = Vec::new();
    match uptime.measured() {
        None => lines.push(("up", "nothing is known of this time".to_owned())),
        Some(_) if uptime.unknown() == 0 => lines.push(("up", measured(uptime))),
        Some(_) => lines.push((
            "up",
            format!(
                "{} ({} when what is unknown counts as down or as up)",
                measured(uptime),
                bounds(uptime)
            ),
        )),
    }
    if let (1.., Some(up)) = (uptime.down(), uptime.measured()) {
        let of = format!("{}: {}", percent(1.0 - up), failures(uptime));
        lines.push(("down", of));
    }
    if uptime.unknown() > 0 {
        let share = uptime.unknown() as f64 / uptime.total() as f64;
        lines.push((
            "unknown",
            format!("{}: {}", percent(share), unknown(uptime)),
        ));
    }
    if let Some(budget) = service.budget {
        lines.push(("objective", objective(&budget, service.burns)));
    }
    if let Some(detect) = &service.response.detect {
        lines.push(("outages", response(service, detect.n)));
    }
    for (probe, lag) in &service.pages {
        lines.push(("status page", page(probe, lag)));
    }
    if let Some(money) = service.money.words() {
        lines.push(("spent", money));
    }
    lines
}

fn objective(budget: &crate::model::slo::ErrorBudget, lately: Option<f64>) -> String {
    let mut text = format!(
        "{}: error budget {}",
        figures::objective(budget.slo),
        left(budget.left)
    );
    if (budget.left - budget.left_at_worst).abs() > 0.005 {
        let worst = left(budget.left_at_worst);
        let _ = write!(text, " ({worst} if all that is unknown was down)");
    }
    if let Some(burn) = budget.burn {
        let _ = write!(text, "; burn rate {burn:.2}");
    }
    if let Some(lately) = lately {
        let _ = write!(text, ", since yesterday {lately:.2}");
    }
    text
}

fn response(service: &ServiceReport, n: usize) -> String {
    let response = &service.response;
    let mut parts = vec![format!("{n}, {} in all", span(service.in_trouble))];
    let mut part = |what: &str, spans: &Option<crate::model::response::Spread>| {
        parts.extend(spans.iter().map(|s| format!("{what} after {}", spread(s))));
    };
    part("noticed", &response.detect);
    part("mailed", &response.tell);
    part("over", &response.recover);
    parts.join("; ")
}

fn page(probe: &str, lag: &PageLag) -> String {
    format!("{probe} {}", lag_words(lag))
}

fn probes(service: &ServiceReport) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let tokens = service.probes.iter().any(|p| p.first_tokens.count() > 0);
    let mut header = vec!["probe", "up", "between", "runs", "p50", "p95", "p99"];
    if tokens {
        header.extend(["first token p50", "p95", "p99"]);
    }
    table.set_header(header);
    for probe in &service.probes {
        let mut cells = vec![probe.name.clone()];
        match &probe.missing {
            Some(missing) => cells.extend([String::new(), missing.clone(), String::new()]),
            None => cells.extend([
                measured(&probe.uptime),
                bounds(&probe.uptime),
                probe.uptime.known().to_string(),
            ]),
        }
        cells.extend(quantiles(&probe.durations));
        if tokens {
            cells.extend(quantiles(&probe.first_tokens));
        }
        table.add_row(cells);
    }
    table
}

fn incidents(service: &ServiceReport) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "incident",
        "",
        "since",
        "noticed",
        "mailed",
        "over",
        "page admitted it",
    ]);
    let left_out = service.incidents.len().saturating_sub(MOST_INCIDENTS);
    for incident in service.incidents.iter().skip(left_out).rev() {
        table.add_row(incident.cells());
    }
    if left_out > 0 {
        table.add_row([format!("and {left_out} earlier ones")]);
    }
    table
}

impl IncidentReport {
    /// Number, what it is about, and when what came after its onset.
    pub fn cells(&self) -> [String; 7] {
        let row = &self.course.row;
        let what = row.cause.map_or_else(
            || format!("{} ({})", row.kind, row.severity),
            |cause| format!("{} ({cause})", row.kind),
        );
        let after = |at: Option<crate::model::Timestamp>| {
            at.map_or(String::new(), |at| {
                format!("+{}", span(at.since(row.since)))
            })
        };
        let admitted = self.said.iter().map(|said| said.brief());
        [
            row.id.to_string(),
            what,
            moment(row.since),
            after(Some(row.opened_at)),
            after(self.course.mailed),
            match self.course.recovered {
                Some(at) => after(Some(at)),
                None => "goes on".to_owned(),
            },
            admitted.collect::<Vec<_>>().join(", "),
        ]
    }
}

fn indented(text: &str) -> String {
    let lines = text.lines().map(|line| format!("  {}", line.trim_end()));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tallies::Tallies;
    use crate::model::{Cause, FailureKind, Fault, Origin, Outcome};

    fn day(up: u32, down: u32, unknown: u32) -> Day {
        let mut results = Tallies::default();
        let failed = Outcome::Failure(FailureKind::Timeout, Fault::Provider);
        let blind = Outcome::Inconclusive(Cause::Blind);
        for (outcome, number) in [(Outcome::Success, up), (failed, down), (blind, unknown)] {
            (0..number).for_each(|_| results.add(outcome, Origin::Scheduled));
        }
        Day::of(&Uptime::of(&results))
    }

    #[test]
    fn a_day_of_which_hardly_anything_is_known_is_neither_good_nor_bad() {
        assert_eq!(day(1000, 4, 0), Day::Good);
        assert_eq!(day(1000, 6, 0), Day::Fair);
        assert_eq!(day(1000, 30, 0), Day::Poor);
        assert_eq!(day(800, 200, 0), Day::Bad);
        assert_eq!(day(100, 0, 800), Day::Good);
        assert_eq!(day(100, 0, 1000), Day::Unknown);
        assert_eq!(day(0, 50, 1000), Day::Unknown);
        assert_eq!(day(0, 0, 0), Day::Unknown);
    }
}
