//! The service itself fails, in words of its own.

use super::source::{ANTHROPIC, BEDROCK, GEMINI, LITELLM, OPENAI, OPENROUTER, RFC_9110};
use super::{ANY, Example, Group, Row, When, html, json, reply, text, theirs};
use crate::model::FailureKind as Kind;

const WAIT: &str = "Look at the provider's status page; have the request id ready for its support.";

const MAINTENANCE: &[&str] = &[
    "under maintenance",
    "down for maintenance",
    "scheduled maintenance",
    "maintenance mode",
];

pub(super) const GROUP: Group = Group {
    title: "The service fails",
    about: "An error that the provider calls its own. It counts towards an outage.",
    rows: &[
        Row {
            when: When {
                status: &[200..=299],
                words: &[
                    "server_error",
                    "internal_error",
                    "internal_server_error",
                    "api_error",
                    "timeout_error",
                    "internal",
                    "deadline_exceeded",
                    "vector_store_timeout",
                ],
                ..ANY
            },
            outcome: theirs(Kind::ServerError),
            means: "An error of the provider inside a 200 or a stream that began with 200.",
            act: WAIT,
            sources: &[OPENAI, ANTHROPIC],
            examples: &[
                Example::Inside(
                    r#"{"error":{"message":"The server had an error while processing your request.","type":"server_error","code":null}}"#,
                ),
                Example::Inside(
                    r#"{"type":"error","error":{"type":"api_error","message":"Internal server error"}}"#,
                ),
                Example::Inside(
                    r#"{"type":"error","error":{"type":"timeout_error","message":"m"}}"#,
                ),
            ],
        },
        Row {
            when: When {
                status: &[424..=424],
                ..ANY
            },
            outcome: theirs(Kind::ServerError),
            means: "Something that the service depends on failed (Bedrock: the model itself).",
            act: WAIT,
            sources: &[BEDROCK],
            examples: &[reply(
                424,
                &[
                    ("x-amzn-errortype", "ModelErrorException"),
                    ("content-type", "application/json"),
                ],
                r#"{"message":"m"}"#,
            )],
        },
        Row {
            when: When {
                status: &[408..=408],
                ..ANY
            },
            outcome: theirs(Kind::ServerError),
            means: "The service, or a gateway before it, gave up waiting for what is behind it.",
            act: "If it is a gateway of yours: its log says who did not answer.",
            sources: &[LITELLM, BEDROCK, OPENROUTER],
            examples: &[
                json(
                    408,
                    r#"{"error":{"message":"litellm.Timeout: This is a mock timeout error","type":null,"param":null,"code":"408"}}"#,
                ),
                reply(
                    408,
                    &[
                        ("x-amzn-errortype", "ModelTimeoutException"),
                        ("content-type", "application/json"),
                    ],
                    r#"{"message":"m"}"#,
                ),
            ],
        },
        Row {
            when: When {
                status: &[504..=504],
                words: &["timeout_error", "deadline_exceeded"],
                ..ANY
            },
            outcome: theirs(Kind::ServerError),
            means: "The provider did not finish the answer in the time that it allows itself.",
            act: WAIT,
            sources: &[ANTHROPIC, GEMINI],
            examples: &[
                json(
                    504,
                    r#"{"type":"error","error":{"type":"timeout_error","message":"m"}}"#,
                ),
                json(
                    504,
                    r#"{"error":{"code":504,"status":"DEADLINE_EXCEEDED","message":"m"}}"#,
                ),
            ],
        },
        Row {
            when: When {
                status: &[500..=503],
                says: MAINTENANCE,
                ..ANY
            },
            outcome: theirs(Kind::Maintenance),
            means: "The service says in its error that it is being worked on.",
            act: "If it was announced, wait for its end; users meet it all the same.",
            sources: &[RFC_9110],
            examples: &[
                json(503, r#"{"message":"The API is down for maintenance."}"#),
                text(503, "Service under maintenance"),
            ],
        },
        Row {
            when: When {
                status: &[500..=503],
                page: MAINTENANCE,
                ..ANY
            },
            outcome: theirs(Kind::Maintenance),
            means: "A page says that the service is being worked on.",
            act: "If it was announced, wait for its end; users meet it all the same.",
            sources: &[RFC_9110],
            examples: &[html(503, "<title>Down for maintenance</title>")],
        },
    ],
};
