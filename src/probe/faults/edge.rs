//! The edge before the service (a content network, a load balancer) answers in its place.

use super::source::{
    AKAMAI, CLOUDFLARE_1XXX, CLOUDFLARE_5XX, CLOUDFRONT, ELB, ENVOY, FASTLY, RFC_9110, VERCEL,
};
use super::{ANY, Group, Row, When, html, json, reply, text, theirs};
use crate::model::{FailureKind as Kind, Outcome};

const EDGE: Outcome = theirs(Kind::Edge);
const WAIT: &str = "Nothing: it is between the provider and its edge. If the service is yours, look at the origin.";

const fn cloudflare(
    status: &'static [std::ops::RangeInclusive<u16>],
    means: &'static str,
    examples: &'static [super::Example],
) -> Row {
    Row {
        when: When { status, ..ANY },
        outcome: EDGE,
        means,
        act: WAIT,
        sources: &[CLOUDFLARE_5XX],
        examples,
    }
}

pub(super) const GROUP: Group = Group {
    title: "The edge answers for the service",
    about: "A content network or a load balancer stands before the service and gets no good answer from it. Users meet the same: it counts towards an outage.",
    rows: &[
        cloudflare(
            &[520..=520],
            "520: the origin gave Cloudflare an empty or broken answer.",
            &[
                html(
                    520,
                    "<title>api.example.com | 520: Web server is returning an unknown error</title>",
                ),
                text(520, "error code: 520"),
            ],
        ),
        cloudflare(
            &[521..=521],
            "521: the origin refuses Cloudflare's connections; it is down or blocks them.",
            &[
                text(521, "error code: 521"),
                reply(521, &[("server", "cloudflare")], ""),
            ],
        ),
        cloudflare(
            &[522..=522],
            "522: Cloudflare's connection to the origin timed out.",
            &[html(522, "<title>x | 522: Connection timed out</title>")],
        ),
        cloudflare(
            &[523..=523],
            "523: Cloudflare finds no way to the origin.",
            &[text(523, "error code: 523")],
        ),
        cloudflare(
            &[524..=524],
            "524: the origin took the request and was silent for more than 100 seconds.",
            &[
                json(
                    524,
                    r#"{"type":"https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/error-524/","title":"Error 524: A timeout occurred","status":524,"cloudflare_error":true}"#,
                ),
                text(524, "error code: 524"),
            ],
        ),
        cloudflare(
            &[525..=525],
            "525: the TLS handshake between Cloudflare and the origin failed.",
            &[text(525, "error code: 525")],
        ),
        cloudflare(
            &[526..=526],
            "526: the origin's certificate is not valid for Cloudflare.",
            &[text(526, "error code: 526")],
        ),
        cloudflare(
            &[527..=528],
            "527, 528: the way between Cloudflare and the origin broke.",
            &[reply(527, &[], "")],
        ),
        Row {
            when: When {
                status: &[530..=530],
                ..ANY
            },
            outcome: EDGE,
            means: "530: Cloudflare cannot find the origin (1016: its name does not resolve; 1033: its tunnel is down).",
            act: WAIT,
            sources: &[CLOUDFLARE_1XXX],
            examples: &[
                text(530, "error code: 1033"),
                html(530, "<title>Origin DNS error</title>Error 1016"),
            ],
        },
        Row {
            when: When {
                status: &[500..=599],
                words: &[
                    "cf_bad_gateway",
                    "cf_service_unavailable",
                    "cf_gateway_timeout",
                ],
                ..ANY
            },
            outcome: EDGE,
            means: "Cloudflare's error in JSON (`cf_bad_gateway` and the like): the origin does not answer.",
            act: WAIT,
            sources: &[CLOUDFLARE_5XX],
            examples: &[
                json(
                    502,
                    r#"{"error":{"type":"cf_bad_gateway","message":"Bad gateway"}}"#,
                ),
                json(
                    503,
                    r#"{"error":{"type":"cf_service_unavailable","message":"m"}}"#,
                ),
                json(
                    504,
                    r#"{"error":{"type":"cf_gateway_timeout","message":"m"}}"#,
                ),
            ],
        },
        Row {
            when: When {
                status: &[500..=599],
                says: &[
                    "error code: 502",
                    "error code: 503",
                    "error code: 504",
                    "error code: 500",
                ],
                headers: &[("server", "cloudflare")],
                ..ANY
            },
            outcome: EDGE,
            means: "Cloudflare's error in one line of plain text.",
            act: WAIT,
            sources: &[CLOUDFLARE_5XX],
            examples: &[
                reply(
                    502,
                    &[("server", "cloudflare"), ("content-type", "text/plain")],
                    "error code: 502",
                ),
                reply(
                    504,
                    &[("server", "cloudflare"), ("content-type", "text/plain")],
                    "error code: 504",
                ),
            ],
        },
        Row {
            when: When {
                status: &[500..=599],
                page: &[
                    "cf-error-details",
                    "cf-wrapper",
                    "cloudflare ray id",
                    "| 500: internal",
                    "| 502: bad gateway",
                    "| 503: service",
                    "| 504: gateway",
                ],
                ..ANY
            },
            outcome: EDGE,
            means: "Cloudflare's error page.",
            act: WAIT,
            sources: &[CLOUDFLARE_5XX],
            examples: &[
                reply(
                    502,
                    &[("server", "cloudflare"), ("content-type", "text/html")],
                    "<title>api.openai.com | 502: Bad gateway</title>",
                ),
                html(
                    502,
                    "<div id=\"cf-wrapper\"><div id=\"cf-error-details\"><h1>Bad gateway <span>Error code 502</span></h1></div></div>",
                ),
            ],
        },
        Row {
            when: When {
                status: &[502..=504],
                headers: &[("server", "cloudfront")],
                page: &["generated by cloudfront"],
                ..ANY
            },
            outcome: EDGE,
            means: "CloudFront gets no good answer from the origin.",
            act: WAIT,
            sources: &[CLOUDFRONT],
            examples: &[
                html(
                    502,
                    "<H1>502 ERROR</H1><H2>The request could not be satisfied.</H2>CloudFront wasn't able to connect to the origin. Generated by cloudfront (CloudFront)",
                ),
                reply(
                    504,
                    &[("server", "CloudFront"), ("content-type", "text/html")],
                    "<H1>504 ERROR</H1>",
                ),
            ],
        },
        Row {
            when: When {
                status: &[500..=503],
                page: &["varnish cache server", "guru meditation", "fastly error"],
                ..ANY
            },
            outcome: EDGE,
            means: "Fastly (Varnish) gets no good answer from the origin.",
            act: WAIT,
            sources: &[FASTLY],
            examples: &[html(
                503,
                "<title>503 first byte timeout</title><h3>Guru Meditation:</h3><p>Varnish cache server</p>",
            )],
        },
        Row {
            when: When {
                status: &[500..=599],
                headers: &[("server", "akamaighost")],
                ..ANY
            },
            outcome: EDGE,
            means: "Akamai gets no good answer from the origin.",
            act: WAIT,
            sources: &[AKAMAI],
            examples: &[reply(
                503,
                &[("server", "AkamaiGHost"), ("content-type", "text/html")],
                "<TITLE>Error</TITLE>Reference&#32;&#35;97",
            )],
        },
        Row {
            when: When {
                status: &[502..=504],
                headers: &[("server", "awselb")],
                ..ANY
            },
            outcome: EDGE,
            means: "The AWS load balancer has no healthy target behind it (503), or a target that breaks off (502) or is silent (504).",
            act: WAIT,
            sources: &[ELB],
            examples: &[reply(
                503,
                &[("server", "awselb/2.0"), ("content-type", "text/html")],
                "<center><h1>503 Service Temporarily Unavailable</h1></center>",
            )],
        },
        Row {
            when: When {
                status: &[500..=599],
                headers: &[("x-vercel-error", "")],
                ..ANY
            },
            outcome: EDGE,
            means: "Vercel's function or deployment behind the address fails or takes too long.",
            act: WAIT,
            sources: &[VERCEL],
            examples: &[reply(
                504,
                &[("x-vercel-error", "FUNCTION_INVOCATION_TIMEOUT")],
                "An error occurred with your deployment",
            )],
        },
        Row {
            when: When {
                status: &[500..=599],
                page: &["that’s an error.", "that's an error."],
                ..ANY
            },
            outcome: EDGE,
            means: "Google's front end answers for the service (`502. That's an error`).",
            act: WAIT,
            sources: &["the page itself"],
            examples: &[
                html(
                    502,
                    "<title>Error 502 (Server Error)!!1</title><p><b>502.</b> <ins>That’s an error.</ins>",
                ),
                html(500, "<b>500.</b> That's an error."),
            ],
        },
        Row {
            when: When {
                status: &[500..=599],
                says: &[
                    "upstream connect error or disconnect/reset before headers",
                    "no healthy upstream",
                    "upstream request timeout",
                ],
                ..ANY
            },
            outcome: EDGE,
            means: "Envoy (Istio, many gateways) reaches no healthy server behind it.",
            act: WAIT,
            sources: &[ENVOY],
            examples: &[
                text(
                    503,
                    "upstream connect error or disconnect/reset before headers. reset reason: connection failure",
                ),
                text(503, "no healthy upstream"),
                text(504, "upstream request timeout"),
            ],
        },
        Row {
            when: When {
                status: &[421..=421],
                ..ANY
            },
            outcome: EDGE,
            means: "421: the edge does not serve this name on this connection.",
            act: "If it stays, the name's DNS points to the wrong place.",
            sources: &[RFC_9110],
            examples: &[reply(421, &[], "")],
        },
    ],
};
