//! What a provider's status page claims: recorded and shown, never believed.
//!
//! A claim is the provider's word about itself. It is not evidence: pages lag behind by minutes to hours, and some are
//! never touched. No claim opens, changes or closes an incident.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Timestamp;

/// How something stands in the words of its page; the worse the greater.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[repr(u16)]
pub enum Standing {
    /// The page could not be read, or does not say.
    #[default]
    Unknown = 0,
    /// All is well.
    Operational = 1,
    /// Planned work is going on.
    Maintenance = 2,
    /// Slower or worse than usual.
    Degraded = 3,
    /// Down for some.
    Partial = 4,
    /// Down.
    Major = 5,
}

impl Standing {
    /// All, in code order.
    pub const ALL: &'static [Standing] = &[
        Standing::Unknown,
        Standing::Operational,
        Standing::Maintenance,
        Standing::Degraded,
        Standing::Partial,
        Standing::Major,
    ];

    /// One word in snake case.
    pub const fn name(self) -> &'static str {
        match self {
            Standing::Unknown => "unknown",
            Standing::Operational => "operational",
            Standing::Maintenance => "maintenance",
            Standing::Degraded => "degraded",
            Standing::Partial => "partial",
            Standing::Major => "major",
        }
    }

    /// The standing of a code; `None` for an unknown one.
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|s| *s as u16 == code)
    }

    /// Whether the page admits that something is wrong; planned work is not.
    pub const fn admits(self) -> bool {
        matches!(
            self,
            Standing::Degraded | Standing::Partial | Standing::Major
        )
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a page claims at one moment, as far as it concerns a service. All lists and texts are bounded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Claim {
    /// The worst of all that the page says: its overall indicator, components, unresolved incidents, planned work.
    pub overall: Standing,
    /// Its components, in the order of the page; at most [`Claim::MOST_COMPONENTS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<PageComponent>,
    /// Its unresolved incidents and the planned work that is going on; at most [`Claim::MOST_POSTS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub posts: Vec<OpenPost>,
}

/// A part of the provider, as its page lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageComponent {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub standing: Standing,
    /// Names of the service's probes that it concerns; empty when nobody said which.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<String>,
}

/// An incident that the page does not call resolved, or planned work that is going on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPost {
    /// The page's id of it.
    pub id: String,
    /// Its title.
    pub name: String,
    /// How bad the page says that it is.
    pub impact: Standing,
    /// In the page's word: `investigating`, `identified`, `monitoring`, `in_progress`.
    pub status: String,
    /// When it began, as the page says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When the page last said something of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
    /// Where it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Names of the components that it names; many name none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<String>,
}

impl Claim {
    /// Components that are kept: the largest pages have some dozens.
    pub const MOST_COMPONENTS: usize = 100;
    /// Posts that are kept: more at a time are no news.
    pub const MOST_POSTS: usize = 10;
    /// Longest text that is kept, in bytes.
    pub const TEXT_BYTES: usize = 200;

    /// The claim of a page that could not be read.
    pub const UNKNOWN: Claim = Claim {
        overall: Standing::Unknown,
        components: Vec::new(),
        posts: Vec::new(),
    };

    /// Whether both say the same; when a post was last touched does not matter.
    pub fn says_the_same(&self, other: &Claim) -> bool {
        self.overall == other.overall
            && self.components == other.components
            && self.posts.len() == other.posts.len()
            && self.posts.iter().zip(&other.posts).all(|(a, b)| {
                OpenPost {
                    updated_at: b.updated_at,
                    ..a.clone()
                } == *b
            })
    }

    /// What is claimed of a probe: the worst of the components that concern it, and of the posts that name one of them.
    /// `None` when no component concerns it.
    pub fn of_probe(&self, probe: &str) -> Option<Standing> {
        let concerns: Vec<&PageComponent> = self
            .components
            .iter()
            .filter(|c| c.probes.iter().any(|p| p == probe))
            .collect();
        let standing = concerns.iter().map(|c| c.standing).max()?;
        let named = |post: &&OpenPost| {
            let hit = |c: &&PageComponent| post.components.contains(&c.name);
            concerns.iter().any(hit)
        };
        let posts = self.posts.iter().filter(named).map(|p| p.impact);
        Some(posts.fold(standing, Standing::max))
    }

    /// What is claimed of the service as a whole: the worst of the components that concern a probe of it, and of the posts
    /// that name one of them, or none at all. Where no component is known to concern it: what is claimed of all.
    pub fn of_service(&self) -> Standing {
        let concerns: Vec<&PageComponent> = self
            .components
            .iter()
            .filter(|c| !c.probes.is_empty())
            .collect();
        let Some(standing) = concerns.iter().map(|c| c.standing).max() else {
            return self.overall;
        };
        let posts = self.posts.iter().filter(|post| {
            let named = |c: &&PageComponent| post.components.contains(&c.name);
            post.components.is_empty() || concerns.iter().any(named)
        });
        posts.map(|p| p.impact).fold(standing, Standing::max)
    }

    /// The claim as users' scripts see it.
    pub fn to_json(&self) -> Value {
        let at = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let components: Vec<Value> = self
            .components
            .iter()
            .map(|c| json!({ "name": c.name, "state": c.standing.name(), "probes": c.probes }))
            .collect();
        let posts: Vec<Value> = self
            .posts
            .iter()
            .map(|p| {
                json!({
                    "id": p.id, "name": p.name, "impact": p.impact.name(), "status": p.status,
                    "started_at": at(p.started_at), "updated_at": at(p.updated_at), "url": p.url,
                    "components": p.components,
                })
            })
            .collect();
        json!({ "overall": self.overall.name(), "components": components, "incidents": posts })
    }

    /// Every text that came from the page, to be cleaned.
    pub fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        let components = self.components.iter_mut().map(|c| &mut c.name);
        let posts = self.posts.iter_mut().flat_map(|p| {
            [&mut p.id, &mut p.name, &mut p.status]
                .into_iter()
                .chain(p.url.as_mut())
                .chain(p.components.iter_mut())
        });
        components.chain(posts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(name: &str, standing: Standing, probes: &[&str]) -> PageComponent {
        PageComponent {
            name: name.to_owned(),
            standing,
            probes: probes.iter().map(|p| (*p).to_owned()).collect(),
        }
    }

    fn post(impact: Standing, components: &[&str]) -> OpenPost {
        OpenPost {
            id: "i1".to_owned(),
            name: "Elevated errors".to_owned(),
            impact,
            status: "investigating".to_owned(),
            started_at: Timestamp::parse("2026-11-08T13:54:00Z"),
            updated_at: None,
            url: None,
            components: components.iter().map(|c| (*c).to_owned()).collect(),
        }
    }

    #[test]
    fn what_is_claimed_of_a_probe_is_the_worst_that_names_it() {
        let mut claim = Claim {
            overall: Standing::Major,
            components: vec![
                component("Chat", Standing::Operational, &["chat", "chat-stream"]),
                component("Images", Standing::Degraded, &["image"]),
                component("Billing", Standing::Major, &[]),
            ],
            posts: vec![
                post(Standing::Partial, &["Chat"]),
                post(Standing::Major, &[]),
            ],
        };
        assert_eq!(claim.of_probe("chat"), Some(Standing::Partial));
        assert_eq!(claim.of_probe("image"), Some(Standing::Degraded));
        assert_eq!(claim.of_probe("web"), None);
        claim.posts.clear();
        assert_eq!(claim.of_probe("chat"), Some(Standing::Operational));
    }

    #[test]
    fn of_a_service_only_that_is_claimed_which_concerns_it_unless_nobody_knows_what_does() {
        let mut claim = Claim {
            overall: Standing::Major,
            components: vec![
                component("Chat", Standing::Operational, &["chat"]),
                component("Billing", Standing::Major, &[]),
            ],
            posts: vec![post(Standing::Major, &["Billing"])],
        };
        assert_eq!(claim.of_service(), Standing::Operational);
        claim.posts.push(post(Standing::Degraded, &["Chat"]));
        assert_eq!(claim.of_service(), Standing::Degraded);
        claim.posts.push(post(Standing::Partial, &[]));
        assert_eq!(claim.of_service(), Standing::Partial);
        claim.components.remove(0);
        assert_eq!(claim.of_service(), Standing::Major);
        assert_eq!(Claim::UNKNOWN.of_service(), Standing::Unknown);
    }

    #[test]
    fn a_post_that_was_touched_again_is_no_other_claim_and_a_changed_one_is() {
        let claim = Claim {
            overall: Standing::Partial,
            components: Vec::new(),
            posts: vec![post(Standing::Partial, &[])],
        };
        let mut other = claim.clone();
        other.posts[0].updated_at = Some(Timestamp::EPOCH);
        assert!(claim.says_the_same(&other));
        other.posts[0].status = "monitoring".to_owned();
        assert!(!claim.says_the_same(&other));
        assert!(!claim.says_the_same(&Claim::UNKNOWN));
    }

    #[test]
    fn a_claim_comes_back_from_its_json_and_an_empty_one_is_short() {
        let claim = Claim {
            overall: Standing::Partial,
            components: vec![component("Chat", Standing::Degraded, &["chat"])],
            posts: vec![post(Standing::Maintenance, &["Chat"])],
        };
        let json = serde_json::to_string(&claim).unwrap();
        assert_eq!(serde_json::from_str::<Claim>(&json).unwrap(), claim);
        assert_eq!(
            serde_json::to_string(&Claim::UNKNOWN).unwrap(),
            r#"{"overall":"unknown"}"#
        );
        for standing in Standing::ALL {
            assert_eq!(Standing::from_code(*standing as u16), Some(*standing));
            assert_eq!(
                serde_json::to_value(standing).unwrap(),
                serde_json::Value::from(standing.name())
            );
        }
    }
}
