//! Reads the keys of a flow: the list `step`, and what all steps share.

use std::collections::{BTreeMap, HashSet};

use ::http::{HeaderMap, HeaderName};
use serde_json::Value;
use serde_json_path::JsonPath;
use toml::Spanned;
use toml::de::DeValue;
use url::{Origin, Url};

use super::capture::Capture;
use super::course::NONCE;
use super::submit::Submit;
use super::{Ask, Flow, Stage};
use crate::diagnostic::Problem;
use crate::probe::call::{self, At, Call, Shared, Source};
use crate::probe::expect::Expect;
use crate::probe::fields::{Fields, wanted};
use crate::probe::pattern::Pattern;
use crate::probe::target::{self, Auth, Headers};
use crate::probe::template::{Context, Values};
use crate::probe::{Check, Prepared, Surroundings, http};

/// One step is what `http` does; more than twenty are no probe but a test of the site.
const STEPS: std::ops::RangeInclusive<usize> = 2..=20;
/// Redirects that a step follows when it does not say: as many as a login takes.
const REDIRECTS: u8 = Prepared::MOST_REDIRECTS;
const STEP_KEYS: &[&str] = &[
    "name",
    "capture",
    "submit",
    "expect",
    "redirects",
    "finally",
];
const CAPTURES: &[&str] = &["text", "json", "header", "field", "cookie"];

/// Builds the check.
pub(super) fn build(
    table: &Spanned<DeValue<'_>>,
    around: &Surroundings<'_>,
) -> Result<Box<dyn Check>, Vec<Problem>> {
    let mut fields = Fields::of(table);
    let headers = target::headers(&mut fields, around, Auth::None);
    let mut origins = trust(&mut fields);
    let mut names = vec![NONCE.to_owned()];
    let mut steps: Vec<Stage> = Vec::new();
    let mut place = Place::First;
    for value in list(&mut fields) {
        let read = step(value, around, &headers, &mut names, &mut place);
        steps.extend(fields.take(read));
    }
    let problems = fields.problems();
    if !problems.is_empty() {
        return Err(problems);
    }
    for stage in &steps {
        if let Ask::Call(call) = &stage.ask {
            origins.extend(call.origin());
        }
    }
    let home = first(&steps)
        .map_err(|why| vec![Problem::new(table.span(), format!("the first step: {why}"))])?;
    Ok(Box::new(Flow {
        host: target::host(&home.prepared.url),
        steps,
        origins,
        home,
    }))
}

/// The first request of no run in particular.
fn first(steps: &[Stage]) -> Result<crate::probe::Request, String> {
    let Some((Ask::Call(call), shared)) = steps.first().map(|s| (&s.ask, &s.shared)) else {
        return Err("it needs an address".to_owned());
    };
    let named = BTreeMap::from([(NONCE.to_owned(), "00000000".to_owned())]);
    // An address of the file is whole; this one is only there to be joined to.
    let nowhere = Url::parse("http://localhost/").map_err(|fault| fault.to_string())?;
    let from = Source {
        values: Values {
            named: &named,
            document: &Value::Null,
        },
        headers: &HeaderMap::new(),
        page: None,
        home: &nowhere,
    };
    call.request(from, shared, 0)
}

/// Hosts beside those of the steps that forms may be sent to.
fn trust(fields: &mut Fields<'_, '_>) -> HashSet<Origin> {
    let Some(value) = fields.get("trust") else {
        return HashSet::new();
    };
    let Some(items) = value.get_ref().as_array() else {
        fields.fault(wanted("a list of addresses", value));
        return HashSet::new();
    };
    let mut origins = HashSet::new();
    for item in items.iter() {
        let url = item
            .get_ref()
            .as_str()
            .and_then(|text| Url::parse(text).ok());
        match url.filter(|url| matches!(url.scheme(), "http" | "https")) {
            Some(url) => {
                origins.insert(url.origin());
            }
            None => fields.fault(wanted(
                "an address such as \"https://login.example.com\"",
                item,
            )),
        }
    }
    origins
}

fn list<'t, 'v>(fields: &mut Fields<'t, 'v>) -> &'t [Spanned<DeValue<'v>>] {
    let help = "a [[probe.step]] each: an address, what is sent, what is expected";
    let Some(value) = fields.get("step") else {
        let fault = Problem::new(fields.span(""), "`step` is missing").help(help);
        fields.fault(fault);
        return &[];
    };
    let Some(items) = value.get_ref().as_array() else {
        fields.fault(wanted("a list of steps", value).help(help));
        return &[];
    };
    if !STEPS.contains(&items.len()) {
        let (least, most) = (STEPS.start(), STEPS.end());
        let fault = format!("{} steps, a flow has {least} to {most}", items.len());
        let help = "for a single request take kind = \"http\"";
        fields.fault(Problem::new(value.span(), fault).help(help));
        return &[];
    }
    items
}

/// Where a step stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    Within,
    /// After one that is always taken.
    AtEnd,
}

fn step(
    value: &Spanned<DeValue<'_>>,
    around: &Surroundings<'_>,
    headers: &Headers,
    names: &mut Vec<String>,
    place: &mut Place,
) -> Result<Stage, Vec<Problem>> {
    let mut fields = Fields::of(value);
    fields.only(&[call::KEYS, STEP_KEYS].concat());
    let context = Context {
        constants: &BTreeMap::new(),
        names,
        paths: false,
        secret: around.secret,
    };
    let ask = match fields.get("submit") {
        Some(value) => submit(&mut fields, value, &context).map(Ask::Submit),
        None => Call::read(&mut fields, &context, around).map(Ask::Call),
    };
    let is_fixed = |ask: &Ask| {
        matches!(
            ask,
            Ask::Call(Call {
                at: At::Fixed(_),
                ..
            })
        )
    };
    if *place == Place::First && ask.as_ref().is_some_and(|ask| !is_fixed(ask)) {
        let fault = "the address of the first step must stand in the file";
        fields.fault(Problem::new(value.span(), fault));
    }
    let finally = fields.truth("finally").unwrap_or(false);
    if finally && *place == Place::First {
        let fault = "the first step cannot be one that is always taken";
        fields.fault(Problem::new(fields.span("finally"), fault));
    }
    if !finally && *place == Place::AtEnd {
        let fault = Problem::new(
            value.span(),
            "a step after one with `finally` needs it, too",
        )
        .help("put the steps that are always taken at the end");
        fields.fault(fault);
    }
    *place = if finally { Place::AtEnd } else { Place::Within };
    let most = u64::from(Prepared::MOST_REDIRECTS);
    let redirects = fields.number("redirects", 0..most + 1);
    let expect = Expect::read(&mut fields, &[http::EXPECT_KEYS, Expect::COMMON].concat());
    let captures = captures(&mut fields, names);
    let name = match fields.get("name") {
        Some(_) => fields.required_text("name"),
        None => None,
    };
    let problems = fields.problems();
    match ask {
        Some(ask) if problems.is_empty() => Ok(Stage {
            name: name.map(str::to_owned),
            ask,
            shared: Shared {
                headers: headers.clone(),
                max_bytes: expect.max_bytes(),
            },
            redirects: redirects
                .and_then(|n| u8::try_from(n).ok())
                .unwrap_or(REDIRECTS),
            captures,
            expect,
            finally,
        }),
        _ => Err(problems),
    }
}

/// `submit = { form = "#login", fields = { .. } }`
fn submit(
    fields: &mut Fields<'_, '_>,
    value: &Spanned<DeValue<'_>>,
    context: &Context<'_>,
) -> Option<Submit> {
    for key in call::KEYS {
        if fields.get(key).is_some() {
            let fault = format!("`submit` and `{key}` exclude each other");
            let fault = Problem::new(fields.span(key), fault)
                .help("address and method are those of the form");
            fields.fault(fault);
        }
    }
    let mut inner = Fields::of(value);
    inner.only(&["form", "fields"]);
    let form = match inner.get("form").map(|form| form.get_ref()) {
        None => None,
        Some(DeValue::Integer(_)) => inner.number("form", 1..101).map(|n| n.to_string()),
        Some(_) => inner.required_text("form").map(str::to_owned),
    };
    let filled = call::pairs(&mut inner, "fields", context);
    fields.take::<()>(Err(inner.problems()));
    Some(Submit {
        form,
        fields: filled,
    })
}

/// `capture = { csrf = { field = "csrf_token" } }`; the names are known from the next step on.
fn captures(fields: &mut Fields<'_, '_>, names: &mut Vec<String>) -> Vec<(String, Capture)> {
    let Some(value) = fields.get("capture") else {
        return Vec::new();
    };
    let table = Fields::of(value);
    let mut captures = Vec::new();
    for (name, value) in table.entries() {
        let of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name == NONCE
            || !name.chars().all(of_name)
            || name.starts_with(|c: char| c.is_ascii_digit())
        {
            let fault = format!("`{}` is no name for a value", name.escape_debug());
            fields.fault(Problem::new(value.span(), fault).help("letters, digits and `_`"));
            continue;
        }
        // Known even when it has a fault: one fault is told once.
        names.push(name.to_owned());
        captures.extend(fields.take(capture(value)).map(|c| (name.to_owned(), c)));
    }
    fields.take::<()>(Err(table.problems()));
    captures
}

fn capture(value: &Spanned<DeValue<'_>>) -> Result<Capture, Vec<Problem>> {
    let mut fields = Fields::of(value);
    fields.only(CAPTURES);
    let given: Vec<&str> = CAPTURES
        .iter()
        .filter(|key| fields.get(key).is_some())
        .copied()
        .collect();
    let [key] = given[..] else {
        if value.get_ref().as_table().is_some() {
            let fault = Problem::new(value.span(), "a value is captured from one place")
                .help(format!("one of {}", CAPTURES.join(", ")));
            fields.fault(fault);
        }
        return Err(fields.problems());
    };
    let text = fields.required_text(key).unwrap_or_default();
    let span = fields.span(key);
    let fault = |what: &str| Problem::new(span.clone(), what);
    let made = match key {
        "text" => match Pattern::compile(text) {
            Ok(pattern) if pattern.groups() == 1 => Ok(Capture::Text(pattern)),
            Ok(_) => Err(fault("the expression needs exactly one group")
                .help("put what is wanted in ( ), other groups in (?: )")),
            Err(why) => {
                let why = why.to_string();
                let why = why.lines().last().unwrap_or_default();
                let why = why.trim_start_matches("error: ");
                Err(fault(&format!("no regular expression: {why}")))
            }
        },
        "json" => JsonPath::parse(text)
            .map(Capture::Json)
            .map_err(|why| fault(&format!("`{text}` is no JSON path")).help(why.to_string())),
        "header" => HeaderName::from_bytes(text.as_bytes())
            .map(Capture::Header)
            .map_err(|_| fault("no header name")),
        "field" => Ok(Capture::Field(text.to_owned())),
        _ => Ok(Capture::Cookie(text.to_owned())),
    };
    let made = made.map_err(|problem| fields.fault(problem));
    let problems = fields.problems();
    match made {
        Ok(capture) if problems.is_empty() => Ok(capture),
        _ => Err(problems),
    }
}
