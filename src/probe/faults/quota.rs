//! Money and allowances that are used up: a person must pay or raise a limit; waiting does not help.

use super::source::{
    ANTHROPIC, BEDROCK, DASHSCOPE, DEEPSEEK, GEMINI_RATES, KIMI, LITELLM_DOCS, OPENAI, OPENROUTER,
    TOGETHER, VOLCENGINE, XAI, ZHIPU,
};
use super::{ANY, Example, Group, Row, When, json, ours, text};
use crate::model::FailureKind as Kind;

const TOP_UP: &str = "Top up the account, or raise its limit, in the provider's billing settings.";

pub(super) const GROUP: Group = Group {
    title: "Quota and billing",
    about: "The account has no credit left, or has met a limit on spending or on its plan. The service is up; nobody is paged for it as an outage.",
    rows: &[
        Row {
            when: When {
                status: &[429..=429],
                words: &["resource_exhausted"],
                says: &["exceeded your current quota"],
                besides: &["perday", "per_day", "limit: 0,"],
                ..ANY
            },
            outcome: ours(Kind::Quota),
            means: "Gemini's allowance of the day is used up, or the model is not in the plan (`limit: 0`).",
            act: "Wait for midnight Pacific time, or enable billing for the project.",
            sources: &[GEMINI_RATES],
            examples: &[
                json(
                    429,
                    r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"You exceeded your current quota, please check your plan and billing details.","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}]}}"#,
                ),
                json(
                    429,
                    r#"[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"Quota exceeded for metric: free_tier_requests, limit: 0, model: gemini-3-pro"}}]"#,
                ),
            ],
        },
        Row {
            when: When {
                status: &[429..=429],
                words: &["resource_exhausted"],
                ..ANY
            },
            outcome: ours(Kind::RateLimited),
            means: "Gemini and Vertex: more requests or tokens than the plan allows a minute. The words are the same as those of a quota.",
            act: "Probe less often, or use a key of its own for the probes.",
            sources: &[GEMINI_RATES],
            examples: &[
                json(
                    429,
                    r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"You exceeded your current quota, please check your plan and billing details.","details":[{"violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel-FreeTier"}]}]}}"#,
                ),
                json(
                    429,
                    r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"Quota exceeded for aiplatform.googleapis.com/online_prediction_tokens_per_minute_per_base_model with base model: x."}}"#,
                ),
                json(
                    429,
                    r#"[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"Resource has been exhausted (e.g. check quota)."}}]"#,
                ),
            ],
        },
        Row {
            when: When {
                says: &["exceeded your current quota"],
                besides: &["perminute", "per_minute", "per minute"],
                ..ANY
            },
            outcome: ours(Kind::RateLimited),
            means: "The same behind a gateway: a limit a minute, in the words of a quota.",
            act: "Probe less often, or use a key of its own for the probes.",
            sources: &[LITELLM_DOCS],
            examples: &[json(
                429,
                r#"{"error":{"message":"litellm.RateLimitError: VertexAIException - b'{\"error\": {\"message\": \"You exceeded your current quota.\", \"quotaId\": \"GenerateRequestsPerMinutePerProjectPerModel\"}}'","type":"throttling_error","param":null,"code":"429"}}"#,
            )],
        },
        Row {
            when: When {
                words: &[
                    "insufficient_quota",
                    "credit_balance_exhausted",
                    "organization_spend_limit_exceeded",
                    "project_spend_limit_exceeded",
                    "organization_usage_limit_exceeded",
                    "billing_hard_limit_reached",
                    "billing_not_active",
                ],
                says: &[
                    "exceeded your current quota",
                    "check your plan and billing details",
                    "your account is not active, please check your billing",
                    "billing hard limit has been reached",
                ],
                ..ANY
            },
            outcome: ours(Kind::Quota),
            means: "The account's credit is used up, or a limit on its spending is met. A gateway may have dropped the code and kept the words.",
            act: TOP_UP,
            sources: &[OPENAI],
            examples: &[
                json(
                    429,
                    r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
                ),
                json(
                    429,
                    r#"{"error":{"message":"No credit is left.","type":"insufficient_quota","param":null,"code":"credit_balance_exhausted"}}"#,
                ),
                json(
                    429,
                    r#"{"error":{"message":"m","type":"insufficient_quota","code":"organization_spend_limit_exceeded"}}"#,
                ),
                json(
                    429,
                    r#"{"error":{"message":"m","type":null,"code":"project_spend_limit_exceeded"}}"#,
                ),
                json(
                    429,
                    r#"{"error":{"message":"m","type":null,"code":"organization_usage_limit_exceeded"}}"#,
                ),
                json(
                    400,
                    r#"{"error":{"message":"Billing hard limit has been reached","type":"invalid_request_error","param":null,"code":"billing_hard_limit_reached"}}"#,
                ),
                json(
                    429,
                    r#"{"error":{"message":"Your account is not active, please check your billing details on our website.","type":"billing_not_active","code":"billing_not_active"}}"#,
                ),
                json(
                    429,
                    r#"{"error":{"message":"litellm.RateLimitError: RateLimitError: OpenAIException - You exceeded your current quota, please check your plan and billing details.","type":"throttling_error","param":null,"code":"429"}}"#,
                ),
                json(
                    500,
                    r#"{"error":{"message":"Error code: 429 - {'error': {'code': 'insufficient_quota', 'message': 'You exceeded your current quota'}}","type":null,"code":500}}"#,
                ),
                Example::Inside(r#"{"error":{"message":"m","code":"insufficient_quota"}}"#),
            ],
        },
        Row {
            when: When {
                words: &["billing_error"],
                says: &[
                    "credit balance is too low",
                    "enforced_spend_limit",
                    "spend limit reached",
                    "reached your specified api usage limits",
                    "reached your specified workspace api usage limits",
                ],
                ..ANY
            },
            outcome: ours(Kind::Quota),
            means: "Anthropic's credit is used up, or a spending limit of the workspace is met; it comes as 400, 402 or 429.",
            act: TOP_UP,
            sources: &[ANTHROPIC],
            examples: &[
                json(
                    402,
                    r#"{"type":"error","error":{"type":"billing_error","message":"Payment is due."}}"#,
                ),
                json(
                    400,
                    r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."},"request_id":"r"}"#,
                ),
                json(
                    400,
                    r#"{"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC."}}"#,
                ),
                Example::Inside(
                    r#"{"type":"error","error":{"type":"billing_error","message":"m"}}"#,
                ),
            ],
        },
        Row {
            when: When {
                words: &[
                    "insufficient_balance",
                    "arrearage",
                    "exceeded_current_quota_error",
                    "allocationquota.freetieronly",
                    "quota_exceeded",
                    "insufficientbalance",
                    "accountoverdueerror",
                ],
                says: &[
                    "insufficient balance",
                    "insufficient_balance",
                    "account is in good standing",
                    "欠费",
                    "余额不足",
                    "free quota has been exhausted",
                    "usage limit for this billing cycle",
                ],
                ..ANY
            },
            outcome: ours(Kind::Quota),
            means: "The account's balance is used up (DeepSeek, Kimi, Alibaba, Zhipu, Volcengine, MiniMax and others say it so).",
            act: TOP_UP,
            sources: &[DEEPSEEK, KIMI, DASHSCOPE, ZHIPU, VOLCENGINE],
            examples: &[
                json(
                    402,
                    r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}"#,
                ),
                json(
                    429,
                    r#"{"error":{"message":"Your account x is suspended, please check your plan","type":"exceeded_current_quota_error"}}"#,
                ),
                json(
                    400,
                    r#"{"code":"Arrearage","message":"Access denied, please make sure your account is in good standing.","request_id":"r"}"#,
                ),
                json(
                    429,
                    "{\"error\":{\"code\":\"1113\",\"message\":\"您的账户已欠费,请充值后重试。\"}}",
                ),
                json(
                    429,
                    r#"{"error":{"code":"1113","message":"\u4f59\u989d\u4e0d\u8db3"}}"#,
                ),
                json(
                    403,
                    r#"{"code":"AllocationQuota.FreeTierOnly","message":"m"}"#,
                ),
                Example::Inside(
                    r#"{"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}"#,
                ),
            ],
        },
        Row {
            when: When {
                words: &[
                    "insufficient_credits",
                    "in_flight_budget_exhausted",
                    "weight_exceeds_budget",
                ],
                says: &[
                    "insufficient credits",
                    "requires more credits",
                    "more credits are required",
                    "key limit exceeded",
                    "free-models-per-day",
                ],
                ..ANY
            },
            outcome: ours(Kind::Quota),
            means: "OpenRouter: the account has no credits, the key's own limit is met, or the free models' allowance of the day is used up.",
            act: "Buy credits, or raise the key's limit, at openrouter.ai/settings.",
            sources: &[OPENROUTER],
            examples: &[
                json(
                    402,
                    r#"{"error":{"message":"Insufficient credits. Add more using https://openrouter.ai/settings/credits","code":402}}"#,
                ),
                json(
                    402,
                    r#"{"error":{"message":"This request requires more credits, or fewer max_tokens. You requested up to 4096 tokens, but can only afford 222.","code":402}}"#,
                ),
                json(
                    403,
                    r#"{"error":{"message":"Key limit exceeded (monthly limit).","code":403}}"#,
                ),
                json(
                    429,
                    r#"{"error":{"message":"Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day","code":429}}"#,
                ),
            ],
        },
        Row {
            when: When {
                says: &[
                    "used all available credits",
                    "reached its monthly spending limit",
                    "maximum allowed monthly spending",
                    "you have run out of credits",
                    "doesn't have any credits",
                    "does not have any credits",
                ],
                ..ANY
            },
            outcome: ours(Kind::Quota),
            means: "The team's credits are used up or its monthly limit is met (xAI and others), whatever the status says.",
            act: TOP_UP,
            sources: &[XAI],
            examples: &[
                json(
                    429,
                    r#"{"code":"Some resource has been exhausted","error":"Your team t has either used all available credits or reached its monthly spending limit."}"#,
                ),
                json(
                    403,
                    r#"{"code":"The caller does not have permission to execute the specified operation","error":"Your newly created team doesn't have any credits or licenses yet."}"#,
                ),
            ],
        },
        Row {
            when: When {
                words: &["budget_exceeded", "budgetexceedederror", "exceededbudget"],
                says: &[
                    "budget has been exceeded",
                    "exceededbudget",
                    "exceededtokenbudget",
                ],
                ..ANY
            },
            outcome: ours(Kind::Quota),
            means: "A gateway's own budget for this key, team or user is used up.",
            act: "Raise the budget in the gateway (LiteLLM: `max_budget`), or give the probes a key of their own.",
            sources: &[LITELLM_DOCS],
            examples: &[
                json(
                    400,
                    r#"{"error":{"message":"Budget has been exceeded! Current cost: 1.2, Max budget: 1.0","type":"budget_exceeded","param":null,"code":"400"}}"#,
                ),
                json(
                    400,
                    r#"{"error":{"message":"ExceededBudget: User over budget","type":"auth_error","code":"400"}}"#,
                ),
            ],
        },
        Row {
            when: When {
                words: &["servicequotaexceededexception", "billing_disabled"],
                says: &[
                    "billing_disabled",
                    "requires billing to be enabled",
                    "billing account for the owning project is disabled",
                ],
                ..ANY
            },
            outcome: ours(Kind::Quota),
            means: "A quota of the cloud account is met, or billing is switched off for its project.",
            act: "Raise the quota, or enable billing, in the cloud's console.",
            sources: &[BEDROCK],
            examples: &[
                json(
                    400,
                    r#"{"__type":"com.amazon.bedrock#ServiceQuotaExceededException","message":"m"}"#,
                ),
                json(
                    403,
                    r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"This API method requires billing to be enabled.","details":[{"reason":"BILLING_DISABLED"}]}}"#,
                ),
            ],
        },
        Row {
            when: When {
                status: &[200..=499],
                words: &["payment_required", "paymentrequired"],
                says: &[
                    "payment required",
                    "out of credit",
                    "daily request limit reached",
                    "trial key, which is limited",
                ],
                ..ANY
            },
            outcome: ours(Kind::Quota),
            means: "The plan's allowance is used up, or a payment is due.",
            act: TOP_UP,
            sources: &["errors of Baidu's and Cohere's APIs"],
            examples: &[
                text(403, "Payment required"),
                json(
                    200,
                    r#"{"error_code":17,"error_msg":"Open api daily request limit reached"}"#,
                ),
                json(
                    429,
                    r#"{"message":"You are using a Trial key, which is limited to 1000 API calls / month."}"#,
                ),
            ],
        },
        Row {
            when: When {
                status: &[402..=402],
                ..ANY
            },
            outcome: ours(Kind::Quota),
            means: "402 Payment Required: the balance, the plan or a limit on spending.",
            act: TOP_UP,
            sources: &[TOGETHER],
            examples: &[json(402, "{}"), text(402, "")],
        },
    ],
};
