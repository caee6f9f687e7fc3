//! Chat in four shapes of API (OpenAI's chat completions and Responses, Anthropic's Messages, Google's generateContent),
//! and the list of models in OpenAI's.
//!
//! watchfire's own questions are answered right, a ping with a pong; everything else is echoed.

mod anthropic;
mod gemini;
mod openai;
mod responses;

use std::time::Duration;

use http::header::RETRY_AFTER;
use serde_json::{Value, json};

use super::answer::{Answer, Form, Offer};
use super::provider::Fate;
use crate::model::Question;
use crate::model::scenario::FailureMode;

/// Names in the list of models; any other name is answered as well, like a gateway that maps them.
const MODELS: &[&str] = &["gpt-4o-mini", "gpt-4o", "gpt-image-1", "dall-e-2", "sora-2"];
/// Characters of the question that come back in the answer.
const ECHOED: usize = 200;
/// Characters in a piece of a stream: short, so that even "pong" comes in two.
const PIECE: usize = 3;
/// Share of the latency that passes between two pieces of a stream.
const GAP: f64 = 0.05;
/// Pieces that come before an error in a stream.
const BEFORE_ERROR: usize = 2;

/// A shape of API, by the path that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape<'p> {
    OpenAi,
    Responses,
    Anthropic,
    Gemini { model: &'p str, stream: bool },
}

/// How a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Finished,
    Error,
}

/// What was said, and all that the documents of a conversation repeat.
#[derive(Debug, Clone)]
struct Talk {
    mark: u64,
    created: i64,
    model: String,
    asked: usize,
    pieces: Vec<String>,
    /// Whether the answer ended by itself.
    complete: bool,
    /// Whether a stream of chat completions tells the usage.
    tells_usage: bool,
    gap: Duration,
}

impl<'p> Shape<'p> {
    /// The shape that is spoken at a path; `None` where none is.
    pub(super) fn of(path: &'p str) -> Option<Self> {
        match path {
            "/v1/chat/completions" => Some(Shape::OpenAi),
            "/v1/responses" => Some(Shape::Responses),
            "/v1/messages" => Some(Shape::Anthropic),
            _ => gemini::target(path).map(|(model, stream)| Shape::Gemini { model, stream }),
        }
    }

    /// A refusal of what the client sent, in the words of the shape.
    pub(super) fn refused(self, status: u16, code: Option<&str>, message: &str) -> Answer {
        let kind = match status {
            401 => "authentication_error",
            _ => "invalid_request_error",
        };
        match self {
            Shape::OpenAi | Shape::Responses => {
                Answer::error(status, "invalid_request_error", code, message)
            }
            Shape::Anthropic => Answer::json(status, &anthropic::error(kind, message)),
            Shape::Gemini { .. } => {
                let word = if status == 401 {
                    "UNAUTHENTICATED"
                } else {
                    "INVALID_ARGUMENT"
                };
                Answer::json(status, &gemini::error(status, word, message))
            }
        }
    }

    fn question(self, request: &Value) -> Option<(String, Option<u64>)> {
        match self {
            Shape::OpenAi => openai::question(request),
            Shape::Responses => responses::question(request),
            Shape::Anthropic => anthropic::question(request),
            Shape::Gemini { .. } => gemini::question(request),
        }
    }

    fn answer(self, talk: &Talk, stream: bool, events: bool) -> Answer {
        match self {
            Shape::OpenAi if stream => openai::stream(talk, End::Finished),
            Shape::OpenAi => openai::document(talk),
            Shape::Responses if stream => responses::stream(talk, End::Finished),
            Shape::Responses => responses::document(talk),
            Shape::Anthropic if stream => anthropic::stream(talk, End::Finished),
            Shape::Anthropic => anthropic::document(talk),
            Shape::Gemini { .. } if stream => gemini::stream(talk, End::Finished, events),
            Shape::Gemini { .. } => gemini::document(talk),
        }
    }

    /// Status 200, and an error in the place of the answer or in the middle of it.
    fn error_inside(self, talk: &Talk, stream: bool, events: bool) -> Answer {
        let mut begun = talk.clone();
        begun.pieces.truncate(BEFORE_ERROR);
        match self {
            Shape::OpenAi if stream => openai::stream(&begun, End::Error),
            Shape::OpenAi => Answer::json(200, &openai::error()),
            Shape::Responses if stream => responses::stream(&begun, End::Error),
            Shape::Responses => responses::failed(talk),
            Shape::Anthropic if stream => anthropic::stream(&begun, End::Error),
            Shape::Anthropic => {
                Answer::json(200, &anthropic::error("overloaded_error", "Overloaded"))
            }
            Shape::Gemini { .. } if stream => gemini::stream(&begun, End::Error, events),
            // Google's gateways put it into a list.
            Shape::Gemini { .. } => {
                let error = gemini::error(
                    503,
                    "UNAVAILABLE",
                    "The model is overloaded. Please try again later.",
                );
                Answer::json(200, &json!([error]))
            }
        }
    }

    /// A refusal by the provider; `None` where the words are OpenAI's.
    fn refusal(self, mode: FailureMode) -> Option<Answer> {
        let (status, error) = match self {
            Shape::OpenAi | Shape::Responses => return None,
            Shape::Anthropic => anthropic::refusal(mode),
            Shape::Gemini { .. } => gemini::refusal(mode),
        };
        let answer = Answer::json(status, &error);
        Some(match mode {
            FailureMode::RateLimit => answer.with(RETRY_AFTER, "20"),
            _ => answer,
        })
    }
}

/// A question to a model. Errs with the refusal of a request that is wrong.
pub(super) fn conversation(
    shape: Shape<'_>,
    body: &[u8],
    query: &str,
    fate: &Fate,
) -> Result<Offer, Box<Answer>> {
    let refused = |message: &str| Box::new(shape.refused(400, None, message));
    let request: Value = serde_json::from_slice(body)
        .map_err(|_| refused("The body of the request is not valid JSON."))?;
    let (model, stream) = match shape {
        Shape::Gemini { model, stream } => (model, stream),
        _ => {
            let Some(model) = request["model"].as_str() else {
                return Err(match shape {
                    Shape::OpenAi => wrong("You must provide a model parameter.", Some("model")),
                    _ => refused("You must provide a model parameter."),
                });
            };
            (model, request["stream"].as_bool().unwrap_or(false))
        }
    };
    let Some((question, most)) = shape.question(&request) else {
        return Err(match shape {
            Shape::OpenAi => wrong("Missing required parameter: 'messages'.", Some("messages")),
            _ => refused("The question or a required parameter is missing."),
        });
    };
    let mut pieces = pieces(&reply(&question));
    let most = most
        .and_then(|n| usize::try_from(n).ok())
        .unwrap_or(usize::MAX);
    let complete = pieces.len() <= most;
    pieces.truncate(most);
    let talk = Talk {
        mark: fate.mark,
        created: fate.at.as_micros().div_euclid(1_000_000),
        model: model.to_owned(),
        asked: question.split_whitespace().count() + 7,
        pieces,
        complete,
        tells_usage: request["stream_options"]["include_usage"]
            .as_bool()
            .unwrap_or(false),
        gap: fate.latency.mul_f64(GAP),
    };
    let events = query.split('&').any(|pair| pair == "alt=sse");
    let empty = shape.answer(&talk.without_text(), stream, events);
    let own = match fate.failure {
        Some(FailureMode::ErrorInside) => Some(shape.error_inside(&talk, stream, events)),
        Some(
            mode @ (FailureMode::ServerError
            | FailureMode::Unavailable
            | FailureMode::Overloaded
            | FailureMode::RateLimit),
        ) => shape.refusal(mode),
        _ => None,
    };
    Ok(Offer {
        form: if own.is_some() {
            Form::Settled
        } else {
            Form::Json
        },
        whole: own.unwrap_or_else(|| shape.answer(&talk, stream, events)),
        empty,
    })
}

/// `GET /v1/models`.
pub(super) fn models(created: i64) -> Offer {
    let model = |id: &&str| json!({ "id": id, "object": "model", "created": created, "owned_by": "system" });
    let list = |models: &[&str]| {
        let data: Vec<Value> = models.iter().map(model).collect();
        Answer::json(200, &json!({ "object": "list", "data": data }))
    };
    Offer {
        form: Form::Json,
        whole: list(MODELS),
        empty: list(&[]),
    }
}

/// A request refused as wrong.
pub(super) fn wrong(message: &str, param: Option<&str>) -> Box<Answer> {
    let kind = "invalid_request_error";
    let error = json!({ "message": message, "type": kind, "param": param, "code": null });
    Box::new(Answer::json(400, &json!({ "error": error })))
}

impl Talk {
    fn text(&self) -> String {
        self.pieces.concat()
    }

    /// The same conversation with nothing said.
    fn without_text(&self) -> Self {
        Self {
            pieces: Vec::new(),
            complete: true,
            ..self.clone()
        }
    }
}

/// A text, or the text of all parts; `None` for what is neither.
fn text_of(content: &Value) -> Option<String> {
    if let Some(text) = content.as_str() {
        return Some(text.to_owned());
    }
    let parts = content.as_array()?;
    Some(parts.iter().filter_map(|p| p["text"].as_str()).collect())
}

fn reply(question: &str) -> String {
    if let Some(known) = Question::asked_in(question) {
        return known.answer();
    }
    if question.to_lowercase().contains("ping") {
        return "pong".to_owned();
    }
    let said: String = question.trim().chars().take(ECHOED).collect();
    format!("You said: {said}")
}

fn pieces(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let size = if chars.len() > PIECE { PIECE } else { 1 };
    chars.chunks(size).map(|c| c.iter().collect()).collect()
}
