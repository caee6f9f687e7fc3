//! The service, or the gateway before it, has more to do than it can: theirs, whatever status it wears.

use super::source::{
    ANTHROPIC, AZURE, BEDROCK, DEEPSEEK, GEMINI, GROQ, KIMI, LITELLM, LITELLM_DOCS, LLAMA, MISTRAL,
    OLLAMA, OPENAI, OPENROUTER, TGI, TOGETHER, ZHIPU,
};
use super::{ANY, Example, Group, Row, When, json, reply, theirs};
use crate::model::FailureKind as Kind;

const WAIT: &str = "Wait; move to another model, region or provider if it lasts.";

pub(super) const GROUP: Group = Group {
    title: "Overload of the service",
    about: "The service has more to do than it can. It counts as the provider's failure, also when it comes as a 429 or inside a stream that began with 200.",
    rows: &[
        Row {
            when: When {
                words: &["overloaded_error"],
                ..ANY
            },
            outcome: theirs(Kind::Overloaded),
            means: "Anthropic is overloaded for all its customers; it says so as HTTP 529, or as an error event after a 200.",
            act: WAIT,
            sources: &[ANTHROPIC],
            examples: &[
                json(
                    529,
                    r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
                ),
                json(
                    429,
                    r#"{"error":{"type":"overloaded_error","message":"Overloaded"}}"#,
                ),
                json(
                    500,
                    r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
                ),
                Example::Inside(
                    r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
                ),
            ],
        },
        Row {
            when: When {
                words: &[
                    "server_is_overloaded",
                    "server_overloaded",
                    "engine_overloaded",
                    "engine_overloaded_error",
                    "model_overloaded",
                    "overloaded",
                    "provider_overloaded",
                ],
                says: &[
                    "engine is currently overloaded",
                    "server is currently overloaded",
                    "currently overloaded with other requests",
                    "model is overloaded",
                    "server overloaded",
                    "servers are currently overloaded",
                ],
                ..ANY
            },
            outcome: theirs(Kind::Overloaded),
            means: "The provider says in its own words that its servers are overloaded.",
            act: WAIT,
            sources: &[OPENAI, KIMI, TOGETHER, TGI],
            examples: &[
                json(
                    503,
                    r#"{"error":{"message":"m","type":"service_unavailable_error","param":null,"code":"server_is_overloaded"}}"#,
                ),
                json(
                    503,
                    r#"{"error":{"message":"m","type":null,"code":"server_overloaded"}}"#,
                ),
                json(
                    429,
                    r#"{"error":{"message":"The engine is currently overloaded, please try again later","type":"server_error","param":null,"code":null}}"#,
                ),
                json(
                    429,
                    r#"{"error":{"message":"The engine is currently overloaded, please try again later","type":"engine_overloaded_error"}}"#,
                ),
                json(
                    429,
                    r#"{"error":"Model is overloaded","error_type":"overloaded"}"#,
                ),
                json(
                    503,
                    r#"{"error":"Server overloaded, please retry shortly (ref: aaa)"}"#,
                ),
                Example::Inside(
                    r#"{"error":{"message":"That model is currently overloaded with other requests.","type":"server_error","code":null}}"#,
                ),
            ],
        },
        Row {
            when: When {
                status: &[400..=599],
                words: &["modelnotreadyexception", "model_not_ready"],
                says: &[
                    "loading model",
                    "is currently loading",
                    "model is loading",
                    "still loading",
                    "model is not ready",
                    "maximum pending requests exceeded",
                    "server busy",
                ],
                ..ANY
            },
            outcome: theirs(Kind::Overloaded),
            means: "The model is still being loaded, or the server's queue is full (llama-server, Ollama, Hugging Face, Bedrock).",
            act: "Wait for it to load. If it is your own server: more memory, replicas or a longer queue.",
            sources: &[LLAMA, OLLAMA, BEDROCK],
            examples: &[
                json(
                    503,
                    r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#,
                ),
                json(
                    503,
                    r#"{"error":"Model bigscience/bloom is currently loading","estimated_time":20.0}"#,
                ),
                json(
                    503,
                    r#"{"error":"server busy, please try again.  maximum pending requests exceeded"}"#,
                ),
                reply(
                    429,
                    &[
                        ("x-amzn-errortype", "ModelNotReadyException:http://x"),
                        ("content-type", "application/json"),
                    ],
                    r#"{"message":"m"}"#,
                ),
            ],
        },
        Row {
            when: When {
                status: &[503..=503],
                words: &[
                    "unavailable",
                    "unavailable_error",
                    "slow_down",
                    "service_unavailable",
                ],
                ..ANY
            },
            outcome: theirs(Kind::Overloaded),
            means: "503 UNAVAILABLE at Gemini (`The model is overloaded`), or a 503 that asks to slow down.",
            act: WAIT,
            sources: &[GEMINI, OPENAI],
            examples: &[
                json(
                    503,
                    r#"{"error":{"code":503,"status":"UNAVAILABLE","message":"This model is currently experiencing high demand."}}"#,
                ),
                json(503, r#"[{"error":{"code":503,"status":"UNAVAILABLE"}}]"#),
                json(
                    503,
                    r#"{"error":{"message":"Slow down","type":null,"code":"slow_down"}}"#,
                ),
            ],
        },
        Row {
            when: When {
                words: &[
                    "capacity_exceeded",
                    "over_capacity",
                    "service_tier_capacity_exceeded",
                ],
                says: &[
                    "over capacity",
                    "at capacity",
                    "tier capacity exceeded",
                    "flex tier capacity",
                ],
                ..ANY
            },
            outcome: theirs(Kind::Overloaded),
            means: "The provider has no capacity for this model or this service tier (Groq also as 498, Mistral as 429).",
            act: WAIT,
            sources: &[GROQ, MISTRAL],
            examples: &[
                json(
                    498,
                    r#"{"error":{"message":"Flex tier capacity exceeded","type":"capacity_exceeded","code":"capacity_exceeded"}}"#,
                ),
                json(
                    503,
                    r#"{"error":{"message":"m is currently over capacity. Please try again and back off exponentially.","type":"internal_server_error"}}"#,
                ),
                json(
                    429,
                    r#"{"object":"error","message":"Service tier capacity exceeded for this model.","type":"invalid_request_error","param":null,"code":null}"#,
                ),
            ],
        },
        Row {
            when: When {
                status: &[200..=299, 429..=429, 500..=599],
                says: &[
                    "experiencing high demand",
                    "service is too busy",
                    "exceptionally high demand",
                    "high traffic",
                    "访问量过大",
                ],
                ..ANY
            },
            outcome: theirs(Kind::Overloaded),
            means: "More is asked of the service than it can serve at the moment (Azure, DeepSeek, Zhipu and others), not by us alone.",
            act: WAIT,
            sources: &[AZURE, DEEPSEEK, ZHIPU],
            examples: &[
                json(
                    429,
                    r#"{"error":{"code":"429","message":"The system is currently experiencing high demand and cannot process your request."}}"#,
                ),
                json(
                    503,
                    r#"{"error":{"message":"Service is too busy. We advise users to temporarily switch to alternative providers.","type":"service_unavailable_error"}}"#,
                ),
                json(
                    429,
                    "{\"error\":{\"code\":\"1305\",\"message\":\"该模型当前访问量过大,请您稍后再试\"}}",
                ),
            ],
        },
        Row {
            when: When {
                says: &[
                    "no deployments available",
                    "no healthy deployment available",
                ],
                status: &[400..=599],
                ..ANY
            },
            outcome: theirs(Kind::Overloaded),
            means: "LiteLLM has taken every deployment of the model out of service for a while, after failures behind it.",
            act: "Look at the gateway's log for what fails behind it.",
            sources: &[LITELLM_DOCS],
            examples: &[json(
                429,
                r#"{"error":{"message":"No deployments available for selected model, Try again in 5 seconds. Passed model=m","type":"None","code":"429"}}"#,
            )],
        },
        Row {
            when: When {
                status: &[200..=299, 400..=599],
                says: &[
                    "temporarily rate-limited upstream",
                    "no available model provider",
                    "provider is overloaded",
                ],
                ..ANY
            },
            outcome: theirs(Kind::Overloaded),
            means: "OpenRouter: the provider behind it is at its limit, for all who come that way.",
            act: "Allow more providers for the model, or wait.",
            sources: &[OPENROUTER],
            examples: &[
                json(
                    429,
                    r#"{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"m is temporarily rate-limited upstream. Please retry shortly."}}}"#,
                ),
                json(
                    503,
                    r#"{"error":{"message":"There is no available model provider that meets your routing requirements","code":503}}"#,
                ),
            ],
        },
        Row {
            when: When {
                words: &[
                    "serviceunavailableexception",
                    "modelstreamerrorexception",
                    "servicetemporarilyunavailable",
                ],
                ..ANY
            },
            outcome: theirs(Kind::Overloaded),
            means: "The cloud's model service is unavailable for the moment.",
            act: WAIT,
            sources: &[BEDROCK],
            examples: &[reply(
                503,
                &[
                    ("x-amzn-errortype", "ServiceUnavailableException"),
                    ("content-type", "application/json"),
                ],
                r#"{"message":"m"}"#,
            )],
        },
        Row {
            when: When {
                status: &[529..=529],
                ..ANY
            },
            outcome: theirs(Kind::Overloaded),
            means: "HTTP 529: overloaded, also when a gateway has dropped the words.",
            act: WAIT,
            sources: &[ANTHROPIC, LITELLM],
            examples: &[
                reply(529, &[], ""),
                json(
                    529,
                    r#"{"error":{"message":"litellm.APIError: APIError: OpenAIException - Overloaded.","type":null,"param":null,"code":"529"}}"#,
                ),
            ],
        },
    ],
};
