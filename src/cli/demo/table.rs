//! The demo's last word: for each outage, when it began and who knew of it when.

use comfy_table::{ContentArrangement, Table, presets};

use super::narrate::{Happening, What, hour, offset};
use crate::model::scenario::{Scenario, Truth};
use crate::model::{EventKind, Timestamp};

/// One outage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What to call it.
    pub outage: String,
    /// When it really began.
    pub onset: Timestamp,
    /// When watchfire opened an incident.
    pub noticed: When,
    /// When the first mail about it went out.
    pub mailed: When,
    /// When the provider's status page first told of it.
    pub status_page: When,
    /// When it was really over.
    pub recovered: Timestamp,
    /// When watchfire closed the incident.
    pub closed: When,
}

/// A moment that may not have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// It came.
    At(Timestamp),
    /// There was no need: the incident of the outage before was still open, or ran on into the next one.
    StillOpen,
    /// It never came.
    Never,
}

impl From<Option<Timestamp>> for When {
    fn from(at: Option<Timestamp>) -> Self {
        at.map_or(When::Never, When::At)
    }
}

/// A row for each outage of the scenario but the weak ones, from what happened in the demo, in order of time.
pub fn rows(scenario: &Scenario, happenings: &[Happening]) -> Vec<Row> {
    let outages: Vec<&Truth> = scenario.truth.iter().filter(|t| !t.optional).collect();
    let row = |(number, outage): (usize, &&Truth)| {
        // What happens before the next outage begins belongs to this one.
        let later = outages.get(number + 1..).unwrap_or_default().iter();
        let next = later.map(|t| t.start).find(|start| *start > outage.start);
        let until = next.unwrap_or(Timestamp::from_micros(i64::MAX));
        Row {
            outage: format!("{}. {}", number + 1, named(outage)),
            onset: outage.start,
            recovered: outage.end,
            status_page: scenario.told_of(outage, until.min(scenario.end)).into(),
            ..watched(happenings, outage, until, next.is_some())
        }
    };
    outages.iter().enumerate().map(row).collect()
}

/// What watchfire did about an outage; the rest of the row is for the caller.
fn watched(happenings: &[Happening], outage: &Truth, until: Timestamp, another: bool) -> Row {
    let (mut open, mut already_open) = (false, false);
    let (mut noticed, mut mailed, mut closed) = (None, None, None);
    for happening in happenings.iter().filter(|h| h.at < until) {
        let before = happening.at < outage.start;
        match &happening.what {
            What::Event { event, .. } => {
                match event.event {
                    EventKind::Open | EventKind::Reopen => {
                        open = true;
                        closed = None;
                        if !before {
                            noticed = noticed.or(Some(happening.at));
                        }
                    }
                    EventKind::Close => {
                        open = false;
                        closed = (!before).then_some(happening.at);
                    }
                    EventKind::Escalate | EventKind::Deescalate => {}
                }
                if before {
                    already_open = open;
                }
            }
            What::Mail { event, .. } if !before => {
                if matches!(event, EventKind::Open | EventKind::Reopen) {
                    mailed = mailed.or(Some(happening.at));
                }
            }
            _ => {}
        }
    }
    let covered = |at: Option<Timestamp>| match at {
        None if already_open => When::StillOpen,
        at => at.into(),
    };
    Row {
        outage: String::new(),
        onset: outage.start,
        noticed: if already_open {
            When::StillOpen
        } else {
            noticed.into()
        },
        mailed: covered(mailed),
        status_page: When::Never,
        recovered: outage.end,
        closed: if open && another {
            When::StillOpen
        } else {
            closed.into()
        },
    }
}

fn named(outage: &Truth) -> String {
    match outage.components.as_slice() {
        [only] => only.name().to_owned(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        [] => String::new(),
    }
}

/// The table. Moments of the outage itself are times of day; what was known of it is given from its onset, the closing
/// from its recovery.
pub fn render(rows: &[Row]) -> String {
    let since = |from: Timestamp, when: When| match when {
        When::At(at) => offset(from, at),
        When::StillOpen => "still open".to_owned(),
        When::Never => "never".to_owned(),
    };
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Disabled)
        .force_no_tty()
        .set_header([
            "outage",
            "onset",
            "noticed",
            "mailed",
            "status page said so",
            "recovered",
            "closed",
        ]);
    for row in rows {
        table.add_row([
            row.outage.clone(),
            hour(row.onset),
            since(row.onset, row.noticed),
            since(row.onset, row.mailed),
            since(row.onset, row.status_page),
            hour(row.recovered),
            since(row.recovered, row.closed),
        ]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::super::narrate::tests::{at, event, mail};
    use super::*;

    fn scenario() -> Scenario {
        Scenario::builtin("2023-11-08").unwrap().unwrap()
    }

    #[test]
    fn two_waves_with_a_close_between_them_are_two_full_rows() {
        let happenings = [
            event(EventKind::Open, "03:41:35", "03:40:10"),
            mail(EventKind::Open, "03:41:36"),
            event(EventKind::Close, "04:47:10", "04:44:30"),
            mail(EventKind::Close, "04:47:11"),
            event(EventKind::Reopen, "04:59:40", "04:58:20"),
            mail(EventKind::Reopen, "04:59:41"),
            event(EventKind::Close, "06:01:10", "05:57:30"),
        ];
        insta::assert_snapshot!(render(&rows(&scenario(), &happenings)));
    }

    #[test]
    fn an_incident_that_stays_open_over_the_lull_says_so_and_one_never_noticed_too() {
        let happenings = [
            event(EventKind::Open, "03:43:00", "03:40:10"),
            mail(EventKind::Open, "03:43:01"),
            event(EventKind::Close, "06:01:10", "05:57:30"),
        ];
        let rows_held = rows(&scenario(), &happenings);
        assert_eq!(rows_held[0].closed, When::StillOpen);
        assert_eq!(rows_held[1].noticed, When::StillOpen);
        assert_eq!(rows_held[1].mailed, When::StillOpen);
        assert_eq!(rows_held[1].closed, When::At(at("06:01:10")));
        insta::assert_snapshot!(render(&rows(&scenario(), &[])));
    }

    #[test]
    fn a_relapse_within_one_outage_is_closed_by_its_last_close() {
        let happenings = [
            event(EventKind::Open, "03:41:00", "03:40:10"),
            event(EventKind::Close, "04:05:00", "04:03:00"),
            event(EventKind::Reopen, "04:10:00", "04:09:00"),
            event(EventKind::Close, "04:48:00", "04:44:30"),
        ];
        let first = rows(&scenario(), &happenings).remove(0);
        assert_eq!(first.noticed, When::At(at("03:41:00")));
        assert_eq!(first.closed, When::At(at("04:48:00")));
        let unclosed = rows(&scenario(), &happenings[..3]);
        assert_eq!(unclosed[1].noticed, When::StillOpen);
        assert_eq!(unclosed[1].closed, When::Never);
    }
}
