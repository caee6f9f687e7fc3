//! When a service alerts, and whom: `[alert]` and `[service.X.alert]`.

use toml::de::DeValue;

use super::people;
use super::rule::judge;
use crate::config::Alert;
use crate::config::fields::Fields;
use crate::config::values::{DAY, MINUTE, Wrong, address, duration, percent};
use crate::model::Severity;

pub(super) const ALERT_KEYS: &[&str] = &[
    "email",
    "webhook",
    "to",
    "zone",
    "quiet",
    "escalate_after",
    "escalate_to",
    "most_per_hour",
    "page_at",
    "false_pages_per_year",
    "min_error_rate",
    "remind_every",
    "reopen_within",
    "rule",
];

/// The table's settings; what it does not say is as in `usual`. `whose` is what the table is called.
pub(super) fn alert(
    fields: Fields<'_>,
    usual: &Alert,
    whose: &str,
    webhooks: Option<&[String]>,
) -> Alert {
    fields.only(whose, &[ALERT_KEYS]);
    let email = people::once(fields, "email", address);
    let webhook = people::once(fields, "webhook", |text| people::known(text, webhooks));
    let zone = people::zone(fields, usual.zone);
    let page_at = fields.text("page_at", |text| {
        Severity::from_name(text)
            .ok_or_else(|| Wrong::new("is \"degraded\", \"partial\" or \"major\""))
    });
    let rate = match fields.get("min_error_rate").map(|v| v.get_ref()) {
        Some(DeValue::String(_)) => fields.text("min_error_rate", |text| {
            let rate = percent(text).filter(|r| (0.01..=0.9).contains(r));
            rate.ok_or_else(|| Wrong::new("is not between 1% and 90%").help("for instance \"10%\""))
        }),
        Some(_) => fields.number("min_error_rate", 0.01..=0.9),
        None => None,
    };
    Alert {
        email: email.unwrap_or_else(|| usual.email.clone()),
        webhook: webhook.unwrap_or_else(|| usual.webhook.clone()),
        to: people::seats(fields, zone, webhooks).unwrap_or_else(|| usual.to.clone()),
        escalation: people::escalation(fields, usual.escalation.as_ref(), whose),
        quiet: people::quiet(fields, zone).unwrap_or_else(|| usual.quiet.clone()),
        zone,
        most_per_hour: fields
            .integer("most_per_hour", 1..=1000)
            .unwrap_or(usual.most_per_hour),
        page_at: page_at.unwrap_or(usual.page_at),
        false_pages_per_year: fields
            .number("false_pages_per_year", 0.01..=1000.0)
            .unwrap_or(usual.false_pages_per_year),
        min_error_rate: rate.unwrap_or(usual.min_error_rate),
        remind_every: fields
            .text("remind_every", |text| match text {
                "off" => Ok(None),
                _ => duration(MINUTE..=DAY * 30)(text).map(Some),
            })
            .unwrap_or(usual.remind_every),
        reopen_within: fields
            .text("reopen_within", duration(MINUTE..=DAY))
            .unwrap_or(usual.reopen_within),
        judge: judge(fields).unwrap_or(usual.judge),
    }
}
