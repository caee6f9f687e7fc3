//! `[webhook.NAME]`: receivers beside mail.

use super::fields::{Fields, Value, listed};
use super::secrets::Vault;
use super::values::{Wrong, name};
use crate::diagnostic::Problem;
use crate::model::Secret;
use crate::notify::{Form, WebhookConfig};

pub(super) const WEBHOOK_KEYS: &[&str] = &["url", "secret", "form"];

/// All of them, in the order of their names.
pub(super) fn read(tables: Fields<'_>, vault: &Vault<'_>) -> Vec<WebhookConfig> {
    let mut all = Vec::new();
    for (key, value) in tables.table {
        let word: &str = key.get_ref();
        if let Err(wrong) = name(word) {
            tables.faults.push(wrong.at(key.span(), "webhook"));
            continue;
        }
        let Some(table) = value.get_ref().as_table() else {
            tables.wrong_type(value, word, "a table");
            continue;
        };
        let fields = Fields {
            table,
            faults: tables.faults,
        };
        all.extend(one(word, fields, value, vault));
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

fn one(
    name: &str,
    fields: Fields<'_>,
    whole: &Value<'_>,
    vault: &Vault<'_>,
) -> Option<WebhookConfig> {
    let whose = format!("[webhook.{name}]");
    fields.only(&whose, &[WEBHOOK_KEYS]);
    let form = match fields.get("form") {
        Some(_) => fields.text("form", form)?,
        None => Form::Watchfire,
    };
    let secret = match fields.get("secret") {
        Some(_) => Some(secret(fields, "secret", &whose, vault)?),
        None => None,
    };
    if form == Form::PagerDuty && secret.is_none() {
        let problem = Problem::new(whole.span(), format!("{whose} needs `secret`"))
            .help("the integration key of the service: secret = { env = \"PAGERDUTY_KEY\" }");
        fields.faults.push(problem);
    }
    let url = match (fields.get("url"), form.usual_url()) {
        (Some(value), _) => {
            let url = match value.get_ref().as_str() {
                Some(text) => Secret::new(text.to_owned()),
                None => secret_of(value, "url", &whose, fields, vault)?,
            };
            // Where a secret is wrong, it is not shown.
            if let Err(why) = WebhookConfig::check_url(url.expose()) {
                let problem = Problem::new(value.span(), format!("the `url` of {whose} {why}"));
                fields.faults.push(problem.secret());
                return None;
            }
            url
        }
        (None, Some(usual)) => Secret::new(usual.to_owned()),
        (None, None) => {
            let problem = Problem::new(whole.span(), format!("{whose} needs `url`"));
            fields.faults.push(problem);
            return None;
        }
    };
    Some(WebhookConfig {
        name: name.to_owned(),
        url,
        form,
        secret,
    })
}

fn form(text: &str) -> Result<Form, Wrong> {
    let known = Form::ALL.into_iter();
    let found = known.clone().find(|form| form.name() == text);
    found.ok_or_else(|| {
        Wrong::new("is no form that is known")
            .help(format!("known: {}", listed(known.map(Form::name))))
    })
}

fn secret(fields: Fields<'_>, key: &str, whose: &str, vault: &Vault<'_>) -> Option<Secret> {
    secret_of(fields.get(key)?, key, whose, fields, vault)
}

fn secret_of(
    value: &Value<'_>,
    key: &str,
    whose: &str,
    fields: Fields<'_>,
    vault: &Vault<'_>,
) -> Option<Secret> {
    vault.take_absent();
    match vault.read(value) {
        Ok(Some(secret)) => Some(secret),
        Ok(None) => {
            let missing = vault.take_absent().join(", ");
            let what = format!("the `{key}` of {whose} is absent: {missing} is not set");
            fields.faults.push(Problem::new(value.span(), what));
            None
        }
        Err(problem) => {
            fields.faults.push(problem);
            None
        }
    }
}
