//! We ask more often, or for more at once, than our plan allows.

use super::source::{
    AZURE, BEDROCK, CLOUDFLARE_1XXX, DASHSCOPE, GROQ, KIMI, LITELLM, MISTRAL, OPENAI, RFC_6585,
};
use super::{ANY, Example, Group, Row, When, json, ours, reply, text};
use crate::model::FailureKind as Kind;

const SLOWER: &str =
    "Probe less often, give the probes a key of their own, or ask for a higher limit.";

pub(super) const GROUP: Group = Group {
    title: "Our own rate",
    about: "The account asks faster than its plan allows, the probes among it. The service is up.",
    rows: &[
        Row {
            when: When {
                status: &[429..=429],
                says: &["error code: 1015"],
                ..ANY
            },
            outcome: ours(Kind::RateLimited),
            means: "Cloudflare's rate limit for this machine's address (1015).",
            act: SLOWER,
            sources: &[CLOUDFLARE_1XXX],
            examples: &[text(429, "error code: 1015")],
        },
        Row {
            when: When {
                status: &[200..=499],
                words: &[
                    "rate_limit_exceeded",
                    "rate_limit_error",
                    "slow_down",
                    "requests",
                    "tokens",
                ],
                says: &[
                    "rate limit reached for",
                    "tokens per min",
                    "requests per min",
                    "slow down",
                ],
                ..ANY
            },
            outcome: ours(Kind::RateLimited),
            means: "The limit on requests or tokens a minute or day is met, or the rate rose too steeply (`slow_down`). A single request that asks for more tokens than the limit counts too (Groq: 413).",
            act: SLOWER,
            sources: &[OPENAI, GROQ, LITELLM],
            examples: &[
                json(
                    429,
                    r#"{"error":{"message":"Rate limit reached for gpt-4o-mini in organization o on requests per min (RPM): Limit 3","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#,
                ),
                json(
                    429,
                    r#"{"error":{"message":"Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 30601.","type":"tokens","code":null}}"#,
                ),
                json(
                    429,
                    r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your organization's rate limit."}}"#,
                ),
                json(
                    429,
                    r#"{"error":{"message":"m","type":null,"code":"slow_down"}}"#,
                ),
                json(
                    413,
                    r#"{"error":{"message":"Request too large for model m on tokens per minute (TPM): Limit 6000","type":"tokens","code":"rate_limit_exceeded"}}"#,
                ),
                json(
                    429,
                    r#"{"error":{"message":"litellm.RateLimitError: RateLimitError: OpenAIException - Rate limit reached for gpt-4o-mini.","type":"throttling_error","param":null,"code":"429"}}"#,
                ),
                Example::Inside(r#"{"error":{"message":"m","code":"rate_limit_exceeded"}}"#),
            ],
        },
        Row {
            when: When {
                status: &[200..=499],
                says: &[
                    "exceeded token rate limit",
                    "exceeded the token rate limit",
                    "exceeded call rate limit",
                    "exceeded the call rate limit",
                ],
                words: &["ratelimitreached", "toomanyrequests"],
                ..ANY
            },
            outcome: ours(Kind::RateLimited),
            means: "Azure: the deployment's share of tokens or calls a minute is used up.",
            act: "Raise the deployment's tokens per minute, or probe less often.",
            sources: &[AZURE],
            examples: &[
                json(
                    429,
                    r#"{"error":{"code":"429","message":"Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-05-01 have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 60 seconds."}}"#,
                ),
                json(
                    429,
                    r#"{"error":{"code":"RateLimitReached","message":"m"}}"#,
                ),
            ],
        },
        Row {
            when: When {
                status: &[200..=499],
                words: &[
                    "concurrency_limit_exceeded",
                    "too_many_concurrent_requests",
                    "max_parallel_request_limit_reached",
                ],
                says: &[
                    "concurrency limit",
                    "concurrent requests",
                    "too many concurrent",
                    "parallel request limit",
                    "max organization concurrency",
                ],
                ..ANY
            },
            outcome: ours(Kind::RateLimited),
            means: "More requests at the same time than the account may have.",
            act: "Lower `per_host` in [limits], or ask for a higher limit.",
            sources: &[KIMI, LITELLM],
            examples: &[
                json(
                    429,
                    r#"{"error":{"message":"Number of concurrent requests has exceeded your limit.","type":null,"code":null}}"#,
                ),
                json(
                    429,
                    r#"{"error":{"message":"Max parallel request limit reached. Hit limit for api_key: x","type":"None","code":"429"}}"#,
                ),
            ],
        },
        Row {
            when: When {
                status: &[200..=499],
                words: &[
                    "rate_limited",
                    "rate_limit_reached_error",
                    "too_many_requests",
                    "throttling_error",
                    "throttlingexception",
                    "throttling",
                    "throttling.ratequota",
                    "throttling.allocationquota",
                    "throttling.burstrate",
                    "toomanyrequestsexception",
                    "model_rate_limit",
                    "dynamic_request_limited",
                ],
                says: &[
                    "rate limit exceeded",
                    "too many requests",
                    "too many tokens",
                    "qps request limit reached",
                ],
                ..ANY
            },
            outcome: ours(Kind::RateLimited),
            means: "Asked too often, in the words of other providers (Mistral, Kimi, Bedrock, Alibaba, Gemini, LiteLLM and more).",
            act: SLOWER,
            sources: &[MISTRAL, KIMI, BEDROCK, DASHSCOPE, LITELLM],
            examples: &[
                json(
                    429,
                    r#"{"object":"error","message":"Rate limit exceeded","type":"rate_limited","param":null,"code":"1300","raw_status_code":429}"#,
                ),
                json(
                    429,
                    r#"{"error":{"message":"m","type":"throttling_error","param":null,"code":"429"}}"#,
                ),
                reply(
                    429,
                    &[
                        ("x-amzn-errortype", "ThrottlingException:http://x"),
                        ("content-type", "application/json"),
                    ],
                    r#"{"message":"Too many tokens, please wait before trying again."}"#,
                ),
                json(
                    429,
                    r#"{"code":"Throttling.RateQuota","message":"Requests rate limit exceeded, please try again later."}"#,
                ),
                json(
                    429,
                    r#"{"error":{"message":"m","type":"rate_limit_reached_error"}}"#,
                ),
                Example::Inside(
                    r#"{"error_code":18,"error_msg":"Open api qps request limit reached"}"#,
                ),
            ],
        },
        Row {
            when: When {
                status: &[429..=429],
                ..ANY
            },
            outcome: ours(Kind::RateLimited),
            means: "429 Too Many Requests without a word that says more.",
            act: SLOWER,
            sources: &[RFC_6585],
            examples: &[
                reply(429, &[("retry-after", "1")], ""),
                json(
                    429,
                    r#"{"error":{"message":"Chaos","type":"strange","code":"chaos_ratelimit"}}"#,
                ),
            ],
        },
    ],
};
