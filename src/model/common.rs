//! What several services that fail together have in common: the first thing that somebody who was woken wants to know.

use std::collections::BTreeSet;
use std::fmt;

/// A service that fails now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failing {
    /// Whose service it is.
    pub provider: String,
    /// Kinds of its probes that fail: `chat`, `image`.
    pub kinds: BTreeSet<&'static str>,
    /// Kinds of its probes that do not.
    pub fine: BTreeSet<&'static str>,
}

/// What they have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Common {
    /// All are of one provider.
    Provider(String),
    /// One kind of endpoint fails at several providers, and their others do not.
    Kind {
        /// The kind.
        kind: &'static str,
        /// At whom.
        providers: BTreeSet<String>,
    },
    /// Most of all that is watched, at several providers.
    Most {
        /// Services that fail.
        failing: usize,
        /// Services that are watched.
        of: usize,
        /// Providers of those that fail.
        providers: usize,
    },
    /// Several providers, and nothing else.
    Several(BTreeSet<String>),
}

/// Providers that are named; the rest is counted.
const NAMED: usize = 4;
/// So many services of so many providers are most of what is watched, when they are more than half of it.
const FEWEST_FOR_MOST: usize = 3;

/// What they have in common; `None` for fewer than two. `of` services are watched.
pub fn common(failing: &[Failing], of: usize) -> Option<Common> {
    if failing.len() < 2 {
        return None;
    }
    let providers: BTreeSet<String> = failing.iter().map(|f| f.provider.clone()).collect();
    if let (1, Some(provider)) = (providers.len(), providers.first()) {
        return Some(Common::Provider(provider.clone()));
    }
    let kinds: BTreeSet<&'static str> = failing.iter().flat_map(|f| f.kinds.clone()).collect();
    let others_are_fine = failing.iter().any(|f| !f.fine.is_empty());
    if let (1, Some(kind), true) = (kinds.len(), kinds.first(), others_are_fine) {
        return Some(Common::Kind { kind, providers });
    }
    if failing.len() >= FEWEST_FOR_MOST && failing.len() * 2 > of {
        return Some(Common::Most {
            failing: failing.len(),
            of,
            providers: providers.len(),
        });
    }
    Some(Common::Several(providers))
}

impl fmt::Display for Common {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Common::Provider(provider) => write!(f, "All of it is at {provider}."),
            Common::Kind { kind, providers } => write!(
                f,
                "Only {kind} fails, at {}; other endpoints there work.",
                listed(providers)
            ),
            Common::Most {
                failing,
                of,
                providers,
            } => write!(
                f,
                "{failing} of {of} services fail, at {providers} providers at once: look at what they share, such as a network or a gateway."
            ),
            Common::Several(providers) => write!(
                f,
                "It began at several providers within minutes: {}.",
                listed(providers)
            ),
        }
    }
}

/// `a, b and c`, or `a, b, c, d and 3 others`.
fn listed(names: &BTreeSet<String>) -> String {
    let mut shown: Vec<String> = names.iter().take(NAMED).cloned().collect();
    if names.len() > NAMED {
        shown.push(format!("{} others", names.len() - NAMED));
    }
    match shown.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => shown.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(provider: &str, kinds: &[&'static str], fine: &[&'static str]) -> Failing {
        Failing {
            provider: provider.to_owned(),
            kinds: kinds.iter().copied().collect(),
            fine: fine.iter().copied().collect(),
        }
    }

    fn told(failing: &[Failing], of: usize) -> String {
        common(failing, of).map_or_else(String::new, |c| c.to_string())
    }

    #[test]
    fn what_is_common_is_named_from_the_narrowest_on() {
        let chat = |provider| failing(provider, &["chat"], &["models"]);
        let all = |provider| failing(provider, &["chat", "web"], &[]);
        assert_eq!(told(&[all("OpenAI")], 9), "");
        assert_eq!(
            told(&[all("OpenAI"), chat("OpenAI")], 2),
            "All of it is at OpenAI."
        );
        assert_eq!(
            told(&[chat("OpenAI"), chat("Anthropic")], 9),
            "Only chat fails, at Anthropic and OpenAI; other endpoints there work."
        );
        assert_eq!(
            told(&[all("OpenAI"), all("Anthropic"), all("Google")], 5),
            "3 of 5 services fail, at 3 providers at once: look at what they share, such as a network or a gateway."
        );
        assert_eq!(
            told(&[all("OpenAI"), chat("Anthropic")], 9),
            "It began at several providers within minutes: Anthropic and OpenAI."
        );
        let many: Vec<Failing> = ["a", "b", "c", "d", "e", "f"].map(all).to_vec();
        assert_eq!(
            told(&many, 99),
            "It began at several providers within minutes: a, b, c, d and 2 others."
        );
    }

    #[test]
    fn where_nothing_but_chat_is_watched_chat_is_not_what_sets_it_apart() {
        let only = |provider| failing(provider, &["chat"], &[]);
        assert!(told(&[only("a"), only("b"), only("c")], 3).starts_with("3 of 3 services"));
    }
}
