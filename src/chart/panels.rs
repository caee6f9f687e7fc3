//! The measured part of a figure: the error rate with its uncertainty, a row of cells for each probe, the time that
//! answers took, and the axis of time below.

use std::time::Duration;

use plotters::prelude::DrawingBackend;

use super::figure::{Figure, Run};
use super::lanes::name;
use super::layout::{Layout, Room};
use super::look::Ink;
use super::pen::{DrawError, Pen, Place, Side, width_of};
use super::rates::{begin, bins, latencies, length};
use super::ticks::{round_up, ticks};

/// A bin of the error rate holds about so many runs at least, so that its band is not the whole height.
const RUNS_IN_BIN: f64 = 12.0;
/// A cell of one probe holds about so many.
const RUNS_IN_CELL: f64 = 8.0;
/// Pixels that a bin takes at least.
const BIN_PIXELS: f64 = 5.0;
/// Pixels that a cell takes at least.
const CELL_PIXELS: f64 = 6.0;
/// Upper ends of the error rate's axis.
const TOPS: &[f64] = &[0.05, 0.1, 0.2, 0.5, 1.0];
/// Upper ends of the latency's axis, in milliseconds.
const MILLISECONDS: &[f64] = &[
    10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6,
];

/// The error rate of all probes together.
pub fn rate<DB: DrawingBackend>(
    pen: &Pen<'_, DB>,
    layout: &Layout,
    figure: &Figure,
) -> Result<(), DrawError> {
    let (room, letter) = (layout.rate, layout.letter);
    let most = (layout.width() / BIN_PIXELS) as u32;
    let long = length(figure.span, figure.runs.len(), RUNS_IN_BIN, most);
    let found = bins(figure.span, long, figure.runs.iter());
    let highest = found
        .iter()
        .filter_map(|bin| bin.rate())
        .map(|(rate, _, high)| rate.max(high * 0.9))
        .fold(0.0, f64::max);
    let top = round_up(highest, TOPS).min(1.0);
    let y = |rate: f64| room.bottom - (rate / top).min(1.0) * room.height();
    ground(pen, layout, figure, room)?;
    for share in [0.0, 0.5, 1.0] {
        guide(pen, layout, y(share * top), &percent(share * top))?;
    }
    let x = |index: usize| middle(layout, figure, long, index);
    let rates: Vec<_> = found.iter().map(|bin| bin.rate()).collect();
    for stretch in stretches(&rates) {
        let upper = stretch.iter().map(|(i, (_, _, high))| (x(*i), y(*high)));
        let lower = stretch.iter().map(|(i, (_, low, _))| (x(*i), y(*low)));
        let band: Vec<Place> = upper.chain(lower.rev()).collect();
        pen.area(&band, Ink::Band)?;
        let line: Vec<Place> = stretch
            .iter()
            .map(|(i, (rate, _, _))| (x(*i), y(*rate)))
            .collect();
        pen.line(&line, Ink::Line, 1.75)?;
        dot(pen, &line)?;
    }
    if let Some(threshold) = figure.threshold.filter(|t| *t < top) {
        limit(pen, layout, y(threshold), &percent(threshold))?;
    }
    let words = match figure.probes.len() {
        0 | 1 => format!("share of runs that failed, {}", in_words(long)),
        n => format!(
            "share of runs that failed, all {n} probes, {}",
            in_words(long)
        ),
    };
    caption(pen, (layout.left, room.top - letter * 0.75), layout, &words)
}

/// A row for each probe, darker where more of its runs failed.
pub fn rows<DB: DrawingBackend>(
    pen: &Pen<'_, DB>,
    layout: &Layout,
    figure: &Figure,
) -> Result<(), DrawError> {
    let most = (layout.width() / CELL_PIXELS) as u32;
    let each = figure.runs.len() / figure.probes.len().max(1);
    let long = length(figure.span, each, RUNS_IN_CELL, most);
    for (index, (room, probe)) in layout.rows.iter().zip(&figure.probes).enumerate() {
        name(pen, layout, *room, probe)?;
        pen.fill(
            (layout.left, room.top),
            (layout.right, room.bottom),
            Ink::Clean,
        )?;
        let own: Vec<&Run> = figure.runs.iter().filter(|r| r.probe == index).collect();
        let cells = bins(figure.span, long, own.into_iter());
        let steps: Vec<_> = cells
            .iter()
            .map(|bin| bin.rate().and_then(|(rate, ..)| Ink::step(rate)))
            .collect();
        for run in same(&steps) {
            let Some(ink) = run.ink else { continue };
            let edge = |i: usize| layout.x_of_seconds(begin(figure.span, long, i));
            pen.fill((edge(run.from), room.top), (edge(run.to), room.bottom), ink)?;
        }
    }
    Ok(())
}

/// The time that answers took: the median, and the 95th percentile beside it.
pub fn latency<DB: DrawingBackend>(
    pen: &Pen<'_, DB>,
    layout: &Layout,
    figure: &Figure,
) -> Result<(), DrawError> {
    let Some(room) = layout.latency else {
        return Ok(());
    };
    let most = (layout.width() / BIN_PIXELS) as u32;
    let long = length(figure.span, figure.runs.len(), RUNS_IN_BIN, most);
    let found = latencies(figure.span, long, figure.runs.iter());
    let highest = found
        .iter()
        .flatten()
        .map(|(_, p95)| *p95)
        .fold(0.0, f64::max);
    let top = round_up(highest.max(1.0), MILLISECONDS);
    let y = |ms: f64| room.bottom - (ms / top).min(1.0) * room.height();
    ground(pen, layout, figure, room)?;
    for share in [0.0, 1.0] {
        guide(pen, layout, y(share * top), &milliseconds(share * top))?;
    }
    let x = |index: usize| middle(layout, figure, long, index);
    for stretch in stretches(&found) {
        let median: Vec<Place> = stretch
            .iter()
            .map(|(i, (p50, _))| (x(*i), y(*p50)))
            .collect();
        let p95: Vec<Place> = stretch
            .iter()
            .map(|(i, (_, p95))| (x(*i), y(*p95)))
            .collect();
        pen.line(&p95, Ink::Beside, 1.25)?;
        pen.line(&median, Ink::Line, 1.75)?;
        dot(pen, &median)?;
    }
    let place = (layout.left, room.top - layout.letter * 0.75);
    caption(
        pen,
        place,
        layout,
        "time of an answer: median and 95th percentile",
    )
}

/// The axis of time.
pub fn axis<DB: DrawingBackend>(
    pen: &Pen<'_, DB>,
    layout: &Layout,
    figure: &Figure,
) -> Result<(), DrawError> {
    let (room, letter) = (layout.axis, layout.letter);
    let most = (layout.width() / (letter * 4.2)) as u32;
    for tick in ticks(figure.span, figure.time, most) {
        let x = layout.x(tick.at);
        pen.line(
            &[(x, room.top - letter * 0.3), (x, room.top)],
            Ink::Muted,
            1.0,
        )?;
        let side = match x + letter * 1.4 > layout.right + letter {
            true => Side::End,
            false => Side::Middle,
        };
        pen.words(
            &tick.label,
            (x, room.top + letter * 0.7),
            side,
            letter,
            Ink::Muted,
        )?;
        if let Some(day) = tick.day {
            pen.words(&day, (x, room.top + letter * 2.0), side, letter, Ink::Muted)?;
        }
    }
    Ok(())
}

/// The ground of the time that the figure is about.
fn ground<DB: DrawingBackend>(
    pen: &Pen<'_, DB>,
    layout: &Layout,
    figure: &Figure,
    room: Room,
) -> Result<(), DrawError> {
    let Some(focus) = figure.focus.and_then(|f| f.within(figure.span)) else {
        return Ok(());
    };
    let (from, to) = (layout.x(focus.from), layout.x(focus.to));
    pen.fill(
        (from, room.top),
        (to.max(from + 2.0), room.bottom),
        Ink::Clean,
    )
}

/// A bin without neighbours is no line: it is drawn as a point.
fn dot<DB: DrawingBackend>(pen: &Pen<'_, DB>, line: &[Place]) -> Result<(), DrawError> {
    match line {
        [(x, y)] => pen.fill((x - 2.0, y - 2.0), (x + 2.0, y + 2.0), Ink::Line),
        _ => Ok(()),
    }
}

/// A dashed line across, with its value at its right end, above it.
fn limit<DB: DrawingBackend>(
    pen: &Pen<'_, DB>,
    layout: &Layout,
    y: f64,
    label: &str,
) -> Result<(), DrawError> {
    let (dash, gap) = (layout.letter * 0.4, layout.letter * 0.35);
    let mut x = layout.left;
    while x < layout.right {
        pen.line(
            &[(x, y), ((x + dash).min(layout.right), y)],
            Ink::Mark,
            1.25,
        )?;
        x += dash + gap;
    }
    let place = (layout.left + layout.letter * 0.3, y - layout.letter * 0.6);
    let words = format!("no alert below {label}");
    pen.words(&words, place, Side::Start, layout.letter * 0.92, Ink::Mark)
}

fn guide<DB: DrawingBackend>(
    pen: &Pen<'_, DB>,
    layout: &Layout,
    y: f64,
    label: &str,
) -> Result<(), DrawError> {
    pen.line(&[(layout.left, y), (layout.right, y)], Ink::Guide, 1.0)?;
    let place = (layout.left - layout.letter * 0.7, y);
    pen.words(label, place, Side::End, layout.letter, Ink::Muted)
}

/// Small words above a panel, as far as there is room.
fn caption<DB: DrawingBackend>(
    pen: &Pen<'_, DB>,
    place: Place,
    layout: &Layout,
    words: &str,
) -> Result<(), DrawError> {
    let height = layout.letter * 0.92;
    // At a comma or not at all: half a word tells nothing.
    let mut text = words;
    while width_of(text, height) > layout.width() {
        let Some((shorter, _)) = text.rsplit_once(", ") else {
            break;
        };
        text = shorter;
    }
    pen.words(text, place, Side::Start, height, Ink::Muted)
}

fn middle(layout: &Layout, figure: &Figure, long: Duration, index: usize) -> f64 {
    let begin = begin(figure.span, long, index);
    layout.x_of_seconds(begin + long.as_secs_f64() / 2.0)
}

/// Neighbouring bins that have a value, with their places.
fn stretches<T: Copy>(bins: &[Option<T>]) -> Vec<Vec<(usize, T)>> {
    let mut all = vec![Vec::new()];
    for (index, bin) in bins.iter().enumerate() {
        match (bin, all.last_mut()) {
            (Some(value), Some(stretch)) => stretch.push((index, *value)),
            _ => all.push(Vec::new()),
        }
    }
    all.retain(|stretch| !stretch.is_empty());
    all
}

struct Same {
    from: usize,
    to: usize,
    ink: Option<Ink>,
}

/// Neighbouring cells of one colour, as one.
fn same(steps: &[Option<Ink>]) -> Vec<Same> {
    let mut runs: Vec<Same> = Vec::new();
    for (index, ink) in steps.iter().enumerate() {
        match runs.last_mut().filter(|run| run.ink == *ink) {
            Some(run) => run.to = index + 1,
            None => runs.push(Same {
                from: index,
                to: index + 1,
                ink: *ink,
            }),
        }
    }
    runs
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent.fract().abs() < 1e-9 {
        true => format!("{percent:.0} %"),
        false => format!("{percent:.1} %"),
    }
}

fn milliseconds(ms: f64) -> String {
    match ms >= 1000.0 {
        true => format!("{:.0} s", ms / 1000.0),
        false => format!("{ms:.0} ms"),
    }
}

/// `each 5 min`.
fn in_words(long: Duration) -> String {
    let seconds = long.as_secs();
    let (number, unit) = match seconds {
        s if s % 86_400 == 0 => (s / 86_400, "d"),
        s if s % 3600 == 0 => (s / 3600, "h"),
        s if s % 60 == 0 => (s / 60, "min"),
        s => (s, "s"),
    };
    format!("each {number} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_parts_the_line_and_equal_cells_are_drawn_as_one() {
        let parts = stretches(&[None, Some(1), Some(2), None, Some(3)]);
        assert_eq!(parts, [vec![(1, 1), (2, 2)], vec![(4, 3)]]);
        assert!(stretches::<u8>(&[None]).is_empty());
        let steps = [Some(Ink::Step1), Some(Ink::Step1), None, Some(Ink::Step1)];
        let found: Vec<_> = same(&steps).iter().map(|s| (s.from, s.to)).collect();
        assert_eq!(found, [(0, 2), (2, 3), (3, 4)]);
    }

    #[test]
    fn axes_are_labelled_as_people_write() {
        assert_eq!([percent(1.0), percent(0.025)], ["100 %", "2.5 %"]);
        assert_eq!(
            [milliseconds(500.0), milliseconds(2000.0)],
            ["500 ms", "2 s"]
        );
        assert_eq!(in_words(Duration::from_secs(120)), "each 2 min");
        assert_eq!(in_words(Duration::from_secs(7200)), "each 2 h");
    }
}
