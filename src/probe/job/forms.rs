//! The ready-made jobs: files of the same keys as a probe's own, which take their place where they are given.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::Problem;
use crate::probe::fields::Fields;

macro_rules! forms {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../config/jobs/", $name, ".toml"))),)*]
    };
}

const FORMS: &[(&str, &str)] = forms!["openai-video", "veo", "openai-batch", "replicate"];
/// Of these keys only one can stand in a request; the probe's own drives out the form's.
const EITHER: &[&[&str]] = &[&["path", "url", "header"], &["json", "form", "body"]];

/// The probe's table with what its `form` adds; faults in that part stand at the key `form`.
pub(super) fn completed<'v>(
    table: &Spanned<DeValue<'v>>,
) -> Result<Spanned<DeValue<'v>>, Vec<Problem>> {
    let mut fields = Fields::of(table);
    let Some(name) = fields.text("form") else {
        let problems = fields.problems();
        return match problems.is_empty() {
            true => Ok(table.clone()),
            false => Err(problems),
        };
    };
    let at = fields.span("form");
    let text = FORMS.iter().find(|(known, _)| *known == name);
    let Some(form) = text.and_then(|(_, text)| DeTable::parse(text).ok()) else {
        let names: Vec<_> = FORMS.iter().map(|(name, _)| *name).collect();
        let fault =
            Problem::new(at, "no ready-made job").help(format!("known: {}", names.join(", ")));
        return Err(vec![fault]);
    };
    let form = Spanned::new(at.clone(), DeValue::Table(form.into_inner()));
    Ok(joined(table.clone(), placed(form, &at)))
}

/// The value with another place for all of it.
fn placed<'v>(value: Spanned<DeValue<'v>>, at: &Range<usize>) -> Spanned<DeValue<'v>> {
    let value = match value.into_inner() {
        DeValue::Table(table) => {
            let entries = table.into_iter();
            let moved = entries.map(|(key, value)| {
                (
                    Spanned::new(at.clone(), key.into_inner()),
                    placed(value, at),
                )
            });
            DeValue::Table(moved.collect())
        }
        DeValue::Array(items) => {
            DeValue::Array(items.into_iter().map(|item| placed(item, at)).collect())
        }
        other => other,
    };
    Spanned::new(at.clone(), value)
}

/// Tables are joined, all else is the probe's where it has it.
fn joined<'v>(own: Spanned<DeValue<'v>>, form: Spanned<DeValue<'v>>) -> Spanned<DeValue<'v>> {
    let span = own.span();
    match (own.into_inner(), form.into_inner()) {
        (DeValue::Table(mut own), DeValue::Table(form)) => {
            for (key, value) in form {
                let name: &str = key.get_ref();
                let either = EITHER.iter().find(|keys| keys.contains(&name));
                let other = |k: &&&str| **k != name && own.contains_key(**k);
                if either.is_some_and(|keys| keys.iter().any(|k| other(&k))) {
                    continue;
                }
                let value = match own.remove(name) {
                    Some(mine) => joined(mine, value),
                    None => value,
                };
                own.insert(key, value);
            }
            Spanned::new(span, DeValue::Table(own))
        }
        (own, _) => Spanned::new(span, own),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(text: &str) -> Result<String, Vec<Problem>> {
        let table = DeTable::parse(text).unwrap();
        let table = Spanned::new(table.span(), DeValue::Table(table.into_inner()));
        completed(&table).map(|table| {
            let poll = table.get_ref().as_table().unwrap()["poll"].get_ref();
            let entries = poll.as_table().unwrap().iter();
            let shown =
                entries.map(|(k, v)| format!("{}={}", k.get_ref(), v.get_ref().as_str().unwrap()));
            let mut shown: Vec<_> = shown.collect();
            shown.sort_unstable();
            shown.join(" ")
        })
    }

    #[test]
    fn a_key_of_ones_own_takes_the_place_of_the_forms() {
        for (poll, wanted) in [
            ("", "every=5s path=/videos/{id}"),
            ("poll = { every = \"1s\" }", "every=1s path=/videos/{id}"),
            ("poll = { url = \"$.next\" }", "every=5s url=$.next"),
            (
                "poll = { header = \"location\", every = \"2s\" }",
                "every=2s header=location",
            ),
        ] {
            let text = format!("form = \"openai-video\"\n{poll}");
            assert_eq!(complete(&text).as_deref(), Ok(wanted), "{poll}");
        }
        let problems = complete("form = \"sora\"").unwrap_err();
        assert_eq!(problems[0].message, "no ready-made job");
    }

    #[test]
    fn every_shipped_form_is_a_table() {
        for (name, text) in FORMS {
            let table = DeTable::parse(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            for key in table.get_ref().keys() {
                assert!(
                    super::super::KIND.keys.contains(&key.get_ref().as_ref()),
                    "{name}: {key:?}"
                );
            }
        }
    }
}
