//! Recorded probe results: the CSV that `watchfire replay` reads.
//!
//! A header names the columns: a time (`t_seconds`, or `time_utc_iso` / `time` in RFC 3339), `probe` or `target`,
//! `ok` (0 or 1); optional `status`, `latency_ms`, `service` and `kind` (`s` scheduled, `r` a re-check that could have
//! been made). Lines that begin with `#` are ignored. Pure: the caller reads the file.

use std::collections::HashMap;
use std::time::Duration;

use super::{Origin, Timestamp};

/// Assumed where a probe has too few rows to tell.
const USUAL_INTERVAL: Duration = Duration::from_secs(30);
/// The closest and the widest spacing that is believed.
const INTERVALS: (i64, i64) = (1_000_000, 7 * 86_400_000_000);

/// A recorded history.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// What stands in the time column.
    pub time: TimeColumn,
    /// The services, in the order of their first rows.
    pub services: Vec<TraceService>,
    /// The rows, by the moment in which the result became known.
    pub rows: Vec<Row>,
    /// Rows that stood later in the file than a row of a later time.
    pub out_of_order: usize,
}

/// What the time column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeColumn {
    /// `t_seconds`: seconds since some start; kept as if that were the Unix epoch.
    Counted,
    /// RFC 3339.
    Calendar,
}

/// A service of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceService {
    /// Its name.
    pub name: String,
    /// The names of its probes, in the order of their first rows.
    pub probes: Vec<String>,
}

/// One recorded result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// When the result became known.
    pub known: Timestamp,
    /// How long the run took, in microseconds; it began so much earlier.
    pub latency_us: u32,
    /// Index into [`Trace::services`].
    pub service: usize,
    /// Index into [`TraceService::probes`].
    pub probe: usize,
    /// Whether the run failed.
    pub failed: bool,
    /// Scheduled, or an available re-check.
    pub origin: Origin,
    /// HTTP status, where there is one.
    pub status: Option<u16>,
}

impl Row {
    /// When the run began.
    pub fn start(&self) -> Timestamp {
        self.known - Duration::from_micros(u64::from(self.latency_us))
    }
}

/// Why a trace cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    /// A column is missing.
    #[error(
        "{file}:{line}: no column {wanted} in the header\n   = help: name the columns in the first line, such as `t_seconds,probe,ok,latency_ms`"
    )]
    Column {
        /// The file.
        file: String,
        /// The header's line.
        line: u64,
        /// The names that would do.
        wanted: &'static str,
    },
    /// There is not even a header.
    #[error(
        "{file}: empty\n   = help: the first line must name the columns, such as `t_seconds,probe,ok,latency_ms`"
    )]
    Empty {
        /// The file.
        file: String,
    },
    /// A cell does not hold what its column needs.
    #[error(
        "{file}:{line}: {column} is `{found}`, not {wanted}\n   = help: correct the line, or begin it with # to leave it out"
    )]
    Cell {
        /// The file.
        file: String,
        /// The row's line.
        line: u64,
        /// The column.
        column: &'static str,
        /// What stands there, cut short.
        found: String,
        /// What should stand there.
        wanted: &'static str,
    },
    /// The line is not CSV of the header's width.
    #[error(
        "{file}:{line}: {problem}\n   = help: each row needs as many cells as the header, in UTF-8"
    )]
    Csv {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// What the reader says.
        problem: String,
    },
}

/// Where the columns stand.
struct Columns {
    time: usize,
    kind_of_time: TimeColumn,
    probe: usize,
    ok: usize,
    status: Option<usize>,
    latency: Option<usize>,
    service: Option<usize>,
    kind: Option<usize>,
}

impl Trace {
    /// Reads a trace; `file` is its name for messages, `service` the service of rows that name none.
    pub fn parse(file: &str, text: &[u8], service: &str) -> Result<Self, TraceError> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut reader = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .trim(csv::Trim::All)
            .from_reader(text);
        let broken = |error: csv::Error| TraceError::Csv {
            file: file.to_owned(),
            line: error.position().map_or(1, csv::Position::line),
            problem: problem_of(&error),
        };
        let header = reader.headers().map_err(broken)?.clone();
        let columns = Columns::find(file, &header)?;
        let mut names = Names::default();
        let mut rows = Vec::new();
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(broken)? {
            let row = columns.row(&record, service, &mut names);
            rows.push(row.map_err(|bad| TraceError::Cell {
                file: file.to_owned(),
                line: record.position().map_or(0, csv::Position::line),
                column: bad.column,
                found: bad.found.chars().take(40).collect(),
                wanted: bad.wanted,
            })?);
        }
        let out_of_order = rows.windows(2).filter(|w| w[1].known < w[0].known).count();
        rows.sort_by_key(|row| row.known);
        Ok(Self {
            time: columns.kind_of_time,
            services: names.services,
            rows,
            out_of_order,
        })
    }

    /// The usual spacing of the scheduled runs, for each service and probe: the median, 30 s where it cannot be told.
    pub fn intervals(&self) -> Vec<Vec<Duration>> {
        let mut starts: Vec<Vec<Vec<i64>>> = self
            .services
            .iter()
            .map(|service| vec![Vec::new(); service.probes.len()])
            .collect();
        for row in self.rows.iter().filter(|r| r.origin == Origin::Scheduled) {
            starts[row.service][row.probe].push(row.start().as_micros());
        }
        let services = starts.into_iter();
        services
            .map(|probes| probes.into_iter().map(median_spacing).collect())
            .collect()
    }
}

fn median_spacing(mut starts: Vec<i64>) -> Duration {
    starts.sort_unstable();
    let mut gaps: Vec<i64> = starts
        .windows(2)
        .map(|w| w[1].saturating_sub(w[0]))
        .filter(|gap| *gap > 0)
        .collect();
    let middle = gaps.len() / 2;
    if gaps.is_empty() {
        return USUAL_INTERVAL;
    }
    let (_, median, _) = gaps.select_nth_unstable(middle);
    let median = (*median).clamp(INTERVALS.0, INTERVALS.1);
    Duration::from_micros(median.unsigned_abs())
}

/// A cell that does not hold what its column needs.
struct BadCell {
    column: &'static str,
    found: String,
    wanted: &'static str,
}

impl Columns {
    fn find(file: &str, header: &csv::StringRecord) -> Result<Self, TraceError> {
        if header.is_empty() {
            return Err(TraceError::Empty {
                file: file.to_owned(),
            });
        }
        let place = |name: &str| header.iter().position(|column| column == name);
        let missing = |wanted| TraceError::Column {
            file: file.to_owned(),
            line: header.position().map_or(1, csv::Position::line),
            wanted,
        };
        let calendar = || place("time_utc_iso").or_else(|| place("time"));
        let (time, kind_of_time) = match (place("t_seconds"), calendar()) {
            (Some(time), _) => (time, TimeColumn::Counted),
            (None, Some(time)) => (time, TimeColumn::Calendar),
            (None, None) => return Err(missing("`t_seconds`, `time_utc_iso` or `time`")),
        };
        Ok(Self {
            time,
            kind_of_time,
            probe: place("probe")
                .or_else(|| place("target"))
                .ok_or_else(|| missing("`probe` or `target`"))?,
            ok: place("ok").ok_or_else(|| missing("`ok`"))?,
            status: place("status"),
            latency: place("latency_ms"),
            service: place("service"),
            kind: place("kind"),
        })
    }

    fn row(
        &self,
        record: &csv::StringRecord,
        service: &str,
        names: &mut Names,
    ) -> Result<Row, BadCell> {
        let cell = |place: usize| record.get(place).unwrap_or_default();
        let optional = |place: Option<usize>| place.map_or("", cell);
        let bad = |column, found: &str, wanted| BadCell {
            column,
            found: found.to_owned(),
            wanted,
        };
        let time = cell(self.time);
        let known = match self.kind_of_time {
            TimeColumn::Counted => number(time)
                .map(Timestamp::from_seconds)
                .ok_or_else(|| bad("t_seconds", time, "a number of seconds"))?,
            TimeColumn::Calendar => Timestamp::parse(time)
                .ok_or_else(|| bad("the time", time, "RFC 3339, such as 2023-11-08T13:42:00Z"))?,
        };
        let failed = match cell(self.ok) {
            "1" => false,
            "0" => true,
            other => return Err(bad("ok", other, "1 (it worked) or 0 (it failed)")),
        };
        let origin = match optional(self.kind) {
            "" | "s" => Origin::Scheduled,
            "r" => Origin::Recheck,
            other => return Err(bad("kind", other, "s (scheduled) or r (re-check)")),
        };
        let latency_us = match optional(self.latency) {
            "" => 0,
            text => number(text)
                .filter(|ms| *ms >= 0.0)
                // Saturates: more than an hour is more than any timeout.
                .map(|ms| (ms * 1000.0).round() as u32)
                .ok_or_else(|| bad("latency_ms", text, "milliseconds from 0 on, or nothing"))?,
        };
        let service = match optional(self.service) {
            "" => service,
            name => name,
        };
        let (service, probe) = names.of(service, cell(self.probe));
        Ok(Row {
            known,
            latency_us,
            service,
            probe,
            failed,
            origin,
            status: optional(self.status).parse().ok().filter(|s| *s > 0),
        })
    }
}

/// Numbers for the names, in the order of their appearance.
#[derive(Default)]
struct Names {
    services: Vec<TraceService>,
    indices: HashMap<String, (usize, HashMap<String, usize>)>,
}

impl Names {
    fn of(&mut self, service: &str, probe: &str) -> (usize, usize) {
        if !self.indices.contains_key(service) {
            let new = (self.services.len(), HashMap::new());
            self.indices.insert(service.to_owned(), new);
            self.services.push(TraceService {
                name: service.to_owned(),
                probes: Vec::new(),
            });
        }
        let Some((at, probes)) = self.indices.get_mut(service) else {
            return (0, 0);
        };
        if let Some(index) = probes.get(probe) {
            return (*at, *index);
        }
        let names = &mut self.services[*at].probes;
        probes.insert(probe.to_owned(), names.len());
        names.push(probe.to_owned());
        (*at, names.len() - 1)
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|n: &f64| n.is_finite())
}

fn problem_of(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("{len} cells where the header has {expected_len}"),
        csv::ErrorKind::Utf8 { .. } => "not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
