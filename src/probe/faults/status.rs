//! What is left is called by its status: any error that is unknown falls to a sane class, and is shown as it came.

use super::forbidden::FORBIDDEN;
use super::source::RFC_9110;
use super::{ANY, Group, Row, When, html, json, ours, reply, text, theirs};
use crate::model::FailureKind as Kind;

pub(super) const GROUP: Group = Group {
    title: "By the status alone",
    about: "An error that no row above knows is called by its status and shown as it came.",
    rows: &[
        FORBIDDEN,
        Row {
            when: When {
                status: &[404..=404, 410..=410],
                ..ANY
            },
            outcome: ours(Kind::NotFound),
            means: "The address does not exist on this server (any more).",
            act: "Check `url`, `base_url` and `path`; a missing or doubled `/v1` is the usual cause.",
            sources: &[RFC_9110],
            examples: &[
                json(404, r#"{"detail":"Not Found"}"#),
                json(
                    404,
                    r#"{"error":{"message":"File Not Found","type":"not_found_error","code":404}}"#,
                ),
                json(
                    404,
                    r#"{"error":{"message":"No fixture matched","type":"invalid_request_error","param":null,"code":"no_fixture_match"}}"#,
                ),
                json(
                    404,
                    r#"{"error":"Not Found","message":"Cannot POST /v1/images/generations","status":404}"#,
                ),
                html(404, "<h1>404</h1>"),
                reply(410, &[], ""),
            ],
        },
        Row {
            when: When {
                status: &[300..=399],
                ..ANY
            },
            outcome: theirs(Kind::Redirect),
            means: "A redirect that the probe was not told to follow.",
            act: "Set `redirects`, or write the address that it leads to.",
            sources: &[RFC_9110],
            examples: &[
                reply(301, &[("location", "https://www.example.com/")], ""),
                reply(304, &[], ""),
            ],
        },
        Row {
            when: When {
                status: &[500..=599],
                ..ANY
            },
            outcome: theirs(Kind::ServerError),
            means: "A 5xx: the service, or the proxy before it, says itself that it failed.",
            act: "Look at the provider's status page; have the request id ready for its support.",
            sources: &[RFC_9110],
            examples: &[
                json(
                    500,
                    r#"{"error":{"message":"The server had an error while processing your request.","type":"server_error","param":null,"code":null}}"#,
                ),
                json(
                    500,
                    r#"{"error":{"code":500,"status":"INTERNAL","message":"m"}}"#,
                ),
                reply(
                    500,
                    &[("content-type", "text/event-stream")],
                    "data: {\"error\":{\"message\":\"m\",\"code\":\"500\"}}\n\ndata: [DONE]\n\n",
                ),
                json(
                    500,
                    r#"{"error":{"message":"m","type":null,"code":"invalid_api_key"}}"#,
                ),
                html(
                    502,
                    "<html><center><h1>502 Bad Gateway</h1></center><hr><center>nginx/1.22.1</center></html>",
                ),
                html(
                    504,
                    "<html><center><h1>504 Gateway Time-out</h1></center><hr><center>nginx</center></html>",
                ),
                json(
                    500,
                    r#"{"type":"about:blank","title":"Internal Server Error","status":500,"detail":"m"}"#,
                ),
                text(503, ""),
                text(599, ""),
            ],
        },
        UNKNOWN,
    ],
};

/// The last row of all.
pub(super) const UNKNOWN: Row = Row {
    when: ANY,
    outcome: theirs(Kind::UnexpectedStatus),
    means: "A status that means nothing in particular, or an error inside a 200 that has no word that is known. What came is shown.",
    act: "Read what came. If the service means it so, list the status in `expect.status`.",
    sources: &[RFC_9110],
    examples: &[
        reply(204, &[], ""),
        reply(409, &[], ""),
        reply(418, &[], ""),
        reply(498, &[], ""),
        reply(999, &[], ""),
        super::Example::Inside(r#"{"error":{"message":"boom"}}"#),
    ],
};
