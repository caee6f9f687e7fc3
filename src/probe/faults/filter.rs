//! The answer, or the question, was withheld by a content filter.

use super::source::{AZURE_FILTER, BEDROCK, DASHSCOPE, GEMINI, KIMI, OPENAI, OPENROUTER, ZHIPU};
use super::{ANY, Example, Group, Row, When, json, ours};
use crate::model::FailureKind as Kind;

const ASK_OTHERWISE: &str = "Ask something harmless: the built-in question passes everywhere.";

pub(super) const GROUP: Group = Group {
    title: "Withheld by a content filter",
    about: "The service works and does not like what it was asked. (A 200 whose `finish_reason` or `stop_reason` says so is called the same.)",
    rows: &[
        Row {
            when: When {
                words: &[
                    "content_filter",
                    "content_policy_violation",
                    "moderation_blocked",
                    "responsibleaipolicyviolation",
                    "responsible_ai_policy_violation",
                    "contentfilter",
                    "image_generation_user_error",
                    "sentinel_block",
                ],
                says: &[
                    "responsibleaipolicyviolation",
                    "content management policy",
                    "safety system",
                    "content policy",
                ],
                status: &[200..=499],
                ..ANY
            },
            outcome: ours(Kind::ContentFilter),
            means: "The filter of OpenAI or Azure stands against the prompt or the answer.",
            act: ASK_OTHERWISE,
            sources: &[OPENAI, AZURE_FILTER],
            examples: &[
                json(
                    400,
                    r#"{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
                ),
                json(
                    400,
                    r#"{"error":{"code":"BadRequest","message":"m","innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
                ),
                json(
                    400,
                    r#"{"error":{"code":"content_policy_violation","message":"Your request was rejected as a result of our safety system.","param":null,"type":"image_generation_user_error"}}"#,
                ),
                json(
                    400,
                    r#"{"error":{"code":"moderation_blocked","message":"m","type":"image_generation_user_error"}}"#,
                ),
                Example::Inside(r#"{"error":{"code":"content_filter","message":"m"}}"#),
            ],
        },
        Row {
            when: When {
                words: &[
                    "datainspectionfailed",
                    "data_inspection_failed",
                    "blocked_reason_unspecified",
                    "prohibited_content",
                    "safety",
                ],
                says: &[
                    "prohibited_content",
                    "blockreason",
                    "敏感内容",
                    "flagged by",
                    "requires moderation",
                    "considered high risk",
                    "blocked by our content filters",
                    "guardrail intervened",
                ],
                status: &[200..=499],
                ..ANY
            },
            outcome: ours(Kind::ContentFilter),
            means: "Another provider's or gateway's filter or guardrail (Gemini, Alibaba, Zhipu, Kimi, OpenRouter, Bedrock).",
            act: ASK_OTHERWISE,
            sources: &[GEMINI, DASHSCOPE, ZHIPU, KIMI, OPENROUTER, BEDROCK],
            examples: &[
                json(
                    400,
                    r#"{"code":"DataInspectionFailed","message":"Input data may contain inappropriate content."}"#,
                ),
                json(
                    400,
                    "{\"error\":{\"code\":\"1301\",\"message\":\"系统检测到输入或生成内容可能包含不安全或敏感内容\"}}",
                ),
                json(
                    403,
                    r#"{"error":{"code":403,"message":"m requires moderation on P. Your input was flagged for \"x\".","metadata":{"reasons":["x"]}}}"#,
                ),
                json(
                    400,
                    r#"{"error":{"message":"The request was rejected because it was considered high risk","type":"invalid_request_error"}}"#,
                ),
                json(
                    400,
                    r#"{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"Blocked: PROHIBITED_CONTENT"}}"#,
                ),
            ],
        },
    ],
};
