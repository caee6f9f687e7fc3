//! What stands on our own side of the way: captive portals, proxies, filters of the network that the prober is in.

use super::source::{RFC_6585, RFC_9110, SQUID, WISPR};
use super::{ANY, Group, Row, When, between, html, ours, reply};
use crate::model::{Cause, FailureKind as Kind, Outcome};

const PORTAL: Outcome = Outcome::Inconclusive(Cause::Blind);

pub(super) const GROUP: Group = Group {
    title: "Portals, proxies and filters on our side",
    about: "The reply is not from the service at all. A run behind a captive portal counts neither as up nor as down.",
    rows: &[
        Row {
            when: When {
                status: &[511..=511],
                ..ANY
            },
            outcome: PORTAL,
            means: "The network that watchfire is in wants a log-in first (a captive portal).",
            act: "Log in to that network, or move watchfire to one without a portal.",
            sources: &[RFC_6585],
            examples: &[
                html(511, "<title>Network Authentication Required</title>"),
                reply(511, &[], ""),
            ],
        },
        Row {
            when: When {
                status: &[200..=399],
                headers: &[
                    ("location", "captive"),
                    ("location", "hotspot"),
                    ("location", "wispr"),
                    ("location", "/cgi-bin/login?cmd="),
                ],
                page: &["wispaccessgatewayparam", "captive portal"],
                ..ANY
            },
            outcome: PORTAL,
            means: "A captive portal answered in place of the service, with a redirect or a page of its own.",
            act: "Log in to that network, or move watchfire to one without a portal.",
            sources: &[WISPR],
            examples: &[
                reply(
                    302,
                    &[("location", "http://captiveportal.hotel.example/login?url=x")],
                    "",
                ),
                reply(307, &[("location", "https://hotspot.airport.example/")], ""),
                html(
                    200,
                    "<html><!-- <WISPAccessGatewayParam><Redirect/></WISPAccessGatewayParam> --></html>",
                ),
            ],
        },
        Row {
            when: When {
                status: &[407..=407],
                ..ANY
            },
            outcome: ours(Kind::Proxy),
            means: "Our own proxy wants a user and a password, or refuses those that it was given.",
            act: "Check the proxy's address and its credentials.",
            sources: &[RFC_9110],
            examples: &[
                reply(407, &[("proxy-authenticate", "Basic realm=\"p\"")], ""),
                html(407, "<title>Proxy Authentication Required</title>"),
            ],
        },
        Row {
            when: When {
                headers: &[
                    ("x-squid-error", "err_access_denied"),
                    ("x-squid-error", "err_cache_access_denied"),
                ],
                page: &["zscaler", "fortiguard", "web page blocked"],
                status: &[200..=499],
                ..ANY
            },
            outcome: ours(Kind::Proxy),
            means: "A proxy or a web filter of our own network does not let the request out.",
            act: "Have the network's administrators allow the address, or probe from elsewhere.",
            sources: &[SQUID],
            examples: &[
                reply(
                    403,
                    &[
                        ("x-squid-error", "ERR_ACCESS_DENIED 0"),
                        ("content-type", "text/html"),
                    ],
                    "<title>ERROR</title>",
                ),
                html(
                    403,
                    "<title>FortiGuard Intrusion Prevention - Access Blocked</title><h1>Web Page Blocked</h1>",
                ),
                html(200, "<title>Internet Security by Zscaler</title>"),
            ],
        },
        Row {
            when: When {
                headers: &[("x-squid-error", "")],
                ..ANY
            },
            outcome: between(Kind::Proxy),
            means: "Our own proxy could not reach the service, and says so with a page of its own.",
            act: "See from a machine without the proxy whether the service answers; if so, it is the proxy.",
            sources: &[SQUID],
            examples: &[
                reply(
                    503,
                    &[
                        ("x-squid-error", "ERR_CONNECT_FAIL 111"),
                        ("content-type", "text/html"),
                    ],
                    "<title>ERROR: The requested URL could not be retrieved</title>",
                ),
                reply(503, &[("x-squid-error", "ERR_DNS_FAIL 0")], ""),
                reply(504, &[("x-squid-error", "ERR_READ_TIMEOUT 0")], ""),
            ],
        },
    ],
};
