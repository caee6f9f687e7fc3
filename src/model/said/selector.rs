//! Which probes somebody speaks of: `openai`, `openai/chat*`, `*/image`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::glob::Glob;

/// Two names of 64 characters with a stroke between, and some more.
const LONGEST: usize = 200;

/// A pattern for services, or for probes of services. Displays as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Selector {
    text: String,
    service: Glob,
    /// `None`: all probes of the service.
    probe: Option<Glob>,
}

impl Selector {
    /// Reads `SERVICE` or `SERVICE/PROBE`, each with `*` and `?` where wanted.
    ///
    /// # Errors
    /// In words that follow the selector: "is empty".
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let of_names = |c: char| c.is_ascii_alphanumeric() || "-_.*?/".contains(c);
        if text.is_empty() {
            return Err("is empty; write a service such as `openai`, or `*` for all".to_owned());
        }
        if text.len() > LONGEST {
            return Err(format!("is longer than {LONGEST} characters"));
        }
        if let Some(odd) = text.chars().find(|c| !of_names(*c)) {
            return Err(format!(
                "holds `{}`; names are made of a-z, 0-9, `-`, `_` and `.`, and `*` and `?` stand for others",
                odd.escape_debug()
            ));
        }
        let (service, probe) = match text.split_once('/') {
            None => (text, None),
            Some((service, probe)) => (service, Some(probe)),
        };
        if service.is_empty() || probe.is_some_and(|p| p.is_empty() || p.contains('/')) {
            return Err("is not SERVICE or SERVICE/PROBE".to_owned());
        }
        Ok(Self {
            service: Glob::compile(service)?,
            probe: probe.map(Glob::compile).transpose()?,
            text: text.to_owned(),
        })
    }

    /// Whether it speaks of this probe.
    pub fn selects(&self, service: &str, probe: &str) -> bool {
        self.service.is_match(service) && self.probe.as_ref().is_none_or(|p| p.is_match(probe))
    }

    /// Whether it speaks of the service with all probes that it has or may get.
    pub fn selects_whole(&self, service: &str) -> bool {
        self.service.is_match(service) && self.probe.as_ref().is_none_or(Glob::is_everything)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl TryFrom<String> for Selector {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Selector> for String {
    fn from(selector: Selector) -> Self {
        selector.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_speaks_of_services_or_of_their_probes() {
        for (selector, service, probe, one, whole) in [
            ("openai", "openai", "chat", true, true),
            ("openai", "openai-eu", "chat", false, false),
            ("openai*", "openai-eu", "chat", true, true),
            ("openai/*", "openai", "chat", true, true),
            ("openai/**", "openai", "chat", true, true),
            ("openai/chat", "openai", "chat", true, false),
            ("openai/chat", "openai", "chat-stream", false, false),
            ("openai/chat*", "openai", "chat-stream", true, false),
            ("*/chat*", "anthropic", "chat", true, false),
            ("*/chat*", "anthropic", "image", false, false),
            ("*", "anything", "at-all", true, true),
            ("*/*", "anything", "at-all", true, true),
            ("o?enai/i*e", "openai", "image", true, false),
            ("OpenAI", "openai", "chat", true, true),
            (" openai ", "openai", "chat", true, true),
            ("chat", "openai", "chat", false, false),
            ("gpt-4.1", "gpt-4x1", "chat", false, false),
        ] {
            let parsed = Selector::parse(selector).unwrap();
            assert_eq!(
                parsed.selects(service, probe),
                one,
                "{selector} {service}/{probe}"
            );
            assert_eq!(parsed.selects_whole(service), whole, "{selector} {service}");
        }
    }

    #[test]
    fn what_is_no_selector_is_refused_with_a_reason() {
        for bad in [
            "", "  ", "/", "a/", "/a", "a/b/c", "a b", "a\nb", "a;b", "{a,b}", "[ab]", "\u{e4}",
            "\"a\"",
        ] {
            assert!(Selector::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Selector::parse(&"a".repeat(201)).is_err());
        assert!(Selector::parse(&"*".repeat(200)).is_ok());
    }

    #[test]
    fn it_comes_back_from_json_as_it_was_and_nothing_else_does() {
        let selector = Selector::parse("openai/chat*").unwrap();
        let json = serde_json::to_string(&selector).unwrap();
        assert_eq!(json, "\"openai/chat*\"");
        assert_eq!(serde_json::from_str::<Selector>(&json).unwrap(), selector);
        assert!(serde_json::from_str::<Selector>("\"a/b/c\"").is_err());
    }
}
