//! Reading a scenario file: TOML in, a [`Scenario`] or every fault of the file out.
//!
//! The tree is walked by hand, so that a fault knows its place and does not hide the next one.

use toml::de::DeTable;

use super::fields::{Faults, Fields, Value};
use super::script::{modes, scripts};
use crate::diagnostic::{Problem, syntax};
use crate::model::scenario::{
    Basis, Component, Fact, Impact, Post, PostStatus, Scenario, Told, Truth,
};

const KEYS: &[&str] = &[
    "title",
    "summary",
    "start",
    "end",
    "base_error_rate",
    "modes",
    "fact",
    "truth",
    "status_page",
    "component",
];
impl Scenario {
    /// Reads a scenario file. Errs with all its faults, in order of their place.
    pub fn parse(text: &str) -> Result<Scenario, Vec<Problem>> {
        if let Some(span) = syntax::too_deep(text) {
            return Err(vec![Problem::new(span, "too many brackets are open here")]);
        }
        let (root, errors) = DeTable::parse_recoverable(text);
        let mut faults = Faults::default();
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            // One line: the rest of the parser's words repeats the file.
            let message = error.message().lines().next().unwrap_or("not TOML");
            faults.note(span, message.to_owned());
        }
        let fields = Fields {
            table: root.get_ref(),
            span: 0..text.lines().next().map_or(0, str::len),
        };
        // What stands after a syntax fault may be lost; faults about its absence would only distract.
        let scenario = if faults.0.is_empty() {
            scenario(&mut faults, &fields)
        } else {
            None
        };
        match scenario {
            Some(scenario) if faults.0.is_empty() => Ok(scenario),
            _ => {
                faults.0.sort_by_key(|p| p.span.start);
                Err(faults.0)
            }
        }
    }
}

fn scenario(faults: &mut Faults, root: &Fields<'_, '_>) -> Option<Scenario> {
    faults.only(root, KEYS);
    let title = faults.want(root, "title").and_then(|v| faults.text(v));
    let summary = faults.want(root, "summary").and_then(|v| faults.text(v));
    let window = faults.window(root, "start", "end");
    let base = faults
        .want(root, "base_error_rate")
        .and_then(|v| faults.share(v));
    let usual = root.get("modes").and_then(|v| modes(faults, v));

    let facts = faults.list(root, "fact");
    let facts = facts.iter().filter_map(|v| fact(faults, v)).collect();
    let truth = faults.list(root, "truth");
    let mut truth: Vec<_> = truth.iter().filter_map(|v| one_truth(faults, v)).collect();
    truth.sort_by_key(|t| t.start);
    let incidents = incidents(faults, root);
    let scripts = scripts(
        faults,
        root,
        base.unwrap_or(0.0),
        &usual.unwrap_or_default(),
    );

    let (start, end) = window?;
    Some(Scenario {
        title: title?,
        summary: summary?,
        start,
        end,
        base_error_rate: base?,
        facts,
        truth,
        incidents,
        scripts,
    })
}

fn fact(faults: &mut Faults, value: &Value<'_>) -> Option<Fact> {
    let fields = faults.table(value, &["basis", "text"])?;
    let basis = faults.want(&fields, "basis");
    let basis = basis.and_then(|v| faults.word(v, Basis::ALL, Basis::name));
    let text = faults.want(&fields, "text").and_then(|v| faults.text(v));
    Some(Fact {
        basis: basis?,
        text: text?,
    })
}

fn one_truth(faults: &mut Faults, value: &Value<'_>) -> Option<Truth> {
    let fields = faults.table(value, &["start", "end", "components", "optional"])?;
    let window = faults.window(&fields, "start", "end");
    let components = components(faults, &fields);
    let optional = fields.get("optional").and_then(|v| faults.yes(v));
    let (start, end) = window?;
    Some(Truth {
        start,
        end,
        components: components?,
        optional: optional.unwrap_or(false),
    })
}

/// The key `components`: at least one.
fn components(faults: &mut Faults, fields: &Fields<'_, '_>) -> Option<Vec<Component>> {
    let value = faults.want(fields, "components")?;
    let named: Vec<_> = faults
        .list(fields, "components")
        .into_iter()
        .filter_map(|v| faults.word(v, Component::ALL, Component::name))
        .collect();
    if named.is_empty() && value.get_ref().as_array().is_some_and(|l| l.is_empty()) {
        faults.note(value.span(), "expected at least one component, found none");
    }
    (!named.is_empty()).then_some(named)
}

fn incidents(faults: &mut Faults, root: &Fields<'_, '_>) -> Vec<Told> {
    let Some(page) = root.get("status_page") else {
        return Vec::new();
    };
    let Some(page) = faults.table(page, &["incident"]) else {
        return Vec::new();
    };
    let told = faults.list(&page, "incident");
    let mut told: Vec<_> = told.iter().filter_map(|v| incident(faults, v)).collect();
    told.sort_by_key(|t| t.posts.first().map(|p| p.at));
    told
}

fn incident(faults: &mut Faults, value: &Value<'_>) -> Option<Told> {
    let fields = faults.table(value, &["name", "impact", "components", "posts"])?;
    let name = faults.want(&fields, "name").and_then(|v| faults.text(v));
    let impact = faults.want(&fields, "impact");
    let impact = impact.and_then(|v| faults.word(v, Impact::ALL, Impact::name));
    let components = components(faults, &fields);
    let listed = faults.list(&fields, "posts");
    if listed.is_empty() {
        faults.note(
            fields.span.clone(),
            "expected at least one post, found none",
        );
    }
    let mut posts: Vec<_> = listed.iter().filter_map(|v| post(faults, v)).collect();
    posts.sort_by_key(|p| p.at);
    let told = Told {
        name: name?,
        impact: impact?,
        components: components?,
        posts,
    };
    (!told.posts.is_empty()).then_some(told)
}

fn post(faults: &mut Faults, value: &Value<'_>) -> Option<Post> {
    let fields = faults.table(value, &["at", "status", "text"])?;
    let at = faults.want(&fields, "at").and_then(|v| faults.time(v));
    let status = faults.want(&fields, "status");
    let status = status.and_then(|v| faults.word(v, PostStatus::ALL, PostStatus::name));
    let text = faults.want(&fields, "text").and_then(|v| faults.text(v));
    Some(Post {
        at: at?,
        status: status?,
        text: text?,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const SMALL: &str = r#"
title = "T"
summary = "S"
start = 2023-11-08T03:00:00Z
end = "2023-11-08T04:00:00Z"
base_error_rate = 0.01
modes = { bad_gateway = 2 }
[component.chat_web]
profile = [[2023-11-08T03:10:00Z, 0.01], [2023-11-08T03:20:00Z, 0.5]]
[component.login]
like = "chat_web"
times = 0.5
"#;

    #[test]
    fn a_profile_may_follow_another_at_a_fraction_that_never_falls_below_the_base() {
        let s = Scenario::parse(SMALL).unwrap();
        let rates: Vec<_> = s.scripts[&Component::Login]
            .profile
            .iter()
            .map(|p| p.1)
            .collect();
        assert_eq!(rates, [0.01, 0.25]);
        assert_eq!(s.length(), Duration::from_secs(3600));
    }

    #[test]
    fn all_faults_are_found_at_once_and_where_they_stand() {
        let text = SMALL
            .replace("bad_gateway = 2", "bad_gatway = 2")
            .replace("0.5]]", "1.5]]")
            .replace("\"chat_web\"", "\"video\"")
            .replace("title = \"T\"", "");
        let found: Vec<_> = Scenario::parse(&text)
            .unwrap_err()
            .into_iter()
            .map(|p| {
                format!(
                    "`{}` {}; {}",
                    &text[p.span],
                    p.message,
                    p.help.as_deref().unwrap_or("-")
                )
            })
            .collect();
        insta::assert_snapshot!(found.join("\n"), @r#"
        `` `title` is missing; -
        `bad_gatway` unknown key `bad_gatway`; did you mean `bad_gateway`?
        `1.5` expected 0 to 1, found 1.5; -
        `"video"` `video` has no profile of its own; -
        "#);
    }

    #[test]
    fn a_syntax_fault_is_told_alone() {
        let found = Scenario::parse("title = \n end = 3").unwrap_err();
        assert_eq!(found.len(), 1, "{found:?}");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
            let _ = Scenario::parse(&text);
        }

        #[test]
        fn no_damage_to_a_good_file_makes_the_reader_panic(
            at in 0..SMALL.len(), len in 0usize..40, put in "[\\[\\]{}\"=.0-9a-zTZ:, \n-]{0,12}",
        ) {
            let mut text = SMALL.to_owned();
            text.replace_range(at..(at + len).min(SMALL.len()), &put);
            if let Err(problems) = Scenario::parse(&text) {
                prop_assert!(!problems.is_empty());
                for p in problems {
                    prop_assert!(text.get(p.span).is_some());
                }
            }
        }
    }
}
