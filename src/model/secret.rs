//! Secrets, and their removal from everything that leaves the process.

use std::fmt;
use std::hash::{Hash, Hasher};

use base64::Engine as _;
use secrecy::{ExposeSecret, SecretString};

/// A key or password. Its `Debug` is a placeholder; it is wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps a value.
    pub fn new(value: String) -> Self {
        Self(SecretString::from(value))
    }

    /// The value itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for Secret {
    /// Not in constant time: both sides are ours.
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl Hash for Secret {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.expose().hash(state);
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Replaces every known secret in a text, raw or as base64, percent-, JSON- or HTML-encoded, by `[secret]`.
///
/// Cheap when there is nothing to do; used where text leaves the process (log, mail, page, database, error).
#[derive(Clone, Default)]
pub struct Redactor {
    forms: Vec<Secret>,
}

impl Redactor {
    /// What stands in the place of a secret.
    pub const MASK: &'static str = "[secret]";
    /// Shorter values are not searched for: they would blank out ordinary words.
    pub const SHORTEST: usize = 6;

    /// For these secrets; those shorter than [`Redactor::SHORTEST`] are left out.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut forms: Vec<String> = Vec::new();
        for secret in secrets {
            let raw = secret.expose();
            if raw.len() < Self::SHORTEST {
                continue;
            }
            forms.push(raw.to_owned());
            forms.push(base64::engine::general_purpose::STANDARD.encode(raw));
            forms.push(base64::engine::general_purpose::STANDARD_NO_PAD.encode(raw));
            forms.push(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(raw));
            forms.extend(within_base64(raw.as_bytes()));
            let percent: String = url::form_urlencoded::byte_serialize(raw.as_bytes()).collect();
            forms.push(percent);
            let json = serde_json::Value::String(raw.to_owned()).to_string();
            let json = json.get(1..json.len() - 1).unwrap_or_default();
            // As a page shows it; two ways to write the quotes are in use.
            let html = raw
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;");
            forms.push(html.replace('"', "&quot;").replace('\'', "&#39;"));
            forms.push(html.replace('"', "&#34;").replace('\'', "&#x27;"));
            // Some servers escape the slash too.
            forms.push(json.replace('/', "\\/"));
            forms.push(json.to_owned());
        }
        for form in &mut forms {
            form.make_ascii_lowercase();
        }
        forms.retain(|form| form.len() >= Self::SHORTEST);
        // Longest first, so that a secret within another's form leaves no tail.
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        Self {
            forms: forms.into_iter().map(Secret::new).collect(),
        }
    }

    /// The text without secrets, however their letters are cased: error codes are compared, and shown, in lower case.
    pub fn redact(&self, text: &str) -> String {
        let mut out = text.to_owned();
        // ASCII only: every byte stays where it is.
        let mut lower = out.to_ascii_lowercase();
        for form in &self.forms {
            let form = form.expose();
            let mut from = 0;
            while let Some(at) = lower.get(from..).and_then(|rest| rest.find(form)) {
                let found = from + at..from + at + form.len();
                out.replace_range(found.clone(), Self::MASK);
                lower.replace_range(found, Self::MASK);
                from += at + Self::MASK.len();
            }
        }
        out
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} forms)", self.forms.len())
    }
}

/// How the secret looks within the base64 of a longer text, `user:password` for one: of the three ways to fall on its
/// groups, the letters that the secret alone decides.
fn within_base64(raw: &[u8]) -> impl Iterator<Item = String> {
    (0..3).map(move |before| {
        let padded = [&[0; 2][..before], raw].concat();
        let encoded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&padded);
        let from = (before * 8).div_ceil(6);
        let to = padded.len() * 8 / 6;
        encoded.get(from..to).unwrap_or_default().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_removed_in_every_form_it_travels_in() {
        let secret = Secret::new("sk-canary/\"1+2".to_owned());
        let redactor = Redactor::new([&secret]);
        for form in [
            "sk-canary/\"1+2".to_owned(),
            base64::engine::general_purpose::STANDARD.encode("sk-canary/\"1+2"),
            "sk-canary%2F%221%2B2".to_owned(),
            "sk-canary%2f%221%2b2".to_owned(),
            "sk-canary/\\\"1+2".to_owned(),
            "sk-canary\\/\\\"1+2".to_owned(),
            "sk-canary/&quot;1+2".to_owned(),
            "sk-canary/&#34;1+2".to_owned(),
            "SK-Canary/\"1+2".to_owned(),
        ] {
            let text = format!("Bearer {form}, said the server");
            assert_eq!(redactor.redact(&text), "Bearer [secret], said the server");
        }
        for user in ["", "a", "ab", "abc", "abcd"] {
            let login = format!("{user}:sk-canary/\"1+2");
            let encoded = base64::engine::general_purpose::STANDARD.encode(&login);
            let shown = redactor.redact(&format!("Basic {encoded}"));
            assert!(shown.contains("[secret]") && shown.len() < 32, "{shown}");
        }
        assert_eq!(format!("{secret:?}"), "***");
    }

    #[test]
    fn a_short_value_does_not_blank_out_words() {
        let redactor = Redactor::new([&Secret::new("key".to_owned())]);
        assert_eq!(
            redactor.redact("the key was refused"),
            "the key was refused"
        );
    }
}
