//! We are known, and may not ask this: from this country, with this plan, for this resource.

use super::source::{
    ANTHROPIC, AZURE, AZURE_BLOB, BEDROCK, CLOUDFLARE_1XXX, GEMINI, OPENAI, RFC_7725, RFC_9110, S3,
};
use super::{ANY, Example, Group, Row, When, html, json, ours, reply, text};
use crate::model::FailureKind as Kind;

const MOVE: &str = "Probe from a country that the provider serves; look at where this machine's address (or its proxy's) is registered.";

pub(super) const GROUP: Group = Group {
    title: "Not from here, not with this plan",
    about: "The service is up for others and does not serve this place or this account.",
    rows: &[
        Row {
            when: When {
                status: &[200..=499],
                words: &["unsupported_country_region_territory"],
                says: &[
                    "country, region, or territory not supported",
                    "user location is not supported",
                    "not available in your country",
                    "not available in your region",
                    "region is not supported",
                ],
                ..ANY
            },
            outcome: ours(Kind::Forbidden),
            means: "The provider does not serve the country that this machine's address belongs to.",
            act: MOVE,
            sources: &[OPENAI, GEMINI],
            examples: &[
                json(
                    403,
                    r#"{"error":{"code":"unsupported_country_region_territory","message":"Country, region, or territory not supported","param":null,"type":"request_forbidden"}}"#,
                ),
                json(
                    400,
                    r#"{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}}"#,
                ),
                Example::Inside(r#"{"error":{"code":"unsupported_country_region_territory"}}"#),
            ],
        },
        Row {
            when: When {
                status: &[403..=403],
                says: &["request not allowed", "error code: 1009"],
                ..ANY
            },
            outcome: ours(Kind::Forbidden),
            means: "Anthropic's (and Cloudflare's) answer to a country that is not served.",
            act: MOVE,
            sources: &[ANTHROPIC, CLOUDFLARE_1XXX],
            examples: &[
                json(
                    403,
                    r#"{"error":{"type":"forbidden","message":"Request not allowed"}}"#,
                ),
                text(403, "error code: 1009"),
            ],
        },
        Row {
            when: When {
                status: &[451..=451],
                ..ANY
            },
            outcome: ours(Kind::Forbidden),
            means: "451: withheld for legal reasons in the place where the request comes from.",
            act: MOVE,
            sources: &[RFC_7725],
            examples: &[reply(451, &[], "")],
        },
        Row {
            when: When {
                status: &[401..=403],
                says: &[
                    "virtual network/firewall rules",
                    "approved private endpoint",
                    "public access is disabled",
                    "check your network settings",
                ],
                ..ANY
            },
            outcome: ours(Kind::Forbidden),
            means: "The account's own network rules let this machine not in.",
            act: "Add this machine's address to the resource's network rules, or probe from inside.",
            sources: &[AZURE],
            examples: &[
                json(
                    403,
                    r#"{"error":{"code":"AccessDenied","message":"Access denied due to Virtual Network/Firewall rules."}}"#,
                ),
                json(
                    403,
                    r#"{"error":{"message":"Access denied. Please check your network settings."}}"#,
                ),
            ],
        },
        Row {
            when: When {
                status: &[403..=403, 404..=404],
                words: &[
                    "authenticationfailed",
                    "accessdenied",
                    "nosuchkey",
                    "blobnotfound",
                    "resourcenotfound",
                ],
                besides: &["<error>"],
                ..ANY
            },
            outcome: ours(Kind::Forbidden),
            means: "The storage behind the service (S3, Azure) does not give the file out: the address has expired, or was signed for another place.",
            act: "If it is a picture's address: look whether the provider's reply says how long it holds, and whether a proxy changes the request.",
            sources: &[S3, AZURE_BLOB],
            examples: &[
                reply(
                    403,
                    &[("content-type", "application/xml")],
                    "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
                ),
                reply(
                    403,
                    &[("content-type", "application/xml")],
                    "\u{feff}<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate the request.</Message></Error>",
                ),
                reply(
                    404,
                    &[("content-type", "application/xml")],
                    "<Error><Code>BlobNotFound</Code><Message>The specified blob does not exist.</Message></Error>",
                ),
            ],
        },
        Row {
            when: When {
                status: &[200..=499],
                words: &[
                    "permission_error",
                    "permission_denied",
                    "permission_denied_error",
                    "access_denied",
                    "accessdenied",
                    "accessdeniedexception",
                    "forbidden",
                    "request_forbidden",
                    "model.accessdenied",
                    "ftuformnotfilled",
                ],
                says: &[
                    "does not have permission",
                    "you don't have access to the model",
                    "you do not have access to the model",
                ],
                ..ANY
            },
            outcome: ours(Kind::Forbidden),
            means: "The key is known and may not do this: plan, project, role, or an API that is not switched on.",
            act: "Give the key's project or role the right, or switch the API on.",
            sources: &[ANTHROPIC, GEMINI, BEDROCK],
            examples: &[
                json(
                    403,
                    r#"{"type":"error","error":{"type":"permission_error","message":"Your API key does not have permission to use the specified resource."}}"#,
                ),
                json(
                    403,
                    r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"Generative Language API has not been used in project 1 before or it is disabled."}}"#,
                ),
                reply(
                    403,
                    &[
                        ("x-amzn-errortype", "AccessDeniedException:http://x"),
                        ("content-type", "application/json"),
                    ],
                    r#"{"message":"You don't have access to the model with the specified model ID."}"#,
                ),
                json(
                    403,
                    r#"{"code":7,"message":"The caller does not have permission","details":[]}"#,
                ),
            ],
        },
    ],
};

pub(super) const FORBIDDEN: Row = Row {
    when: When {
        status: &[403..=403],
        ..ANY
    },
    outcome: ours(Kind::Forbidden),
    means: "403 Forbidden without a word that says more.",
    act: "Read the reply: it may be the key's rights, the country, or a firewall that does not name itself.",
    sources: &[RFC_9110],
    examples: &[html(403, "<h1>403 Forbidden</h1>"), reply(403, &[], "")],
};
