//! The probes that the targets judge with.

use std::sync::LazyLock;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use watchfire::model::Secret;
use watchfire::probe::{Check, KINDS, Surroundings};

/// A key that must never be in a verdict: the targets are not told it, and no reply has it.
const KEY: &str = "sk-canary-0123456789";

/// Kind and keys of every probe that judges an answer.
const PROBES: &[(&str, &str)] = &[
    ("http", "url = 'http://a.example/'"),
    (
        "http",
        "url = 'http://a.example/'\nexpect = { status = [200], text = 'ok', json = { '$.a' = 1, '$..b[?@.c > 1].d' = { exists = true } } }",
    ),
    ("chat", "model = 'm'\nstream = false"),
    (
        "chat",
        "model = 'm'\nstream = false\nexpect = { text = 'pong' }\nprompt = 'x'",
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
];

/// Those that stream.
const STREAMS: &[(&str, &str)] = &[
    ("chat", "model = 'm'\nfirst_token_within = '1s'"),
    ("chat", "model = 'm'\napi = 'responses'"),
    ("chat", "model = 'm'\napi = 'anthropic'"),
    ("chat", "model = 'm'\napi = 'gemini'"),
];

pub static CHECKS: LazyLock<Vec<Box<dyn Check>>> = LazyLock::new(|| {
    PROBES
        .iter()
        .map(|(kind, keys)| build(kind, keys))
        .collect()
});

pub static STREAMED: LazyLock<Vec<Box<dyn Check>>> = LazyLock::new(|| {
    STREAMS
        .iter()
        .map(|(kind, keys)| build(kind, keys))
        .collect()
});

fn build(kind: &str, keys: &str) -> Box<dyn Check> {
    let key = Secret::new(KEY.to_owned());
    let table = DeTable::parse(keys).expect(keys);
    let table = Spanned::new(table.span(), DeValue::Table(table.into_inner()));
    let found = KINDS.iter().find(|k| k.name == kind).expect(kind);
    let built = (found.build)(
        &table,
        &Surroundings {
            service: "fuzz",
            base_url: Some("https://a.example/v1"),
            api: None,
            probes: &[],
            models: &[],
            key: Some(&key),
            secret: &|_| Ok(Some(Secret::new(KEY.to_owned()))),
        },
    );
    built.unwrap_or_else(|problems| panic!("{kind} {keys}: {problems:?}"))
}
