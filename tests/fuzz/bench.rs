//! The probes that the targets judge with: of every kind at least one.

use std::sync::LazyLock;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use watchfire::model::Secret;
use watchfire::probe::{Check, KINDS, Surroundings};

/// Kind and keys.
const PROBES: &[(&str, &str)] = &[
    ("http", "url = 'http://a.example/'"),
    (
        "http",
        "url = 'http://a.example/'\n[expect]\nstatus = [200]\ntext = 'ok'\njson = { '$.a' = 1, '$..b[?@.c > 1].d' = { exists = true } }",
    ),
    ("chat", "model = 'm'\nstream = false"),
    (
        "chat",
        "model = 'm'\nstream = false\nprompt = 'x'\nexpect = { text = 'pong' }",
    ),
    ("chat", "model = 'm'\nstream = false\napi = 'responses'"),
    ("chat", "model = 'm'\nstream = false\napi = 'anthropic'"),
    ("chat", "model = 'm'\nstream = false\napi = 'gemini'"),
    ("image", "model = 'm'"),
    ("image", "model = 'm'\nresponse_format = 'url'"),
    (
        "count",
        "url = 'http://a.example/'\nvalue = { json = '$.n' }",
    ),
    (
        "count",
        "url = 'http://a.example/'\nvalue = { text = '([0-9]+) reports' }",
    ),
    ("models", "models = ['m', 'gone']"),
    ("models", "api = 'anthropic'"),
    ("models", "api = 'gemini'"),
    ("status_page", "url = 'https://status.example/'"),
    ("job", "form = 'openai-video'\nmodel = 'm'"),
    (
        "flow",
        "[[step]]\npath = '/in'\ncapture = { csrf = { field = 'csrf' } }\n[[step]]\nsubmit = { form = '#in', fields = { user = 'u' } }\nexpect = { status = 303 }\n[[step]]\npath = '/out'\nfinally = true",
    ),
    ("web", "url = 'http://a.example/'"),
];

/// Those that stream.
const STREAMS: &[(&str, &str)] = &[
    ("chat", "model = 'm'\nfirst_token_within = '1s'"),
    ("chat", "model = 'm'\napi = 'responses'"),
    ("chat", "model = 'm'\napi = 'anthropic'"),
    ("chat", "model = 'm'\napi = 'gemini'"),
];

/// Kind and check.
pub type Bench = Vec<(&'static str, Box<dyn Check>)>;

pub static CHECKS: LazyLock<Bench> = LazyLock::new(|| built(PROBES));
pub static STREAMED: LazyLock<Bench> = LazyLock::new(|| built(STREAMS));

fn built(probes: &[(&'static str, &str)]) -> Bench {
    let build = |(name, keys): &(&'static str, &str)| {
        let kind = KINDS.iter().find(|kind| kind.name == *name)?;
        let table = DeTable::parse(keys).expect(keys);
        let table = Spanned::new(table.span(), DeValue::Table(table.into_inner()));
        let key = Secret::new("a key".to_owned());
        let around = Surroundings {
            service: "fuzz",
            base_url: Some("https://a.example/v1"),
            api: None,
            probes: &[],
            models: &[],
            key: Some(&key),
            secret: &|_| Ok(Some(Secret::new("a secret".to_owned()))),
        };
        let check = (kind.build)(&table, &around);
        let check = check.unwrap_or_else(|problems| panic!("{name} {keys}: {problems:?}"));
        Some((kind.name, check))
    };
    probes.iter().filter_map(build).collect()
}

#[test]
fn a_probe_of_every_kind_is_fed() {
    for kind in KINDS {
        assert!(
            CHECKS.iter().any(|(fed, _)| *fed == kind.name),
            "a probe of kind `{}` is missing in PROBES",
            kind.name
        );
    }
}
