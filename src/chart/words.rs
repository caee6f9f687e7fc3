//! A figure in words, for whoever does not see it: the same facts in the same order.

use super::figure::{Figure, MailMark, Period, Run, Span};
use super::lanes::word;
use super::rates::{Bin, bins, length};
use super::ticks::{clock, date};
use crate::model::{IncidentId, Timestamp};

/// A probe's worst rate is told of so many runs at least.
const RUNS: f64 = 12.0;
/// Bins that the highest rate is looked for in.
const BINS: u32 = 120;
/// A rate below this is not worth naming.
const QUIET: f64 = 0.1;
/// Periods of one incident that are told one by one.
const MOST_PERIODS: usize = 6;
/// Probes that are told one by one.
const MOST_PROBES: usize = 12;
/// Mails that are told one by one.
const MOST_MAILS: usize = 8;

/// All of it, as plain sentences.
pub fn describe(figure: &Figure) -> String {
    let mut told = vec![what(figure), highest(figure)];
    told.extend(
        numbers(&figure.periods)
            .into_iter()
            .map(|id| incident(figure, id)),
    );
    if let Some(threshold) = figure.threshold {
        told.push(format!("Below {} nobody is told.", percent(threshold)));
    }
    if figure.periods.is_empty() {
        told.push("No incident.".to_owned());
    }
    told.extend(latency(figure));
    told.extend(figure.mails.as_deref().map(|all| mails(figure, all)));
    for mark in &figure.marks {
        told.push(format!("Mark: {} at {}.", mark.label, at(figure, mark.at)));
    }
    told.join(" ")
}

fn what(figure: &Figure) -> String {
    let probes = match figure.probes.as_slice() {
        [] => "no probe".to_owned(),
        [one] => one.clone(),
        more => format!("{} probes together", more.len()),
    };
    format!(
        "{}: share of runs that failed, {probes}, from {} to {}.",
        figure.title,
        moment(figure, figure.span.from),
        moment(figure, figure.span.to)
    )
}

/// The highest rate of all, and of each probe that had a high one.
fn highest(figure: &Figure) -> String {
    let Some((rate, when)) = peak(figure, figure.runs.iter().collect()) else {
        return "No runs.".to_owned();
    };
    let mut text = format!("At most {} failed, at {}", percent(rate), at(figure, when));
    if let Some(focus) = figure.focus {
        text.push_str(&within(figure, focus));
    } else if figure.probes.len() > 1 {
        let peaks = figure.probes.iter().enumerate().map(|(index, name)| {
            let own: Vec<&Run> = figure.runs.iter().filter(|r| r.probe == index).collect();
            (name, peak(figure, own).map_or(0.0, |(rate, _)| rate))
        });
        let (high, low): (Vec<_>, Vec<_>) = peaks.partition(|(_, rate)| *rate >= QUIET);
        let high: Vec<_> = high
            .iter()
            .map(|(name, rate)| format!("{name} {}", percent(*rate)))
            .collect();
        let low: Vec<_> = low.iter().map(|(name, _)| name.as_str()).collect();
        if !high.is_empty() {
            text.push_str(&format!("; by probe: {}", high.join(", ")));
        }
        if !low.is_empty() {
            text.push_str(&format!(
                "; never above {}: {}",
                percent(QUIET),
                low.join(", ")
            ));
        }
    }
    text.push('.');
    text
}

/// How many runs of each probe failed in the time that the figure is about, the worst first.
fn within(figure: &Figure, focus: Span) -> String {
    let mut tallies: Vec<(u32, u32, &str)> =
        figure.probes.iter().map(|p| (0, 0, p.as_str())).collect();
    for run in figure.runs.iter().filter(|r| focus.holds(r.at)) {
        if let Some((failed, of, _)) = tallies.get_mut(run.probe) {
            *failed += u32::from(run.failed);
            *of += 1;
        }
    }
    tallies.sort_by_key(|(failed, ..)| std::cmp::Reverse(*failed));
    let told = tallies.iter().take(MOST_PROBES);
    let told: Vec<_> = told
        .map(|(failed, of, name)| format!("{name} {failed} of {of}"))
        .collect();
    let more = match tallies.len().saturating_sub(MOST_PROBES) {
        0 => String::new(),
        n => format!(", and {n} others"),
    };
    format!(
        "; failed from {} to {}: {}{more}",
        at(figure, focus.from),
        at(figure, focus.to),
        told.join(", ")
    )
}

fn peak(figure: &Figure, runs: Vec<&Run>) -> Option<(f64, Timestamp)> {
    let long = length(figure.span, runs.len(), RUNS, BINS);
    let found = bins(figure.span, long, runs.into_iter());
    let rates = found.iter().enumerate().filter_map(|(index, bin)| {
        // The first and the last bin may be cut short.
        let full = f64::from(bin.runs) >= RUNS / 2.0;
        let (rate, ..) = Bin::rate(bin).filter(|_| full)?;
        Some((rate, super::rates::begin(figure.span, long, index)))
    });
    // The first one of several.
    let (rate, begin) = rates.reduce(|a, b| if b.0 > a.0 { b } else { a })?;
    Some((rate, Timestamp::from_seconds(begin)))
}

/// How long answers took, within the time that the figure is about and before it.
fn latency(figure: &Figure) -> Option<String> {
    let focus = figure.focus.filter(|_| figure.latency)?;
    let median = |within: bool| {
        let runs = figure.runs.iter();
        let fit = runs.filter(|r| !r.failed && (r.at >= focus.from) == within);
        let mut times: Vec<u32> = fit.map(|r| r.latency_us).collect();
        times.sort_unstable();
        let at = |share: f64| {
            let rank = (share * times.len().saturating_sub(1) as f64).round() as usize;
            times.get(rank).copied()
        };
        Some(format!(
            "{} (95 % within {})",
            time(at(0.5)?),
            time(at(0.95)?)
        ))
    };
    match (median(false), median(true)) {
        (Some(before), Some(then)) => Some(format!(
            "A good answer took {before} before it, and {then} since."
        )),
        (Some(before), None) => Some(format!(
            "A good answer took {before} before it; there was none since."
        )),
        (None, _) => None,
    }
}

/// `80 ms`, `2.9 s`.
fn time(us: u32) -> String {
    match f64::from(us) / 1e6 {
        s if s < 0.995 => format!("{:.0} ms", s * 1e3),
        s if s < 9.95 => format!("{s:.1} s"),
        s => format!("{s:.0} s"),
    }
}

fn numbers(periods: &[Period]) -> Vec<IncidentId> {
    let mut ids: Vec<IncidentId> = periods.iter().map(|p| p.incident).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn incident(figure: &Figure, id: IncidentId) -> String {
    let own = || figure.periods.iter().filter(|p| p.incident == id);
    let worst = own().filter_map(|p| p.severity).max();
    let worst = worst.map_or("", |severity| severity.name());
    let mut open: Vec<(Timestamp, Timestamp)> = Vec::new();
    for period in own().filter(|p| p.severity.is_some()) {
        match open.last_mut().filter(|(_, to)| *to == period.span.from) {
            Some((_, to)) => *to = period.span.to,
            None => open.push((period.span.from, period.span.to)),
        }
    }
    let times: Vec<_> = open
        .iter()
        .take(MOST_PERIODS)
        .map(|(from, to)| format!("{} to {}", at(figure, *from), at(figure, *to)))
        .collect();
    let more = match open.len().saturating_sub(MOST_PERIODS) {
        0 => String::new(),
        n => format!(" and {n} more times"),
    };
    format!(
        "Incident {id}, {worst} at worst: open {}{more}.",
        times.join(", ")
    )
}

fn mails(figure: &Figure, all: &[MailMark]) -> String {
    let told: Vec<_> = all
        .iter()
        .take(MOST_MAILS)
        .map(|m: &MailMark| format!("{} ({})", at(figure, m.at), word(m.event)))
        .collect();
    match all.len() {
        0 => "No mail.".to_owned(),
        1 => format!("1 mail: {}.", told.join("")),
        n if n > MOST_MAILS => format!("{n} mails, the first: {}.", told.join(", ")),
        n => format!("{n} mails: {}.", told.join(", ")),
    }
}

/// A moment within the figure: with its day when that is not the first one.
fn at(figure: &Figure, at: Timestamp) -> String {
    let day = date(at, figure.time);
    match day == date(figure.span.from, figure.time) {
        true => clock(at, figure.time),
        false => moment(figure, at),
    }
}

fn moment(figure: &Figure, at: Timestamp) -> String {
    match date(at, figure.time) {
        Some(day) => format!("{day} {}", clock(at, figure.time)),
        None => clock(at, figure.time),
    }
}

fn percent(rate: f64) -> String {
    format!("{:.0} %", rate * 100.0)
}
