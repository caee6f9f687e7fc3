//! The little languages inside strings: durations, rates, names, addresses, URLs, money.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use url::Url;

use super::fields::{listed, quoted};
use crate::diagnostic::Problem;
use crate::probe::APIS;

/// What is wrong with a value, to follow the name of its key: "is not a duration".
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    what: String,
    help: Option<String>,
}

impl Wrong {
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            help: None,
        }
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// As a problem of the value of `key`.
    pub fn at(self, span: Range<usize>, key: &str) -> Problem {
        let problem = Problem::new(span, format!("`{key}` {}", self.what));
        match self.help {
            Some(help) => problem.help(help),
            None => problem,
        }
    }
}

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3600);
pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// `30s`, `5m`, `1h 30m`, `14d`, `2y`, within bounds.
pub(super) fn duration(
    bounds: RangeInclusive<Duration>,
) -> impl Fn(&str) -> Result<Duration, Wrong> {
    move |text| {
        const HELP: &str = "write a number with its unit: \"30s\", \"5m\", \"1h 30m\", \"14d\"";
        let parsed = humantime::parse_duration(text);
        let span = parsed.map_err(|_| Wrong::new("is not a duration").help(HELP))?;
        if !bounds.contains(&span) {
            return Err(Wrong::new(format!(
                "is not between {} and {}",
                shown(*bounds.start()),
                shown(*bounds.end())
            )));
        }
        Ok(span)
    }
}

/// A duration as users write it: `1m 30s`.
pub(super) fn shown(span: Duration) -> String {
    humantime::format_duration(span).to_string()
}

/// `10%` as 0.1.
pub(super) fn percent(text: &str) -> Option<f64> {
    let number: f64 = text.strip_suffix('%')?.trim().parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number / 100.0)
}

/// The name of a service or probe: it becomes part of file names, message ids and URLs.
pub(super) fn name(text: &str) -> Result<String, Wrong> {
    const LONGEST: usize = 64;
    let of_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    if text.is_empty() {
        return Err(Wrong::new("is empty"));
    }
    if text.len() > LONGEST {
        return Err(Wrong::new(format!("is longer than {LONGEST} characters")));
    }
    let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if starts_well && text.chars().all(of_name) {
        return Ok(text.to_owned());
    }
    let wrong = Wrong::new(format!("{} is not a name", quoted(text)));
    let better: String = text
        .to_lowercase()
        .chars()
        .map(|c| if of_name(c) { c } else { '-' })
        .collect();
    let better = better.trim_matches(|c| "-_.".contains(c));
    Err(wrong.help(if better.is_empty() {
        "names are made of a-z, 0-9, `-`, `_` and `.`, and begin with a letter or digit".to_owned()
    } else {
        format!("names are made of a-z, 0-9, `-`, `_` and `.`: for instance `{better}`")
    }))
}

/// Free text for people.
pub(super) fn title(text: &str) -> Result<String, Wrong> {
    const LONGEST: usize = 120;
    match text.chars().count() {
        0 => Err(Wrong::new("is empty")),
        n if n > LONGEST => Err(Wrong::new(format!("is longer than {LONGEST} characters"))),
        _ => Ok(text.trim().to_owned()),
    }
}

/// An `http` or `https` URL in its canonical form, without user information.
pub(super) fn http_url(text: &str) -> Result<String, Wrong> {
    let url = Url::parse(text).map_err(|e| {
        Wrong::new(format!("is not a URL: {e}")).help("for instance \"https://api.example.com/v1\"")
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        let scheme = quoted(url.scheme());
        return Err(Wrong::new(format!(
            "has the scheme {scheme}; only `http` and `https` are probed"
        )));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Wrong::new("holds a user or password before the host")
            .help("give the key of a service as `key = { env = \"NAME\" }`"));
    }
    match url.host_str() {
        None | Some("") => Err(Wrong::new("has no host")),
        Some(_) => Ok(url.to_string()),
    }
}

/// A mail address.
pub(super) fn address(text: &str) -> Result<String, Wrong> {
    const HELP: &str = "for instance \"oncall@example.com\"";
    crate::notify::parse_address(text)
        .map_err(|reason| Wrong::new(format!("is not a mail address: {reason}")).help(HELP))
}

/// The name of a model as a provider writes it.
pub(super) fn model(text: &str) -> Result<String, Wrong> {
    const LONGEST: usize = 200;
    if text.is_empty() || text.len() > LONGEST || text.contains(['"', '\\']) {
        return Err(Wrong::new("is not the name of a model"));
    }
    Ok(text.to_owned())
}

/// The shape of an API that chat probes speak.
pub(super) fn api(text: &str) -> Result<String, Wrong> {
    if APIS.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(format!("{} is not known", quoted(text)))
        .help(format!("one of {}", listed(APIS.into_iter()))))
}

/// `2 USD/day`.
pub(super) fn budget(text: &str) -> Result<super::Budget, Wrong> {
    let wrong =
        || Wrong::new("is not a budget").help("for instance \"2 USD/day\" or \"40 USD/month\"");
    let (amount, rest) = text
        .trim()
        .split_once(char::is_whitespace)
        .ok_or_else(wrong)?;
    let (currency, per) = rest.trim().split_once('/').ok_or_else(wrong)?;
    let amount: f64 = amount.parse().map_err(|_| wrong())?;
    let days = match per.trim() {
        "day" => 1.0,
        "month" => 30.0,
        _ => return Err(wrong()),
    };
    if currency.trim() != "USD" {
        return Err(Wrong::new("is not in USD").help("prices are known in USD only"));
    }
    if !(0.01..=1_000_000.0).contains(&amount) {
        return Err(Wrong::new("is not between 0.01 and 1000000 USD"));
    }
    Ok(super::Budget {
        usd_per_day: amount / days,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_and_bounds() {
        let read = duration(SECOND..=DAY);
        assert_eq!(read("1h 30m"), Ok(Duration::from_secs(5400)));
        for bad in [
            "",
            "30",
            "-5s",
            "NaN",
            "1e308s",
            "99999999999999999999s",
            "0s",
            "25h",
            "999ms",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn urls_are_http_and_hold_no_password() {
        assert_eq!(
            http_url("HTTPS://Example.COM:443/v1"),
            Ok("https://example.com/v1".to_owned())
        );
        assert_eq!(
            http_url("http://2130706433/"),
            Ok("http://127.0.0.1/".to_owned())
        );
        for bad in [
            "file:///etc/passwd",
            "ftp://a/",
            "https://a:b@c/",
            "https://",
            "x",
            "https://a b/",
        ] {
            assert!(http_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_plain_and_a_better_one_is_offered() {
        assert_eq!(name("chat-stream_2.b"), Ok("chat-stream_2.b".to_owned()));
        let wrong = name("Chat Stream").unwrap_err().at(0..0, "name");
        assert!(wrong.help.unwrap().ends_with("`chat-stream`"));
        for bad in ["", "-a", ".", "é", "a/b", &"a".repeat(65)] {
            assert!(name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn money_is_counted_by_the_day() {
        assert_eq!(budget("2 USD/day").unwrap().usd_per_day, 2.0);
        assert_eq!(budget("60 USD/month").unwrap().usd_per_day, 2.0);
        for bad in ["2", "2 EUR/day", "-1 USD/day", "NaN USD/day", "2 USD/year"] {
            assert!(budget(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn percents_are_shares() {
        assert_eq!(percent("99.5%"), Some(0.995));
        assert_eq!(percent("10"), None);
        assert_eq!(percent("-1%"), None);
    }
}
