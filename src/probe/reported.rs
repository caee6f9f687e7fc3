//! Reads the error objects of providers, in all the shapes that they come in.
//!
//! Inside a 2xx only what cannot be anything else is an error; the body of a refusal is read more freely.

use serde_json::{Map, Value};

use super::reply::Reported;

impl Reported {
    /// The error object of a refusal's body: JSON, JSON within a one-element array, JSON in an event's `data:`, or the
    /// XML of a file store.
    ///
    /// `None` when the body is none of these or carries no error.
    pub(super) fn in_body(body: &[u8]) -> Option<Self> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let from = body.iter().position(|b| matches!(b, b'{' | b'[' | b'<'))?;
        let (lead, rest) = body.split_at(from);
        if rest.starts_with(b"<") {
            return Self::in_xml(rest);
        }
        let lead = lead.trim_ascii();
        if !(lead.is_empty() || lead.ends_with(b"data:")) {
            return None;
        }
        // Only the first value: an event stream goes on after it.
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
        let value = values.next()?.ok()?;
        Self::in_value(&value).or_else(|| Self::at_the_top(value.as_object()?))
    }

    /// The error that a parsed reply carries at its top, if any; also of a 2xx.
    pub(super) fn in_value(value: &Value) -> Option<Self> {
        let value = match value {
            Value::Array(items) if items.len() == 1 => items.first()?,
            other => other,
        };
        let object = value.as_object()?;
        match object.get("error") {
            Some(Value::Object(error)) if !error.is_empty() => Some(Self::of_object(error)),
            Some(Value::String(message)) if !message.is_empty() => Some(Self {
                message: message.clone(),
                ..Self::named(object)
            }),
            Some(Value::Bool(true)) => Some(Self {
                message: object.get("message").map(words).unwrap_or_default(),
                ..Self::default()
            }),
            _ => Self::with_a_mark(object),
        }
    }

    /// An `error` object. Some gateways wrap one into another.
    fn of_object(error: &Map<String, Value>) -> Self {
        if let (None, Some(Value::Object(inner))) = (error.get("message"), error.get("error")) {
            return Self {
                message: inner.get("message").map(words).unwrap_or_default(),
                ..Self::named(inner)
            };
        }
        Self {
            message: error.get("message").map(words).unwrap_or_default(),
            ..Self::named(error)
        }
    }

    /// Replies that say with a mark of their own that they are an error.
    fn with_a_mark(object: &Map<String, Value>) -> Option<Self> {
        if object.get("object").and_then(Value::as_str) == Some("error") {
            return Some(Self {
                message: object.get("message").map(words).unwrap_or_default(),
                ..Self::named(object)
            });
        }
        let code = object.get("error_code").filter(|code| is_set(code));
        if let (Some(code), Some(message)) = (code, object.get("error_msg")) {
            return Some(Self {
                code: word(code),
                kind: String::new(),
                message: words(message),
            });
        }
        let base = object.get("base_resp")?.as_object()?;
        let code = base.get("status_code").filter(|code| is_set(code))?;
        Some(Self {
            code: word(code),
            kind: String::new(),
            message: base.get("status_msg").map(words).unwrap_or_default(),
        })
    }

    /// What only a refusal is read for: FastAPI's `detail`, problem+json, a list of errors, a bare message.
    fn at_the_top(object: &Map<String, Value>) -> Option<Self> {
        let text = |key: &str| object.get(key).map(words).filter(|text| !text.is_empty());
        let listed = || match object.get("errors")?.as_array()?.first()? {
            Value::Object(first) => Some(Self::of_object(first)),
            Value::String(message) => Some(Self {
                message: message.clone(),
                ..Self::default()
            }),
            _ => None,
        };
        let message = match (text("title"), text("detail")) {
            (Some(title), Some(detail)) => Some(format!("{title}: {detail}")),
            (title, detail) => detail.or(title),
        };
        let message = [
            "message",
            "Message",
            "msg",
            "error_msg",
            "error_description",
        ]
        .iter()
        .find_map(|key| text(key))
        .or(message);
        match message {
            Some(message) => Some(Self {
                message,
                ..Self::named(object)
            }),
            None => listed(),
        }
    }

    /// Code and type of an object, under the names that they have.
    fn named(object: &Map<String, Value>) -> Self {
        let first = |keys: &[&str]| {
            keys.iter()
                .filter_map(|key| object.get(*key))
                .map(word)
                // An address as type (problem+json) is no word.
                .find(|word| !word.is_empty() && !word.contains('/') && word != "about:blank")
                .unwrap_or_default()
        };
        let kind = first(&["type", "status", "error_type", "__type"]);
        Self {
            code: first(&["code", "error_code"]),
            kind: kind.rsplit('#').next().unwrap_or_default().to_owned(),
            message: String::new(),
        }
    }

    /// `<Error><Code>..</Code><Message>..</Message></Error>` of S3, Azure and their like.
    fn in_xml(body: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(body);
        let error = between(&text, "<Error>", "</Error>")?;
        let tag = |open, close| between(error, open, close).unwrap_or_default().trim();
        Some(Self {
            code: tag("<Code>", "</Code>").to_ascii_lowercase(),
            kind: String::new(),
            message: tag("<Message>", "</Message>").to_owned(),
        })
    }

    /// One line for a reason: `overloaded_error: Overloaded`.
    pub(super) fn line(&self) -> String {
        let named = if self.code.is_empty() || self.code.bytes().all(|b| b.is_ascii_digit()) {
            &self.kind
        } else {
            &self.code
        };
        match (named.is_empty(), self.message.is_empty()) {
            (true, _) => self.message.clone(),
            (false, true) => named.clone(),
            (false, false) => format!("{named}: {}", self.message),
        }
    }
}

/// A code or type in lower case; empty for null, "None", "null" and what is no word.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) if !matches!(text.as_str(), "None" | "null") => {
            text.to_ascii_lowercase()
        }
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Not null, zero, or empty.
fn is_set(code: &Value) -> bool {
    !matches!(word(code).as_str(), "" | "0")
}

fn between<'t>(text: &'t str, open: &str, close: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(open)?;
    rest.split_once(close).map(|(inside, _)| inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Option<(String, String, String)> {
        Reported::in_body(body.as_bytes()).map(|r| (r.code, r.kind, r.message))
    }

    #[test]
    fn every_providers_error_object_is_understood() {
        let is = |body: &str, code: &str, kind: &str, message: &str| {
            let wanted = (code.to_owned(), kind.to_owned(), message.to_owned());
            assert_eq!(read(body), Some(wanted), "{body}");
        };
        is(
            r#"{"error":{"message":"m","type":"T","param":null,"code":"C"}}"#,
            "c",
            "t",
            "m",
        );
        is(
            r#"{"error":{"message":"m","type":null,"code":"500"}}"#,
            "500",
            "",
            "m",
        );
        is(
            r#"{"error":{"message":"m","type":"None","code":401}}"#,
            "401",
            "",
            "m",
        );
        is(
            r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#,
            "",
            "overloaded_error",
            "m",
        );
        is(
            r#"[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"m"}}]"#,
            "429",
            "resource_exhausted",
            "m",
        );
        is(
            "data: {\"error\":{\"message\":\"m\"}}\n\ndata: [DONE]\n\n",
            "",
            "",
            "m",
        );
        is(
            r#"{"error":"model not loaded"}"#,
            "",
            "",
            "model not loaded",
        );
        is(r#"{"detail":"Not Found"}"#, "", "", "Not Found");
        is(
            r#"{"detail":[{"loc":["body"],"msg":"Field required"}]}"#,
            "",
            "",
            r#"[{"loc":["body"],"msg":"Field required"}]"#,
        );
        is(r#"{"message":"m","code":"C","type":"T"}"#, "c", "t", "m");
        is(r#"{"code":1302,"msg":"m"}"#, "1302", "", "m");
        is(r#"{"code":7,"message":"m","details":[]}"#, "7", "", "m");
        is(
            r#"{"object":"error","message":"m","type":"NotFoundError","code":404}"#,
            "404",
            "notfounderror",
            "m",
        );
        is(
            r#"{"errors":[{"code":10000,"message":"m"}]}"#,
            "10000",
            "",
            "m",
        );
        is(r#"{"errors":["m"]}"#, "", "", "m");
        is(
            r#"{"type":"about:blank","title":"T","status":503,"detail":"d"}"#,
            "",
            "503",
            "T: d",
        );
        is(
            r#"{"__type":"com.amazon.coral#ThrottlingException","message":"m"}"#,
            "",
            "throttlingexception",
            "m",
        );
        is(
            r#"{"error":"m","error_type":"overloaded"}"#,
            "",
            "overloaded",
            "m",
        );
        is(
            r#"{"error":{"error":{"message":"m","code":402},"code":402}}"#,
            "402",
            "",
            "m",
        );
        is(r#"{"error_code":18,"error_msg":"m"}"#, "18", "", "m");
        is(
            r#"{"base_resp":{"status_code":1008,"status_msg":"m"}}"#,
            "1008",
            "",
            "m",
        );
        is(
            "\u{feff}<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>m</Message></Error>",
            "accessdenied",
            "",
            "m",
        );
        is(r#"{"error":true,"message":"m"}"#, "", "", "m");
    }

    #[test]
    fn what_is_no_error_is_none() {
        for body in [
            "",
            "ok",
            "<html>{\"error\":1}",
            "{}",
            r#"{"error":null}"#,
            r#"{"error":{}}"#,
            r#"{"error":""}"#,
            r#"{"error":false}"#,
            r#"{"error":0}"#,
            "[1]",
            "{\"error\"",
            "[[[[",
            "<Error>",
        ] {
            assert_eq!(read(body), None, "{body}");
        }
    }

    #[test]
    fn an_answer_is_not_taken_for_an_error() {
        for answer in [
            r#"{"message":"hello","code":7}"#,
            r#"{"detail":"d"}"#,
            r#"{"errors":["e"]}"#,
            r#"{"base_resp":{"status_code":0,"status_msg":"success"}}"#,
            r#"{"error_code":0,"error_msg":"ok"}"#,
            r#"{"choices":[],"error":null}"#,
        ] {
            let value = serde_json::from_str(answer).unwrap();
            assert_eq!(Reported::in_value(&value), None, "{answer}");
        }
    }

    #[test]
    fn json_nested_without_end_is_refused_and_not_followed() {
        let deep = "[".repeat(100_000);
        assert_eq!(Reported::in_body(deep.as_bytes()), None);
    }
}
