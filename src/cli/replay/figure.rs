//! `watchfire replay --figure`: the replayed history of one service as a picture.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use crate::chart::{self, Figure, Look, MailMark, Mark, Run, Scheme, Span, figure};
use crate::model::replay::Step;
use crate::model::trace::Trace;
use crate::model::{IncidentEvent, Origin, Timestamp};

/// What `replay` takes for a figure.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Figure")]
pub struct FigureArgs {
    /// Draw the history into this file: error rate, incidents and mails over time, as SVG
    #[arg(long, value_name = "FILE")]
    pub figure: Option<PathBuf>,
    /// Which service is drawn, when there are several
    #[arg(long, value_name = "NAME", requires = "figure")]
    figure_of: Option<String>,
    /// Its headline [default: the service's name]
    #[arg(long, value_name = "TEXT", requires = "figure")]
    figure_title: Option<String>,
    /// Its width in pixels
    #[arg(long, value_name = "N", default_value_t = 800, value_parser = clap::value_parser!(u32).range(200..=4000), requires = "figure")]
    figure_width: u32,
    /// Draw light on dark (without it the figure follows what the reader prefers)
    #[arg(long, requires = "figure")]
    figure_dark: bool,
    /// Show how long answers took, too
    #[arg(long, requires = "figure")]
    figure_latency: bool,
    /// Mark a moment that is known from elsewhere, such as "status page=2023-11-08T03:52:00Z"
    #[arg(long, value_name = "LABEL=TIME", value_parser = mark, requires = "figure")]
    mark: Vec<MarkArg>,
}

/// A mark, as it was given: seconds are of the trace's own count.
#[derive(Debug, Clone, PartialEq)]
struct MarkArg {
    label: String,
    at: Timestamp,
}

/// What the replay has brought of one service.
#[derive(Debug, Clone, Default)]
pub struct Played {
    /// Its events, each with how long the incident is watched after it.
    pub events: Vec<(IncidentEvent, Duration)>,
    /// The mails.
    pub mails: Vec<MailMark>,
}

impl Played {
    /// Keeps a step of the replay.
    pub fn note(&mut self, step: &Step<'_>) {
        match step {
            Step::Event { event, watch, .. } => self.events.push((**event, *watch)),
            Step::Mail { event, at } => self.mails.push(MailMark {
                at: *at,
                event: event.event,
                severity: event.severity,
            }),
        }
    }
}

impl FigureArgs {
    /// Draws the figure and writes it. `played` tells of a service by its index.
    ///
    /// # Errors
    /// In words, when there is no such service, or when the file cannot be written.
    pub fn draw(&self, file: &Path, trace: &Trace, played: &[Played]) -> Result<(), FigureError> {
        let index = self.service(trace, played)?;
        let figure = self.figure(trace, index, played.get(index).cloned().unwrap_or_default());
        let look = Look {
            scheme: match self.figure_dark {
                true => Scheme::Dark,
                false => Scheme::Light,
            },
            ..Look::of_width(self.figure_width)
        };
        let svg = chart::svg(&figure, &look)?;
        std::fs::write(file, svg).map_err(|e| FigureError::Write(file.to_owned(), e))
    }

    fn service(&self, trace: &Trace, played: &[Played]) -> Result<usize, FigureError> {
        let names = || trace.services.iter().map(|s| s.name.as_str());
        if let Some(wanted) = &self.figure_of {
            let found = names().position(|name| name == wanted);
            return found.ok_or_else(|| FigureError::Unknown {
                wanted: wanted.clone(),
                known: names().collect::<Vec<_>>().join(", "),
            });
        }
        // Without a wish: the one of which there is most to see.
        let most = played
            .iter()
            .enumerate()
            .max_by_key(|(index, p)| (p.events.len(), std::cmp::Reverse(*index)));
        Ok(most.map_or(0, |(index, _)| index))
    }

    fn figure(&self, trace: &Trace, service: usize, played: Played) -> Figure {
        let own = trace.services.get(service);
        let rows = || trace.rows.iter().filter(|r| r.service == service);
        let all = Span {
            from: rows().map(|r| r.start()).min().unwrap_or(Timestamp::EPOCH),
            to: rows().map(|r| r.known).max().unwrap_or(Timestamp::EPOCH),
        };
        let moments = played
            .events
            .iter()
            .flat_map(|(e, _)| [e.at, e.since])
            .chain(played.mails.iter().map(|m| m.at))
            .chain(self.mark.iter().map(|m| m.at));
        let span = Span::around(all, moments);
        let runs = rows()
            .filter(|r| r.origin == Origin::Scheduled && span.holds(r.start()))
            .map(|r| Run {
                at: r.start(),
                probe: r.probe,
                failed: r.failed,
                latency_us: r.latency_us,
            });
        let events: Vec<IncidentEvent> = played.events.iter().map(|(e, _)| *e).collect();
        let watch = |event: &IncidentEvent| {
            let same = |(e, _): &&(IncidentEvent, Duration)| {
                (e.incident, e.sequence) == (event.incident, event.sequence)
            };
            played
                .events
                .iter()
                .find(same)
                .map_or(Duration::ZERO, |(_, watch)| *watch)
        };
        Figure {
            title: self
                .figure_title
                .clone()
                .or_else(|| own.map(|s| s.name.clone()))
                .unwrap_or_default(),
            span,
            time: trace.time,
            probes: own.map(|s| s.probes.clone()).unwrap_or_default(),
            runs: runs.collect(),
            periods: figure::periods(&events, watch, all.to),
            mails: Some(played.mails),
            marks: self
                .mark
                .iter()
                .map(|m| Mark {
                    at: m.at,
                    label: m.label.clone(),
                })
                .collect(),
            latency: self.figure_latency,
            focus: None,
            threshold: None,
        }
    }
}

/// Why there is no figure.
#[derive(Debug, thiserror::Error)]
pub enum FigureError {
    /// No service of that name.
    #[error("there is no service `{wanted}` in the history\n   = help: it has {known}")]
    Unknown {
        /// The name that was given.
        wanted: String,
        /// Those there are.
        known: String,
    },
    /// It could not be drawn.
    #[error(transparent)]
    Draw(#[from] chart::DrawError),
    /// The file could not be written.
    #[error("cannot write the figure {}: {}", .0.display(), .1)]
    Write(PathBuf, #[source] std::io::Error),
}

impl FigureError {
    /// The exit code that goes with it.
    pub fn code(&self) -> u8 {
        match self {
            FigureError::Unknown { .. } => super::EXIT_USAGE,
            FigureError::Draw(_) | FigureError::Write(..) => super::EXIT_IO,
        }
    }
}

/// `LABEL=TIME`, where TIME is RFC 3339, or seconds of the trace's own count.
fn mark(text: &str) -> Result<MarkArg, String> {
    let wanted = || "wanted LABEL=TIME, such as \"status page=2023-11-08T03:52:00Z\"".to_owned();
    let (label, time) = text.rsplit_once('=').ok_or_else(wanted)?;
    let counted = || {
        let seconds: f64 = time.parse().ok()?;
        seconds
            .is_finite()
            .then(|| Timestamp::from_seconds(seconds))
    };
    let at = Timestamp::parse(time).or_else(counted).ok_or_else(wanted)?;
    Ok(MarkArg {
        label: label.trim().to_owned(),
        at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_a_label_and_a_moment() {
        let found = mark("status page=2023-11-08T03:52:00Z").unwrap();
        assert_eq!(found.label, "status page");
        assert_eq!(found.at.to_string(), "2023-11-08T03:52:00Z");
        assert_eq!(
            mark("x=86400").unwrap().at.to_string(),
            "1970-01-02T00:00:00Z"
        );
        assert!(mark("03:52").is_err() && mark("x=soon").is_err());
    }
}
