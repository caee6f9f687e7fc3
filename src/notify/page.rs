//! The page that everything told links to, as configured with `public_url`: a dashboard, a runbook, a status page.

use url::Url;

use crate::model::IncidentId;

/// What stands for the incident's number.
const INCIDENT: &str = "{incident}";
/// What stands for the service's name.
const SERVICE: &str = "{service}";

/// An address, with `{incident}` and `{service}` to be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page(String);

impl Page {
    /// Checks an address; errs in words that follow "public_url ..".
    pub fn parse(text: &str) -> Result<Self, String> {
        let page = Self(text.to_owned());
        // A number and a name as good as any.
        let filled = page.filled(Some(IncidentId(1)), Some("service"));
        let filled = filled.unwrap_or_default();
        if filled.contains(['{', '}']) {
            return Err("has braces that are neither {incident} nor {service}".to_owned());
        }
        let url = Url::parse(&filled).map_err(|e| format!("is not a URL: {e}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("is neither https nor http".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("holds a user or password, which every reader would see".to_owned());
        }
        match page.host() == url.host_str().map(str::to_owned) {
            true => Ok(page),
            false => Err("has something to be filled in within its host".to_owned()),
        }
    }

    /// The host with nothing filled in.
    fn host(&self) -> Option<String> {
        Url::parse(&self.0).ok()?.host_str().map(str::to_owned)
    }

    /// The address for what is told of; `None` when something is to be filled in that there is not.
    pub fn address(&self, incident: Option<IncidentId>, service: Option<&str>) -> Option<String> {
        let filled = self.filled(incident, service)?;
        Url::parse(&filled).ok().map(String::from)
    }

    fn filled(&self, incident: Option<IncidentId>, service: Option<&str>) -> Option<String> {
        let mut text = self.0.clone();
        if text.contains(INCIDENT) {
            text = text.replace(INCIDENT, &incident?.to_string());
        }
        if text.contains(SERVICE) {
            text = text.replace(SERVICE, service?);
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_is_filled_in() {
        let full = Page::parse("https://wiki.example.com/{service}?incident={incident}").unwrap();
        let of = |incident, service| full.address(incident, service);
        assert_eq!(
            of(Some(IncidentId(7)), Some("openai")).as_deref(),
            Some("https://wiki.example.com/openai?incident=7")
        );
        assert_eq!(of(None, Some("openai")), None);
        assert_eq!(of(Some(IncidentId(7)), None), None);
        let bare = Page::parse("https://status.example.com/ai").unwrap();
        let bare = bare.address(None, None);
        assert_eq!(bare.as_deref(), Some("https://status.example.com/ai"));
    }

    #[test]
    fn an_address_that_nobody_could_follow_is_refused() {
        for (bad, why) in [
            ("status.example.com", "is not a URL"),
            ("ftp://example.com/", "neither https nor http"),
            ("javascript:alert(1)", "neither https nor http"),
            ("https://me:secret@example.com/", "user or password"),
            ("https://example.com/{probe}", "braces"),
            ("https://{service}.example.com/", "within its host"),
            ("", "is not a URL"),
        ] {
            let said = Page::parse(bad).unwrap_err();
            assert!(said.contains(why), "{bad}: {said}");
        }
    }
}
