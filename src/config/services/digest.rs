//! `[digest]`: a mail about each day or week, trouble or not.

use std::ops::Range;

use super::people::zone;
use crate::config::Digest;
use crate::config::fields::Fields;
use crate::config::values::{HOUR, Wrong, address};
use crate::diagnostic::Problem;
use crate::model::Cron;

pub(super) const DIGEST_KEYS: &[&str] = &["cron", "zone", "email"];
/// Eight in the morning.
const USUAL: &str = "0 0 8 * * *";

/// The table's settings. `whole` is where it stands.
pub(super) fn read(table: Fields<'_>, whole: Range<usize>) -> Option<Digest> {
    table.only("[digest]", &[DIGEST_KEYS]);
    let zone = zone(table, chrono_tz::UTC);
    let cron = table.text("cron", |text| {
        if text.split_whitespace().count() != 6 {
            return Err(Wrong::new("needs six fields, seconds first")
                .help("for instance \"0 0 8 * * Mon\""));
        }
        match Cron::parse(text, zone) {
            Ok(cron) if cron.shortest() < HOUR => {
                Err(Wrong::new("is due more often than each hour")
                    .help("for instance \"0 0 8 * * *\", each day at eight"))
            }
            Ok(cron) => Ok(cron),
            Err(wrong) => Err(Wrong::new(wrong)),
        }
    });
    let people = table.texts("email", address);
    let email: Vec<String> = people
        .unwrap_or_default()
        .into_iter()
        .map(|(a, _)| a)
        .collect();
    if email.is_empty() {
        let problem = Problem::new(whole, "[digest] needs `email`: who gets it");
        table
            .faults
            .push(problem.help("for instance email = [\"team@example.com\"]"));
        return None;
    }
    let cron = match cron {
        Some(cron) => cron,
        None => Cron::parse(USUAL, zone).ok()?,
    };
    Some(Digest { cron, email })
}
