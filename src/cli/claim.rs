//! What a status page claims, as lines for people.

use std::borrow::Cow;
use std::time::Duration;

use textwrap::Options;

use super::words::span;
use crate::model::claim::{OpenPost, PageComponent};
use crate::model::{Claim, Standing, Timestamp};

/// Left of the texts: the standing, one word.
const MARGIN: usize = 13;

/// What the page says of anything that is not well, and its open incidents with their age, in lines of `width` columns
/// (50 at least).
pub(super) fn lines(claim: &Claim, now: Timestamp, width: usize) -> Vec<String> {
    let well = |c: &&PageComponent| c.standing == Standing::Operational;
    let mut lines = Vec::new();
    let mut add = |standing: &str, text: &str| {
        let first = format!("{standing:<MARGIN$}");
        let further = " ".repeat(MARGIN);
        let fit = Options::new(width.max(50))
            .initial_indent(&first)
            .subsequent_indent(&further);
        lines.extend(textwrap::wrap(text, fit).into_iter().map(Cow::into_owned));
    };
    for component in claim.components.iter().filter(|c| !well(c)) {
        let text = format!("{}{}", component.name, concerned(&component.probes));
        add(component.standing.name(), &text);
    }
    match claim.components.iter().filter(well).count() {
        0 => {}
        all if all == claim.components.len() => add("", &format!("all {all} components")),
        rest => add(Standing::Operational.name(), &format!("{rest} more")),
    }
    for post in &claim.posts {
        add(post.impact.name(), &format!("\"{}\"", post.name));
        let told = told(post, now);
        if !told.is_empty() {
            add("", &told);
        }
        if let Some(url) = &post.url {
            add("", url);
        }
    }
    lines
}

/// ` (chat, image)`: the probes that a component concerns.
fn concerned(probes: &[String]) -> String {
    match probes {
        [] => String::new(),
        probes => format!(" ({})", probes.join(", ")),
    }
}

/// `identified, for 35 min, last word 5 min ago`.
fn told(post: &OpenPost, now: Timestamp) -> String {
    let mut parts = Vec::new();
    if !post.status.is_empty() {
        parts.push(post.status.clone());
    }
    parts.extend(post.started_at.map(|at| format!("for {}", age(at, now))));
    // The same moment twice says nothing.
    let word = post.updated_at.filter(|at| post.started_at != Some(*at));
    parts.extend(word.map(|at| format!("last word {} ago", age(at, now))));
    parts.join(", ")
}

/// To the minute, above one; from two days on in days.
fn age(at: Timestamp, now: Timestamp) -> String {
    let age = now.since(at);
    let seconds = age.as_secs();
    match seconds {
        0..60 => span(age),
        60..172_800 => span(Duration::from_secs(seconds - seconds % 60)),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<Timestamp> {
        Timestamp::parse(&format!("2026-11-25T{text}:00Z"))
    }

    fn component(name: &str, standing: Standing, probes: &[&str]) -> PageComponent {
        PageComponent {
            name: name.to_owned(),
            standing,
            probes: probes.iter().map(|p| (*p).to_owned()).collect(),
        }
    }

    #[test]
    fn what_is_not_well_is_listed_and_the_rest_is_counted() {
        let claim = Claim {
            overall: Standing::Partial,
            components: vec![
                component("Chat Completions", Standing::Partial, &["chat"]),
                component("Images", Standing::Operational, &[]),
                component("Login", Standing::Unknown, &[]),
                component("Sora", Standing::Operational, &[]),
            ],
            posts: vec![
                OpenPost {
                    id: "i1".to_owned(),
                    name: "Elevated error rates".to_owned(),
                    impact: Standing::Partial,
                    status: "identified".to_owned(),
                    started_at: at("17:25"),
                    updated_at: at("17:55"),
                    url: Some("https://status.example.com/i1".to_owned()),
                    components: Vec::new(),
                },
                OpenPost {
                    id: String::new(),
                    name: "Move".to_owned(),
                    impact: Standing::Maintenance,
                    status: String::new(),
                    started_at: None,
                    updated_at: None,
                    url: None,
                    components: Vec::new(),
                },
            ],
        };
        let drawn = lines(&claim, at("18:00").unwrap(), 50).join("\n");
        let wanted = "\
partial      Chat Completions (chat)
unknown      Login
operational  2 more
partial      \"Elevated error rates\"
             identified, for 35 min, last word 5
             min ago
             https://status.example.com/i1
maintenance  \"Move\"";
        assert_eq!(drawn, wanted);
    }

    #[test]
    fn an_age_is_no_finer_than_it_need_be() {
        let shown = |s: u64| age(Timestamp::EPOCH, Timestamp::EPOCH + Duration::from_secs(s));
        for (seconds, wanted) in [
            (7, "7 s"),
            (95, "1 min"),
            (172_799, "47 h 59 min"),
            (172_800, "2 days"),
            (96_222_240, "1113 days"),
        ] {
            assert_eq!(shown(seconds), wanted);
        }
    }

    #[test]
    fn a_page_on_which_all_is_well_takes_one_line_and_an_unread_one_none() {
        let mut claim = Claim {
            overall: Standing::Operational,
            components: vec![component("Chat", Standing::Operational, &[])],
            posts: Vec::new(),
        };
        let drawn = |claim: &Claim| lines(claim, Timestamp::EPOCH, 0).join("\n");
        assert_eq!(drawn(&claim).trim(), "all 1 components");
        claim.components.push(claim.components[0].clone());
        assert_eq!(drawn(&claim).trim(), "all 2 components");
        assert_eq!(drawn(&Claim::UNKNOWN), "");
    }
}
