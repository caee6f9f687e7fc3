//! The key, or the account behind it, is refused.

use super::source::{
    ANTHROPIC, AZURE, BEDROCK, DASHSCOPE, GEMINI, KIMI, LITELLM, LLAMA, MISTRAL, OPENAI,
    OPENROUTER, RFC_9110, XAI,
};
use super::{ANY, Example, Group, Row, When, json, ours, reply, text};
use crate::model::FailureKind as Kind;

const CHECK_KEY: &str =
    "Check where `key` comes from, and whether the key still exists in the provider's settings.";

pub(super) const GROUP: Group = Group {
    title: "The key is refused",
    about: "The service is up and does not accept who we are. A 5xx that speaks of keys is not meant: there it is the provider's own key store that fails.",
    rows: &[
        Row {
            when: When {
                status: &[200..=499],
                words: &[
                    "account_deactivated",
                    "access_terminated",
                    "organization_restricted",
                    "organization_deactivated",
                    "account_suspended",
                ],
                says: &[
                    "account has been deactivated",
                    "account associated with this api key has been deactivated",
                    "organization has been restricted",
                    "organization has been disabled",
                    "consumer_suspended",
                    "access was terminated",
                ],
                ..ANY
            },
            outcome: ours(Kind::Auth),
            means: "The account or the organization behind the key has been closed, restricted or suspended.",
            act: "Write to the provider's support; nothing that watchfire does can help.",
            sources: &[OPENAI, ANTHROPIC],
            examples: &[
                json(
                    401,
                    r#"{"error":{"message":"The OpenAI account associated with this API key has been deactivated.","type":"invalid_request_error","code":"account_deactivated"}}"#,
                ),
                json(
                    400,
                    r#"{"type":"error","error":{"type":"invalid_request_error","message":"This organization has been disabled."}}"#,
                ),
                json(
                    400,
                    r#"{"error":{"message":"Organization has been restricted.","type":"invalid_request_error","code":"organization_restricted"}}"#,
                ),
                json(
                    403,
                    r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"Consumer 'api_key:x' has been suspended.","details":[{"reason":"CONSUMER_SUSPENDED"}]}}"#,
                ),
            ],
        },
        Row {
            when: When {
                status: &[200..=499],
                words: &[
                    "missing_scope",
                    "insufficient_scope",
                    "insufficient_permissions",
                ],
                says: &[
                    "missing scopes",
                    "insufficient permissions for this operation",
                ],
                ..ANY
            },
            outcome: ours(Kind::Forbidden),
            means: "The key is valid and lacks a permission for this call.",
            act: "Give the key the permission in the provider's settings (OpenAI: restricted keys), or use another.",
            sources: &[OPENAI],
            examples: &[
                json(
                    401,
                    r#"{"error":{"message":"You have insufficient permissions for this operation. Missing scopes: model.request.","type":"invalid_request_error","code":null}}"#,
                ),
                json(
                    403,
                    r#"{"error":{"message":"m","type":"invalid_request_error","code":"missing_scope"}}"#,
                ),
            ],
        },
        Row {
            when: When {
                status: &[200..=499],
                says: &[
                    "must be a member of an organization",
                    "ip is not authorized",
                    "ip not authorized",
                    "ip address is not allowed",
                    "api_key_ip_address_blocked",
                ],
                words: &[
                    "ip_not_authorized",
                    "invalid_organization",
                    "mismatched_organization",
                    "mismatched_project",
                ],
                ..ANY
            },
            outcome: ours(Kind::Auth),
            means: "The key is not accepted from here: this machine's address is not on the key's list, or the key is not a member of the organization that was named.",
            act: "Add this machine's address to the allow-list, or correct the organization and project headers.",
            sources: &[OPENAI, GEMINI],
            examples: &[
                json(
                    401,
                    r#"{"error":{"message":"Your IP is not authorized to access this resource.","type":"invalid_request_error","code":"ip_not_authorized"}}"#,
                ),
                json(
                    401,
                    r#"{"error":{"message":"You must be a member of an organization to use the API.","type":"invalid_request_error","code":null}}"#,
                ),
                json(
                    403,
                    r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"The provided API key has an IP address restriction.","details":[{"reason":"API_KEY_IP_ADDRESS_BLOCKED"}]}}"#,
                ),
            ],
        },
        Row {
            when: When {
                status: &[200..=499],
                says: &[
                    "signature expired",
                    "signature not yet current",
                    "request time too skewed",
                    "requesttimetooskewed",
                ],
                words: &["requesttimetooskewed", "requestexpired"],
                ..ANY
            },
            outcome: ours(Kind::Auth),
            means: "The request's signature is refused for its time: this machine's clock, or the gateway's, is wrong.",
            act: "Set the clock right (NTP).",
            sources: &[BEDROCK],
            examples: &[reply(
                403,
                &[
                    ("x-amzn-errortype", "InvalidSignatureException"),
                    ("content-type", "application/json"),
                ],
                r#"{"message":"Signature expired: 20261125T000000Z is now earlier than 20261125T010000Z"}"#,
            )],
        },
        Row {
            when: When {
                status: &[200..=499],
                words: &[
                    "invalid_api_key",
                    "incorrect_api_key",
                    "incorrect_api_key_error",
                    "invalid_authentication",
                    "invalid_authentication_error",
                    "authentication_error",
                    "unauthenticated",
                    "no_api_key",
                    "token_expired",
                    "invalidapikey",
                    "unrecognizedclientexception",
                    "expiredtokenexception",
                    "invalidsignatureexception",
                    "incompletesignature",
                    "key_model_access_denied",
                ],
                says: &[
                    "incorrect api key",
                    "invalid api key",
                    "api key not valid",
                    "api key expired",
                    "api_key_invalid",
                    "api key was reported as leaked",
                    "invalid subscription key",
                    "authentication fails",
                    "no auth credentials found",
                    "invalid x-api-key",
                    "security token included in the request is invalid",
                    "access token invalid",
                ],
                ..ANY
            },
            outcome: ours(Kind::Auth),
            means: "The key is missing, mistyped, expired or revoked, whatever the status: Gemini and xAI say so with a 400.",
            act: CHECK_KEY,
            sources: &[
                OPENAI, GEMINI, AZURE, XAI, BEDROCK, OPENROUTER, KIMI, DASHSCOPE, LLAMA,
            ],
            examples: &[
                json(
                    401,
                    r#"{"error":{"message":"Incorrect API key provided: sk-1234.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#,
                ),
                json(
                    401,
                    r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#,
                ),
                json(
                    401,
                    r#"{"error":{"message":"Invalid API Key","type":"authentication_error","code":401}}"#,
                ),
                json(
                    400,
                    r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#,
                ),
                json(
                    400,
                    r#"{"error":{"code":400,"message":"API key expired. Please renew the API key.","status":"INVALID_ARGUMENT"}}"#,
                ),
                json(
                    401,
                    r#"{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint."}}"#,
                ),
                json(
                    400,
                    r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xa***."}"#,
                ),
                json(
                    401,
                    r#"{"error":{"message":"Authentication Fails (no such user)","type":"authentication_error","param":null,"code":"invalid_request_error"}}"#,
                ),
                reply(
                    403,
                    &[
                        ("x-amzn-errortype", "UnrecognizedClientException"),
                        ("content-type", "application/json"),
                    ],
                    r#"{"message":"The security token included in the request is invalid."}"#,
                ),
                Example::Inside(
                    r#"{"error_code":110,"error_msg":"Access token invalid or no longer valid"}"#,
                ),
            ],
        },
        Row {
            when: When {
                status: &[400..=499],
                words: &["no_db_connection", "token_not_found_in_db"],
                says: &["no connected db"],
                ..ANY
            },
            outcome: ours(Kind::Auth),
            means: "LiteLLM without a database says this of any key that is not its master key.",
            act: CHECK_KEY,
            sources: &[LITELLM],
            examples: &[json(
                400,
                r#"{"error":{"message":"No connected db.","type":"no_db_connection","param":null,"code":"400"}}"#,
            )],
        },
        Row {
            when: When {
                status: &[401..=401],
                ..ANY
            },
            outcome: ours(Kind::Auth),
            means: "401 Unauthorized. (Mistral says this also when the plan of the key is used up.)",
            act: CHECK_KEY,
            sources: &[RFC_9110, MISTRAL, LITELLM],
            examples: &[
                json(401, r#"{"message":"Unauthorized","request_id":"r"}"#),
                json(401, r#"{"detail":"Unauthorized"}"#),
                json(
                    401,
                    r#"{"error":{"message":"Authentication Error, No api key passed in.","type":"auth_error","param":"None","code":"401"}}"#,
                ),
                text(401, ""),
            ],
        },
    ],
};
