//! What the four shapes of API say, in pieces that a test puts together.
//!
//! `HEAD` and `TAIL` stand for the two halves of the right answer to whatever was asked.

use serde_json::{Value, json};

/// A shape of API, by its name in `api = ".."`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    OpenAi,
    Responses,
    Anthropic,
    Gemini,
}

/// Why the model stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    Done,
    Length,
    Filter,
    Refusal,
}

pub const HEAD: &str = "<<head>>";
pub const TAIL: &str = "<<tail>>";

use Api::{Anthropic, Gemini, OpenAi, Responses};

impl Api {
    pub const ALL: [Api; 4] = [OpenAi, Responses, Anthropic, Gemini];

    pub fn name(self) -> &'static str {
        match self {
            OpenAi => "openai",
            Responses => "responses",
            Anthropic => "anthropic",
            Gemini => "gemini",
        }
    }

    fn event(self, document: &Value) -> String {
        match (self, document["type"].as_str()) {
            (Responses | Anthropic, Some(kind)) => format!("event: {kind}\ndata: {document}\n\n"),
            (Gemini, _) => format!("data: {document}\r\n\r\n"),
            _ => format!("data: {document}\n\n"),
        }
    }

    /// What comes before the first token.
    pub fn begin(self) -> String {
        match self {
            OpenAi => self.event(&json!({ "choices": [{ "index": 0, "delta": { "role": "assistant", "content": "" }, "finish_reason": null }] })),
            Responses => {
                let begun = json!({ "status": "in_progress", "error": null, "output": [], "usage": null });
                self.event(&json!({ "type": "response.created", "response": begun }))
                    + &self.event(&json!({ "type": "response.output_item.added", "item": { "type": "message", "content": [] } }))
                    + &self.event(&json!({ "type": "response.content_part.added", "part": { "type": "output_text", "text": "" } }))
            }
            Anthropic => {
                let usage = json!({ "input_tokens": 5, "cache_read_input_tokens": 2, "output_tokens": 1 });
                let message = json!({ "type": "message", "content": [], "stop_reason": null, "usage": usage });
                self.event(&json!({ "type": "message_start", "message": message }))
                    + &self.event(&json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }))
            }
            Gemini => String::new(),
        }
    }

    /// A piece of the answer.
    pub fn say(self, text: &str) -> String {
        self.event(&match self {
            OpenAi => json!({ "choices": [{ "index": 0, "delta": { "content": text }, "finish_reason": null }] }),
            Responses => json!({ "type": "response.output_text.delta", "delta": text }),
            Anthropic => json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": text } }),
            Gemini => json!({ "candidates": [{ "content": { "role": "model", "parts": [{ "text": text }] } }] }),
        })
    }

    /// A piece of reasoning that speaks of the answer.
    pub fn think(self) -> String {
        let text = format!("It may be {HEAD}{TAIL}.");
        self.event(&match self {
            OpenAi => json!({ "choices": [{ "delta": { "content": null, "reasoning_content": text } }] }),
            Responses => json!({ "type": "response.reasoning_summary_text.delta", "delta": text }),
            Anthropic => json!({ "type": "content_block_delta", "delta": { "type": "thinking_delta", "thinking": text } }),
            Gemini => json!({ "candidates": [{ "content": { "parts": [{ "text": text, "thought": true }] } }] }),
        })
    }

    /// What keeps a connection alive and says nothing.
    pub fn quiet(self) -> String {
        let comment = ": PROCESSING\n\n".to_owned();
        comment + &match self {
            OpenAi => {
                self.event(&json!({ "choices": [] }))
                    + &self.event(&json!({ "choices": [{ "delta": {} }] }))
            }
            Responses => self.event(
                &json!({ "type": "response.in_progress", "response": { "status": "in_progress" } }),
            ),
            Anthropic => self.event(&json!({ "type": "ping" })),
            Gemini => self.event(&json!({ "usageMetadata": { "promptTokenCount": 7 } })),
        }
    }

    /// A refusal in the model's own words; empty where the shape has none.
    pub fn refuse(self) -> String {
        match self {
            OpenAi => self
                .event(&json!({ "choices": [{ "delta": { "refusal": "I'm sorry, I cannot." } }] })),
            Responses => self.event(
                &json!({ "type": "response.refusal.delta", "delta": "I'm sorry, I cannot." }),
            ),
            Anthropic | Gemini => String::new(),
        }
    }

    /// The end, with the usage: 7 tokens in, 2 of them cached, 3 out.
    pub fn end(self, stop: Stop) -> String {
        let word = self.word(stop);
        match self {
            OpenAi => {
                self.event(&json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": word }] }))
                    + &self.event(&json!({ "choices": [], "usage": openai_usage() }))
                    + "data: [DONE]\n\n"
            }
            Responses => {
                let status = if stop == Stop::Done || stop == Stop::Refusal { "completed" } else { "incomplete" };
                let document = self.response(status, word, json!([]));
                self.event(&json!({ "type": format!("response.{status}"), "response": document }))
            }
            Anthropic => {
                let usage = json!({ "output_tokens": 3 });
                self.event(&json!({ "type": "content_block_stop", "index": 0 }))
                    + &self.event(&json!({ "type": "message_delta", "delta": { "stop_reason": word }, "usage": usage }))
                    + &self.event(&json!({ "type": "message_stop" }))
            }
            Gemini => self.event(&json!({ "candidates": [{ "content": {}, "finishReason": word }], "usageMetadata": gemini_usage() })),
        }
    }

    fn word(self, stop: Stop) -> &'static str {
        match (self, stop) {
            (OpenAi, Stop::Done | Stop::Refusal) => "stop",
            (OpenAi, Stop::Length) => "length",
            (OpenAi | Responses, Stop::Filter) => "content_filter",
            (Responses, Stop::Length) => "max_output_tokens",
            (Responses, _) => "",
            (Anthropic, Stop::Done) => "end_turn",
            (Anthropic, Stop::Length) => "max_tokens",
            (Anthropic, _) => "refusal",
            (Gemini, Stop::Done) => "STOP",
            (Gemini, Stop::Length) => "MAX_TOKENS",
            (Gemini, _) => "SAFETY",
        }
    }

    /// A whole answer with the same usage.
    pub fn whole(self, text: &str, stop: Stop) -> String {
        let word = self.word(stop);
        let refuses = stop == Stop::Refusal;
        let document = match self {
            OpenAi => {
                let (content, refusal) = if refuses {
                    (Value::Null, json!("I cannot."))
                } else {
                    (json!(text), Value::Null)
                };
                let message =
                    json!({ "role": "assistant", "content": content, "refusal": refusal });
                json!({ "choices": [{ "index": 0, "message": message, "finish_reason": word }], "usage": openai_usage() })
            }
            Responses => {
                let part = match refuses {
                    true => json!({ "type": "refusal", "refusal": "I cannot." }),
                    false => json!({ "type": "output_text", "text": text }),
                };
                let output = json!([{ "type": "reasoning", "summary": [] }, { "type": "message", "content": [part] }]);
                let status = if stop == Stop::Done || refuses {
                    "completed"
                } else {
                    "incomplete"
                };
                self.response(status, word, output)
            }
            Anthropic => {
                let usage =
                    json!({ "input_tokens": 5, "cache_read_input_tokens": 2, "output_tokens": 3 });
                json!({ "type": "message", "content": [{ "type": "text", "text": text }], "stop_reason": word, "usage": usage })
            }
            Gemini => {
                let content = json!({ "parts": [{ "text": text }], "role": "model" });
                json!({ "candidates": [{ "content": content, "finishReason": word }], "usageMetadata": gemini_usage() })
            }
        };
        document.to_string()
    }

    fn response(self, status: &str, reason: &str, output: Value) -> Value {
        let details = if status == "incomplete" {
            json!({ "reason": reason })
        } else {
            Value::Null
        };
        json!({
            "object": "response", "status": status, "error": null, "incomplete_details": details, "output": output,
            "usage": { "input_tokens": 7, "input_tokens_details": { "cached_tokens": 2 }, "output_tokens": 3 },
        })
    }

    /// Overloaded: as an event of a stream.
    pub fn error_event(self) -> String {
        match self {
            Responses => {
                let error = json!({ "code": "server_error", "message": "Overloaded" });
                self.event(&json!({ "type": "response.failed", "response": { "status": "failed", "error": error } }))
            }
            _ => self.event(&serde_json::from_str(&self.overloaded().1).unwrap()),
        }
    }

    /// Overloaded: status and body of a refusal.
    pub fn overloaded(self) -> (&'static str, String) {
        let (status, body) = match self {
            OpenAi | Responses => {
                let error = json!({ "message": "Overloaded", "type": "service_unavailable_error", "code": "server_is_overloaded" });
                ("503 Service Unavailable", json!({ "error": error }))
            }
            Anthropic => {
                let error = json!({ "type": "overloaded_error", "message": "Overloaded" });
                ("529 unknown", json!({ "type": "error", "error": error }))
            }
            Gemini => {
                let error =
                    json!({ "code": 503, "message": "Overloaded", "status": "UNAVAILABLE" });
                ("503 Service Unavailable", json!({ "error": error }))
            }
        };
        (status, body.to_string())
    }

    /// An error in a 200, as a whole document.
    pub fn error_inside(self) -> String {
        match self {
            Responses => {
                let error = json!({ "code": "server_error", "message": "Overloaded" });
                json!({ "object": "response", "status": "failed", "error": error, "output": [] })
                    .to_string()
            }
            Gemini => format!("[{}]", self.overloaded().1),
            _ => self.overloaded().1,
        }
    }
}

fn openai_usage() -> Value {
    json!({ "prompt_tokens": 7, "prompt_tokens_details": { "cached_tokens": 2 }, "completion_tokens": 3, "total_tokens": 10 })
}

fn gemini_usage() -> Value {
    json!({ "promptTokenCount": 7, "cachedContentTokenCount": 2, "candidatesTokenCount": 2, "thoughtsTokenCount": 1 })
}
