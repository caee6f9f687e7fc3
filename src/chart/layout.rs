//! Where things stand: the lanes of incidents and mails on top, the error rate below them, then a row for each probe,
//! the time that answers took, and the axis of time.

use super::figure::{Figure, Span};
use super::look::Look;
use super::pen::width_of;
use crate::model::Timestamp;

/// Rows of probes that are drawn; further ones are left out and counted in words.
pub const MOST_ROWS: usize = 12;
/// Names of what every figure shows.
const LANES: [&str; 2] = ["incidents", "100 %"];
/// The names of lanes and probes take this share of the width at most.
const NAMES: f64 = 0.22;

/// A rectangle in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Room {
    /// Upper end.
    pub top: f64,
    /// Lower end.
    pub bottom: f64,
}

impl Room {
    /// Half-way down.
    pub fn middle(&self) -> f64 {
        f64::midpoint(self.top, self.bottom)
    }

    /// How tall it is.
    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }
}

/// Where everything stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// Height of letters.
    pub letter: f64,
    /// Left and right end of what has a time.
    pub left: f64,
    /// The right one.
    pub right: f64,
    /// The headline.
    pub title: Room,
    /// Names of the marks; none when there are none.
    pub marks: Option<Room>,
    /// Incidents.
    pub incidents: Room,
    /// Mails; none where they are not shown.
    pub mails: Option<Room>,
    /// The error rate.
    pub rate: Room,
    /// One for each probe that is shown; none for a single probe, which the error rate shows already.
    pub rows: Vec<Room>,
    /// Latency; none unless it is shown.
    pub latency: Option<Room>,
    /// Time.
    pub axis: Room,
    /// Width and height of the whole, in pixels.
    pub size: (u32, u32),
    span: Span,
}

impl Layout {
    /// For a figure in this look.
    pub fn new(figure: &Figure, look: &Look) -> Self {
        let width = f64::from(look.width.clamp(200, 4000));
        let letter = f64::from(look.letter.clamp(6, 40));
        let names = figure.probes.iter().map(String::as_str);
        let widest = |names: &mut dyn Iterator<Item = &str>| {
            let widths = names.map(|name| width_of(name, letter));
            letter * 1.6 + widths.fold(0.0, f64::max)
        };
        // Names of probes may be cut where there is little room, those of the lanes not.
        let lanes = widest(&mut LANES.into_iter());
        let left = widest(&mut names.chain(LANES))
            .min(width * NAMES)
            .max(lanes);
        let mut y = letter * 0.7;
        let mut room = |height: f64, gap: f64| {
            let top = y + gap;
            y = top + height;
            Room { top, bottom: y }
        };
        let title = room(letter * 1.5, 0.0);
        let marks = (!figure.marks.is_empty()).then(|| room(letter * 1.3, letter * 0.3));
        let incidents = room(letter * 1.3, letter * 0.4);
        let mails = figure
            .mails
            .is_some()
            .then(|| room(letter * 1.3, letter * 0.5));
        // Wider figures are not taller without end: the eye compares slopes best near 45 degrees.
        let rate = room((width * 0.2).clamp(90.0, 170.0), letter * 1.5);
        let shown = match figure.probes.len() {
            0 | 1 => 0,
            more => more.min(MOST_ROWS),
        };
        let rows = (0..shown)
            .map(|row| {
                room(
                    letter * 1.1,
                    if row == 0 { letter * 1.1 } else { letter * 0.3 },
                )
            })
            .collect();
        let latency = figure
            .latency
            .then(|| room((width * 0.1).clamp(50.0, 90.0), letter * 2.0));
        let axis = room(letter * 2.6, letter * 0.6);
        Self {
            letter,
            left,
            right: width - letter * 1.2,
            title,
            marks,
            incidents,
            mails,
            rate,
            rows,
            latency,
            axis,
            size: (width as u32, (y + letter * 0.6).ceil() as u32),
            span: figure.span,
        }
    }

    /// How wide what has a time is.
    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    /// Where a moment stands, in pixels from the left; moments outside of the span stand at its ends.
    pub fn x(&self, at: Timestamp) -> f64 {
        self.x_of_seconds(at.as_seconds())
    }

    /// The same, in seconds since the epoch.
    pub fn x_of_seconds(&self, at: f64) -> f64 {
        let length = self.span.length().as_secs_f64().max(1e-6);
        let share = (at - self.span.from.as_seconds()) / length;
        self.left + share.clamp(0.0, 1.0) * self.width()
    }
}
