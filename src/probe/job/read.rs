//! Reads the keys of a job, those of its ready-made `form` included.

use std::collections::BTreeMap;
use std::time::Duration;

use http::HeaderName;
use serde_json::Value;
use serde_json_path::JsonPath;
use toml::Spanned;
use toml::de::DeValue;

use super::forms;
use super::media;
use super::{Id, Job};
use crate::diagnostic::Problem;
use crate::probe::call::{self, At, Call, Shared, Source};
use crate::probe::expect::Expect;
use crate::probe::fields::{Fields, wanted};
use crate::probe::target;
use crate::probe::template::{Context, Values};
use crate::probe::{Check, Surroundings};

const PROMPT: &str = "a red ball rolls over a white floor";
/// Default of `poll.every`.
const EVERY: Duration = Duration::from_secs(5);
const EVERY_RANGE: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(600);
const EXPECT_KEYS: &[&str] = &["media", "min_bytes", "json", "text", "not_text"];
/// Default of `max_bytes`: some seconds of film.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Builds the check.
pub(super) fn build(
    table: &Spanned<DeValue<'_>>,
    around: &Surroundings<'_>,
) -> Result<Box<dyn Check>, Vec<Problem>> {
    let table = forms::completed(table)?;
    let mut fields = Fields::of(&table);
    let model = fields.text("model");
    let prompt = match fields.get("prompt") {
        Some(_) => fields.required_text("prompt").unwrap_or_default(),
        None => PROMPT,
    };
    let mut constants = BTreeMap::from([("prompt".to_owned(), prompt.to_owned())]);
    if let Some(model) = model {
        constants.insert("model".to_owned(), model.to_owned());
    }
    let at_first = ["nonce".to_owned()];
    let later = ["nonce".to_owned(), "id".to_owned()];
    let context = |names, paths| Context {
        constants: &constants,
        names,
        paths,
        secret: around.secret,
    };
    let create = request(
        &mut fields,
        "create",
        &[],
        &context(&at_first, false),
        around,
    );
    let poll = request(
        &mut fields,
        "poll",
        &["every", "header"],
        &context(&later, true),
        around,
    );
    let every = every(&mut fields);
    let mut further = |key| {
        request(
            &mut fields,
            key,
            &["header"],
            &context(&later, true),
            around,
        )
    };
    let (fetch, cancel, delete) = (further("fetch"), further("cancel"), further("delete"));
    for key in ["create", "poll"] {
        if fields.get(key).is_none() {
            let fault = Problem::new(fields.span(key), format!("`{key}` is missing"))
                .help("write it, or take a ready-made `form`");
            fields.fault(fault);
        }
    }
    if let Some(Call { at, .. }) = &create
        && !matches!(at, At::Fixed(_))
    {
        let fault = "the address of `create` must stand in the file";
        fields.fault(Problem::new(fields.span("create"), fault));
    }
    let id = id(&mut fields);
    let state = path(&mut fields, "state", true);
    let (error, filtered) = (
        path(&mut fields, "error", false),
        path(&mut fields, "filtered", false),
    );
    let done = words(&mut fields, "done");
    let failed = words(&mut fields, "failed");
    if done.is_empty() {
        let fault = Problem::new(fields.span("done"), "`done` names no state")
            .help("such as done = [\"completed\"]");
        fields.fault(fault);
    }
    let headers = target::headers(&mut fields, around, target::default_auth(around.key));
    let expect = Expect::read(&mut fields, &[EXPECT_KEYS, Expect::COMMON].concat());
    let media = media(&mut fields);
    let delete = delete.map(|call| clearing(call, http::Method::DELETE));
    let cancel = cancel.map(|call| clearing(call, http::Method::POST));
    let problems = fields.problems();
    let (Some(create), Some(poll), Some(id), Some(state), true) =
        (create, poll, id, state, problems.is_empty())
    else {
        return Err(problems);
    };
    let shared = Shared {
        headers,
        max_bytes: expect.max_bytes.unwrap_or(MAX_BYTES),
    };
    let home = first(&create, &shared)
        .map_err(|why| vec![Problem::new(table.span(), format!("`create`: {why}"))])?;
    Ok(Box::new(Job {
        host: target::host(&home.prepared.url),
        create,
        id,
        poll,
        every,
        state,
        done,
        failed,
        error,
        filtered,
        fetch,
        cancel,
        delete,
        expect,
        media,
        shared,
        home,
        model: model.unwrap_or_default().to_owned(),
    }))
}

/// The first request of no run in particular.
fn first(create: &Call, shared: &Shared) -> Result<crate::probe::Request, String> {
    let named = super::numbered(0);
    // An address of the file is whole; this one is only there to be joined to.
    let nowhere = url::Url::parse("http://localhost/").map_err(|fault| fault.to_string())?;
    let from = Source {
        values: Values {
            named: &named,
            document: &Value::Null,
        },
        headers: &http::HeaderMap::new(),
        page: None,
        home: &nowhere,
    };
    create.request(from, shared, 0)
}

fn request(
    fields: &mut Fields<'_, '_>,
    key: &str,
    more: &[&str],
    context: &Context<'_>,
    around: &Surroundings<'_>,
) -> Option<Call> {
    let value = fields.get(key)?;
    let mut inner = Fields::of(value);
    inner.only(&[call::KEYS, more].concat());
    let call = match value.get_ref().as_table() {
        Some(_) => Call::read(&mut inner, context, around),
        None => None,
    };
    let problems = inner.problems();
    if problems.is_empty() {
        return call;
    }
    fields.take::<()>(Err(problems));
    None
}

/// What clears away is a GET for nobody: the method follows from what it is for.
fn clearing(mut call: Call, usual: http::Method) -> Call {
    if call.method == http::Method::GET {
        call.method = usual;
    }
    call
}

fn every(fields: &mut Fields<'_, '_>) -> Duration {
    let Some(value) = fields.get("poll") else {
        return EVERY;
    };
    let mut poll = Fields::of(value);
    if value.get_ref().as_table().is_none() {
        return EVERY;
    }
    let every = poll.duration("every");
    if let Some(span) = every.filter(|span| !EVERY_RANGE.contains(span)) {
        let shown = humantime::format_duration(span);
        let fault = format!("`every` is {shown}, not between 100ms and 10m");
        poll.fault(Problem::new(poll.span("every"), fault));
    }
    fields.take::<()>(Err(poll.problems()));
    every.unwrap_or(EVERY)
}

/// `"$.path"` or `{ header = "name" }`; a job whose address comes whole needs none.
fn id(fields: &mut Fields<'_, '_>) -> Option<Id> {
    let Some(value) = fields.get("id") else {
        return JsonPath::parse("$.id").ok().map(Id::Path);
    };
    if value.get_ref().as_table().is_none() {
        return path(fields, "id", true).map(Id::Path);
    }
    let mut inner = Fields::of(value);
    inner.only(&["header"]);
    let name = inner.required_text("header");
    let header = name.and_then(|name| match HeaderName::from_bytes(name.as_bytes()) {
        Ok(header) => Some(Id::Header(header)),
        Err(_) => {
            inner.fault(Problem::new(inner.span("header"), "no header name"));
            None
        }
    });
    fields.take::<()>(Err(inner.problems()));
    header
}

fn path(fields: &mut Fields<'_, '_>, key: &str, needed: bool) -> Option<JsonPath> {
    if fields.get(key).is_none() && !needed {
        return None;
    }
    let text = fields.required_text(key)?;
    match JsonPath::parse(text) {
        Ok(path) => Some(path),
        Err(fault) => {
            let fault = Problem::new(fields.span(key), format!("`{text}` is no JSON path"))
                .help(format!("as \"$.status\": {fault}"));
            fields.fault(fault);
            None
        }
    }
}

/// A list of words.
fn words(fields: &mut Fields<'_, '_>, key: &str) -> Vec<String> {
    let Some(value) = fields.get(key) else {
        return Vec::new();
    };
    let Some(items) = value.get_ref().as_array() else {
        fields.fault(wanted("a list of texts", value));
        return Vec::new();
    };
    let mut words = Vec::new();
    for item in items.iter() {
        match item.get_ref().as_str() {
            Some(word) => words.push(word.to_owned()),
            None => fields.fault(wanted("a text", item)),
        }
    }
    words
}

/// `expect.media`.
fn media(fields: &mut Fields<'_, '_>) -> Option<&'static str> {
    let value = fields.get("expect")?;
    // A table that is none is told of by `Expect`.
    value.get_ref().as_table()?;
    let mut expect = Fields::of(value);
    let name = expect.text("media");
    let known = name.and_then(media::known);
    if known.is_none() && name.is_some() {
        let fault = Problem::new(
            expect.span("media"),
            "no media that can be told by its bytes",
        )
        .help(format!("one of {}", media::listed()));
        expect.fault(fault);
    }
    fields.take::<()>(Err(expect.problems()));
    known
}
