//! Our request is wrong: probes.toml asks for something that this service or model does not take.

use super::source::{
    ANTHROPIC, AZURE, BEDROCK, DEEPSEEK, GEMINI, KIMI, LITELLM, LLAMA, NGINX, OPENAI, RFC_9110,
};
use super::{ANY, Example, Group, Row, When, html, json, ours, reply, text, theirs};
use crate::model::FailureKind as Kind;

const READ_IT: &str = "Read what the reply says, and correct the probe.";

pub(super) const GROUP: Group = Group {
    title: "Our request is wrong",
    about: "The service is up and cannot do what it was asked. Only the probe's definition can help.",
    rows: &[
        Row {
            when: When {
                status: &[200..=499],
                words: &[
                    "context_length_exceeded",
                    "exceed_context_size_error",
                    "string_above_max_length",
                    "request_too_large",
                    "contextwindowexceedederror",
                ],
                says: &[
                    "maximum context length",
                    "exceeds the available context size",
                    "prompt is too long",
                    "exceeded model token limit",
                    "context window",
                ],
                ..ANY
            },
            outcome: ours(Kind::BadRequest),
            means: "The prompt is longer than the model, or the server's memory for it, takes.",
            act: "Shorten `prompt`, or give the server more context.",
            sources: &[OPENAI, LLAMA, ANTHROPIC, KIMI],
            examples: &[
                json(
                    400,
                    r#"{"error":{"message":"This model's maximum context length is 8192 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
                ),
                json(
                    400,
                    r#"{"error":{"code":400,"message":"request (9031 tokens) exceeds the available context size (1024 tokens), try increasing it","type":"exceed_context_size_error","n_ctx":1024}}"#,
                ),
                json(
                    413,
                    r#"{"error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}"#,
                ),
                json(
                    400,
                    r#"{"error":{"message":"Invalid request: Your request exceeded model token limit: 262144","type":"invalid_request_error"}}"#,
                ),
            ],
        },
        Row {
            when: When {
                status: &[200..=499],
                words: &[
                    "unsupported_parameter",
                    "unsupported_value",
                    "integer_below_min_value",
                    "integer_above_max_value",
                ],
                says: &[
                    "unsupported parameter",
                    "max_completion_tokens' instead",
                    "max_tokens' is not supported",
                    "expected a value >= 16",
                ],
                ..ANY
            },
            outcome: ours(Kind::BadRequest),
            means: "A field of the request is not what this model takes; most often `max_tokens` in place of `max_completion_tokens`, or a value below the minimum.",
            act: "Set `max_tokens_field` or `max_tokens` of the probe.",
            sources: &[OPENAI, AZURE],
            examples: &[
                json(
                    400,
                    r#"{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}"#,
                ),
                json(
                    400,
                    r#"{"error":{"message":"Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 1 instead.","type":"invalid_request_error","param":"max_output_tokens","code":"integer_below_min_value"}}"#,
                ),
            ],
        },
        Row {
            when: When {
                status: &[200..=299],
                words: &[
                    "invalid_request_error",
                    "invalid_prompt",
                    "invalid_argument",
                    "failed_precondition",
                    "invalid_value",
                    "badrequesterror",
                    "validationexception",
                ],
                ..ANY
            },
            outcome: ours(Kind::BadRequest),
            means: "An error inside a 200 says that the request is wrong.",
            act: READ_IT,
            sources: &[OPENAI, GEMINI],
            examples: &[
                Example::Inside(r#"{"error":{"type":"invalid_request_error","message":"m"}}"#),
                Example::Inside(r#"{"error":{"code":"invalid_prompt","message":"m"}}"#),
            ],
        },
        Row {
            when: When {
                status: &[400..=400],
                words: &[
                    "server_error",
                    "internal_error",
                    "internal_server_error",
                    "timeout_error",
                ],
                ..ANY
            },
            outcome: theirs(Kind::ServerError),
            means: "A gateway passes on a failure of the provider as a 400.",
            act: "Look at the provider behind the gateway.",
            sources: &[LITELLM],
            examples: &[json(
                400,
                r#"{"error":{"message":"m","type":"server_error","param":null,"code":null}}"#,
            )],
        },
        Row {
            when: When {
                status: &[400..=400],
                page: &[
                    "the plain http request was sent to https port",
                    "speaking plain http to an ssl-enabled server port",
                ],
                ..ANY
            },
            outcome: ours(Kind::BadRequest),
            means: "Plain HTTP was spoken to a port that wants TLS.",
            act: "Write `https://` in the probe's address.",
            sources: &[NGINX],
            examples: &[html(
                400,
                "<title>400 The plain HTTP request was sent to HTTPS port</title><center>nginx</center>",
            )],
        },
        Row {
            when: When {
                status: &[400..=400],
                page: &[
                    "no required ssl certificate was sent",
                    "the ssl certificate error",
                ],
                ..ANY
            },
            outcome: ours(Kind::Auth),
            means: "The service wants a client certificate, and got none or one that it does not trust.",
            act: "Give the probe a `client_cert` that the service knows.",
            sources: &[NGINX],
            examples: &[
                html(
                    400,
                    "<title>400 No required SSL certificate was sent</title>",
                ),
                html(400, "<title>400 The SSL certificate error</title>"),
            ],
        },
        Row {
            when: When {
                status: &[400..=400],
                ..ANY
            },
            outcome: ours(Kind::BadRequest),
            means: "400 Bad Request, with or without `invalid_request_error`, `INVALID_ARGUMENT` or `ValidationException`.",
            act: READ_IT,
            sources: &[OPENAI, GEMINI, BEDROCK, DEEPSEEK],
            examples: &[
                json(
                    400,
                    r#"{"error":{"message":"m","type":"invalid_request_error","param":null,"code":null}}"#,
                ),
                json(
                    400,
                    r#"{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"m"}}"#,
                ),
                json(
                    400,
                    r#"{"error":{"message":"Invalid JSON payload: unexpected end of data","type":"invalid_request_error","param":"request_body","code":"400"}}"#,
                ),
                text(400, ""),
            ],
        },
        Row {
            when: When {
                status: &[413..=413],
                ..ANY
            },
            outcome: ours(Kind::BadRequest),
            means: "413: the request is larger than the service, or the proxy before it, takes.",
            act: "Shorten the prompt or the body.",
            sources: &[ANTHROPIC, RFC_9110],
            examples: &[
                text(413, ""),
                json(413, r#"{"detail":"Request Entity Too Large"}"#),
            ],
        },
        Row {
            when: When {
                status: &[405..=405],
                ..ANY
            },
            outcome: ours(Kind::BadRequest),
            means: "405: the address exists and takes another method.",
            act: "Check `method`, and that the address is the API's and not a page's.",
            sources: &[RFC_9110],
            examples: &[
                json(405, r#"{"detail":"Method Not Allowed"}"#),
                text(405, ""),
            ],
        },
        Row {
            when: When {
                status: &[415..=415],
                ..ANY
            },
            outcome: ours(Kind::BadRequest),
            means: "415: the service does not take this kind of body.",
            act: "Set the header `content-type` to what the service takes, mostly application/json.",
            sources: &[RFC_9110],
            examples: &[json(
                415,
                r#"{"error":{"message":"Unsupported Media Type","type":"invalid_request_error"}}"#,
            )],
        },
        Row {
            when: When {
                status: &[422..=422],
                ..ANY
            },
            outcome: ours(Kind::BadRequest),
            means: "422: the request is well-formed, and a field of it is missing or wrong.",
            act: READ_IT,
            sources: &[DEEPSEEK, RFC_9110],
            examples: &[json(
                422,
                r#"{"detail":[{"loc":["body","messages"],"msg":"Field required","type":"missing"}]}"#,
            )],
        },
        Row {
            when: When {
                status: &[
                    406..=406,
                    411..=412,
                    414..=414,
                    416..=417,
                    426..=426,
                    428..=428,
                    431..=431,
                ],
                ..ANY
            },
            outcome: ours(Kind::BadRequest),
            means: "Headers or address of the request are not what the service takes.",
            act: READ_IT,
            sources: &[RFC_9110],
            examples: &[
                reply(406, &[], ""),
                reply(414, &[], ""),
                reply(417, &[], ""),
                reply(431, &[], ""),
            ],
        },
    ],
};
