//! Which parts of a page concern which probes: `components = { "chat*" = ["Chat Completions*", "ChatGPT"] }`.

use super::forms::{Part, Said};
use crate::diagnostic::Problem;
use crate::model::claim::{Claim, OpenPost, PageComponent, Standing};
use crate::model::glob::Glob;
use crate::probe::fields::{Fields, wanted};

/// Patterns of one map; a page has some dozens of components.
const MOST_PATTERNS: usize = 200;
/// Names that a message lists.
const MOST_LISTED: usize = 20;

/// The map; empty when the whole page concerns the whole service.
#[derive(Debug, Clone, Default)]
pub(super) struct Map(Vec<Entry>);

#[derive(Debug, Clone)]
struct Entry {
    /// Names of the probes that fit the key.
    probes: Vec<String>,
    components: Vec<Glob>,
}

impl Map {
    /// Reads `components`, for a service with these probes.
    pub fn read(fields: &mut Fields<'_, '_>, service: &str, probes: &[String]) -> Self {
        let Some(value) = fields.get("components") else {
            return Self::default();
        };
        let mut inner = Fields::of(value);
        let mut entries = Vec::new();
        let mut patterns = 0;
        for (key, value) in inner.entries() {
            let Ok(glob) = Glob::compile(key) else {
                inner.fault(Problem::new(value.span(), "its name is too long a pattern"));
                continue;
            };
            let fitting: Vec<String> = probes
                .iter()
                .filter(|p| glob.is_match(p))
                .cloned()
                .collect();
            if fitting.is_empty() {
                let message = format!(
                    "no probe of service `{service}` fits `{}`",
                    key.escape_debug()
                );
                let listed: Vec<&str> = probes
                    .iter()
                    .map(String::as_str)
                    .take(MOST_LISTED)
                    .collect();
                let help = format!("its probes: {}", listed.join(", "));
                inner.fault(Problem::new(value.span(), message).help(help));
            }
            let Some(list) = value.get_ref().as_array() else {
                inner.fault(
                    wanted("a list of names of components", value)
                        .help("as [\"Chat Completions*\", \"ChatGPT\"]"),
                );
                continue;
            };
            let mut components = Vec::new();
            for value in list.iter() {
                let text = value.get_ref().as_str().map(str::trim);
                match text.filter(|text| !text.is_empty()).map(Glob::compile) {
                    Some(Ok(glob)) => components.push(glob),
                    Some(Err(why)) => inner.fault(Problem::new(value.span(), why)),
                    None => inner.fault(wanted("the name of a component", value)),
                }
            }
            patterns += components.len();
            entries.push(Entry {
                probes: fitting,
                components,
            });
        }
        if patterns > MOST_PATTERNS {
            let message = format!("{patterns} names; at most {MOST_PATTERNS} are looked for");
            inner.fault(Problem::new(value.span(), message));
        }
        fields.take::<()>(Err(inner.problems()));
        Self(entries)
    }

    /// What a page's words mean for the service.
    ///
    /// # Errors
    /// When nothing can be said: the page says nothing, or lists all its components and none that was asked for.
    pub fn claim(&self, said: Said) -> Result<Claim, String> {
        let all = said.components.len();
        let posts: Vec<OpenPost> = said
            .posts
            .iter()
            .filter(|post| self.concerns(post))
            .cloned()
            .collect();
        let named = listed(&said.components);
        let components: Vec<PageComponent> = said
            .components
            .into_iter()
            .filter_map(|part| {
                let probes = self.probes(&part);
                (self.0.is_empty() || !probes.is_empty()).then_some(PageComponent {
                    name: part.name,
                    standing: part.standing,
                    probes,
                })
            })
            .collect();
        if !self.0.is_empty() && said.lists_all && all > 0 && components.is_empty() {
            return Err(format!(
                "none of the page's components is one of those in `components`; it lists {named}"
            ));
        }
        // The indicator is for the whole page; where parts are asked for, it only tells that nothing else is listed.
        let indicator = said
            .indicator
            .filter(|_| self.0.is_empty() || !said.lists_all || all == 0);
        let overall = indicator
            .into_iter()
            .chain(components.iter().map(|c| c.standing))
            .chain(posts.iter().map(|p| p.impact))
            .max()
            .unwrap_or_default();
        if overall == Standing::Unknown {
            return Err("the page has the right form and says nothing".to_owned());
        }
        let mut claim = Claim {
            overall,
            components,
            posts,
        };
        claim.components.truncate(Claim::MOST_COMPONENTS);
        claim.posts.truncate(Claim::MOST_POSTS);
        Ok(claim)
    }

    /// Whether a post is about this service: it names one of its components, or none at all.
    fn concerns(&self, post: &OpenPost) -> bool {
        self.0.is_empty()
            || post.components.is_empty()
            || post.components.iter().any(|name| self.fits(name))
    }

    fn fits(&self, name: &str) -> bool {
        self.0
            .iter()
            .any(|entry| entry.components.iter().any(|glob| glob.is_match(name)))
    }

    /// The probes that a part concerns, by its name or that of its group.
    fn probes(&self, part: &Part) -> Vec<String> {
        let fits = |entry: &&Entry| {
            entry.components.iter().any(|glob| {
                glob.is_match(&part.name) || part.group.as_ref().is_some_and(|g| glob.is_match(g))
            })
        };
        let mut probes: Vec<String> = Vec::new();
        for entry in self.0.iter().filter(fits) {
            for probe in &entry.probes {
                if !probes.contains(probe) {
                    probes.push(probe.clone());
                }
            }
        }
        probes
    }
}

fn listed(components: &[Part]) -> String {
    let names: Vec<&str> = components
        .iter()
        .map(|c| c.name.as_str())
        .take(MOST_LISTED)
        .collect();
    let more = components.len().saturating_sub(names.len());
    match more {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}
