//! The lanes on top of a figure: marks from elsewhere, the incidents as bars, the mails as envelopes.

use plotters::prelude::DrawingBackend;

use super::figure::{Figure, MailMark, Period};
use super::layout::{Layout, Room};
use super::look::Ink;
use super::pen::{DrawError, Pen, Place, Side, width_of};
use super::ticks::clock;
use crate::model::{EventKind, Severity};

/// The colour of a severity.
pub const fn ink(severity: Severity) -> Ink {
    match severity {
        Severity::Degraded => Ink::Degraded,
        Severity::Partial => Ink::Partial,
        Severity::Major => Ink::Major,
    }
}

/// A dashed line through the whole figure for each mark, and its name and time on top.
pub fn marks<DB: DrawingBackend>(
    pen: &Pen<'_, DB>,
    layout: &Layout,
    figure: &Figure,
) -> Result<(), DrawError> {
    let Some(room) = layout.marks else {
        return Ok(());
    };
    let mut free = 0.0;
    let mut seen: Vec<_> = figure
        .marks
        .iter()
        .filter(|m| figure.span.holds(m.at))
        .collect();
    seen.sort_by_key(|m| m.at);
    for mark in seen {
        let x = layout.x(mark.at);
        dashed(pen, x, (room.bottom, layout.axis.top), layout.letter)?;
        let text = format!("{} {}", mark.label, clock(mark.at, figure.time));
        let wide = width_of(&text, layout.letter);
        let side = match x {
            x if x + wide / 2.0 > layout.right => Side::End,
            x if x - wide / 2.0 < layout.letter => Side::Start,
            _ => Side::Middle,
        };
        let begin = match side {
            Side::Start => x,
            Side::Middle => x - wide / 2.0,
            Side::End => x - wide,
        };
        if begin >= free {
            pen.words(&text, (x, room.middle()), side, layout.letter, Ink::Mark)?;
            free = begin + wide + layout.letter;
        }
    }
    Ok(())
}

fn dashed<DB: DrawingBackend>(
    pen: &Pen<'_, DB>,
    x: f64,
    (top, bottom): (f64, f64),
    letter: f64,
) -> Result<(), DrawError> {
    let (dash, gap) = (letter * 0.4, letter * 0.35);
    let mut y = top;
    while y < bottom {
        pen.line(&[(x, y), (x, (y + dash).min(bottom))], Ink::Mark, 1.25)?;
        y += dash + gap;
    }
    Ok(())
}

/// A bar for each incident: what is worse is thicker, and a thin line is the watch after it.
pub fn incidents<DB: DrawingBackend>(
    pen: &Pen<'_, DB>,
    layout: &Layout,
    figure: &Figure,
) -> Result<(), DrawError> {
    let room = layout.incidents;
    name(pen, layout, room, "incidents")?;
    for period in &figure.periods {
        let Some(span) = period.span.within(figure.span) else {
            continue;
        };
        let (from, to) = (layout.x(span.from), layout.x(span.to));
        let thick = room.height() * thickness(period);
        let (top, bottom) = (room.middle() - thick / 2.0, room.middle() + thick / 2.0);
        let color = period.severity.map_or(Ink::Well, ink);
        // However short it was, it can be seen.
        pen.fill((from, top), (to.max(from + 2.0), bottom), color)?;
    }
    Ok(())
}

fn thickness(period: &Period) -> f64 {
    match period.severity {
        None => 0.14,
        Some(Severity::Degraded) => 0.4,
        Some(Severity::Partial) => 0.65,
        Some(Severity::Major) => 1.0,
    }
}

/// An envelope for each mail, with a word where there is room.
pub fn mails<DB: DrawingBackend>(
    pen: &Pen<'_, DB>,
    layout: &Layout,
    figure: &Figure,
) -> Result<(), DrawError> {
    let (Some(room), Some(mails)) = (layout.mails, &figure.mails) else {
        return Ok(());
    };
    name(pen, layout, room, "mails")?;
    let shown: Vec<&MailMark> = mails.iter().filter(|m| figure.span.holds(m.at)).collect();
    let half = layout.letter * 0.55;
    for (index, mail) in shown.iter().enumerate() {
        let x = layout.x(mail.at);
        envelope(pen, (x, room.middle()), half, color(mail))?;
        let word = word(mail.event);
        let begin = x + half * 1.5;
        let end = begin + width_of(word, layout.letter) + half;
        let free = shown
            .get(index + 1)
            .map_or(layout.right + half, |next| layout.x(next.at) - half);
        if end <= free {
            pen.words(
                word,
                (begin, room.middle()),
                Side::Start,
                layout.letter,
                Ink::Muted,
            )?;
        }
    }
    Ok(())
}

fn color(mail: &MailMark) -> Ink {
    match mail.event {
        EventKind::Close => Ink::Well,
        _ => ink(mail.severity),
    }
}

/// What a mail says, in a word.
pub const fn word(event: EventKind) -> &'static str {
    match event {
        EventKind::Open => "down",
        EventKind::Escalate => "worse",
        EventKind::Deescalate => "better",
        EventKind::Close => "well",
        EventKind::Reopen => "again",
    }
}

fn envelope<DB: DrawingBackend>(
    pen: &Pen<'_, DB>,
    (x, y): Place,
    half: f64,
    color: Ink,
) -> Result<(), DrawError> {
    let tall = half * 0.72;
    pen.fill((x - half, y - tall), (x + half, y + tall), color)?;
    pen.line(
        &[
            (x - half, y - tall),
            (x, y + tall * 0.15),
            (x + half, y - tall),
        ],
        Ink::Ground,
        1.25,
    )
}

/// The name of a lane, at its left.
pub fn name<DB: DrawingBackend>(
    pen: &Pen<'_, DB>,
    layout: &Layout,
    room: Room,
    text: &str,
) -> Result<(), DrawError> {
    let place = (layout.left - layout.letter * 0.7, room.middle());
    let text = super::pen::cut(text, layout.letter, layout.left - layout.letter * 1.4);
    pen.words(&text, place, Side::End, layout.letter, Ink::Muted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::figure::Span;
    use crate::model::{IncidentId, Timestamp};

    #[test]
    fn what_is_worse_is_thicker_and_the_watch_after_it_the_thinnest() {
        let grades = [
            None,
            Some(Severity::Degraded),
            Some(Severity::Partial),
            Some(Severity::Major),
        ];
        let thick = grades.map(|severity| {
            thickness(&Period {
                incident: IncidentId(1),
                span: Span {
                    from: Timestamp::EPOCH,
                    to: Timestamp::EPOCH,
                },
                severity,
            })
        });
        assert!(thick.is_sorted_by(|a, b| a < b), "{thick:?}");
    }
}
