//! Reads the error objects of providers, in all the shapes that they come in.

use serde_json::Value;

use super::reply::Reported;

impl Reported {
    /// The error object of a refusal's body: JSON, JSON within a one-element array, or JSON in an event's `data:`.
    ///
    /// `None` when the body is none of these or carries no error.
    pub(super) fn in_body(body: &[u8]) -> Option<Self> {
        let from = body.iter().position(|b| matches!(b, b'{' | b'['))?;
        let lead = body[..from].trim_ascii();
        if !(lead.is_empty() || lead.ends_with(b"data:")) {
            return None;
        }
        // Only the first value: an event stream goes on after it.
        let mut values = serde_json::Deserializer::from_slice(&body[from..]).into_iter::<Value>();
        let value = values.next()?.ok()?;
        Self::in_value(&value).or_else(|| {
            // FastAPI's own errors. Only a refusal is read here: an answer may have a `detail` too.
            let message = words(value.get("detail")?);
            Some(Self {
                message,
                ..Self::default()
            })
        })
    }

    /// The error that a parsed reply carries at its top, if any.
    pub(super) fn in_value(value: &Value) -> Option<Self> {
        let value = match value {
            Value::Array(items) if items.len() == 1 => items.first()?,
            other => other,
        };
        let object = value.as_object()?;
        match object.get("error") {
            Some(Value::Object(error)) if !error.is_empty() => {
                let word = |key: &str| error.get(key).map(word).unwrap_or_default();
                let kind = word("type");
                Some(Self {
                    code: word("code"),
                    kind: if kind.is_empty() {
                        word("status")
                    } else {
                        kind
                    },
                    message: error.get("message").map(words).unwrap_or_default(),
                })
            }
            Some(Value::String(message)) if !message.is_empty() => Some(Self {
                code: object.get("code").map(word).unwrap_or_default(),
                kind: object.get("type").map(word).unwrap_or_default(),
                message: message.clone(),
            }),
            Some(Value::Bool(true)) => Some(Self {
                message: object.get("message").map(words).unwrap_or_default(),
                ..Self::default()
            }),
            _ => None,
        }
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
        ] {
            assert_eq!(read(body), None, "{body}");
        }
    }

    #[test]
    fn json_nested_without_end_is_refused_and_not_followed() {
        let deep = "[".repeat(100_000);
        assert_eq!(Reported::in_body(deep.as_bytes()), None);
    }
}
