//! Looking up, asking and reading that broke, and what our own machine could not do.

use super::source::{ERRNO, RFC_1035, RFC_1918, RFC_9110, RFC_9113, RFC_9293};
use super::{ANY, Break, Example, Group, Row, When, between, theirs};
use crate::model::{Cause, FailureKind as Kind, Outcome, Phase};

pub(super) const fn broke(
    breaks: &'static [Break],
    phases: &'static [Phase],
    outcome: Outcome,
    (means, act): (&'static str, &'static str),
    sources: &'static [&'static str],
    examples: &'static [Example],
) -> Row {
    Row {
        when: When {
            breaks,
            phases,
            ..ANY
        },
        outcome,
        means,
        act,
        sources,
        examples,
    }
}

use Example::Broken;

pub(super) const LOOKING_UP: Group = Group {
    title: "Looking up the name",
    about: "Whether it is the provider's name servers or ours is not known: it counts as `network`, towards an outage.",
    rows: &[
        broke(
            &[Break::NoSuchName],
            &[],
            between(Kind::Dns),
            (
                "The name does not exist, says the name server.",
                "Check the spelling; if others find it, look at this machine's resolver.",
            ),
            &[RFC_1035],
            &[Broken(Break::NoSuchName, Phase::Dns)],
        ),
        broke(
            &[Break::NoAddress],
            &[],
            between(Kind::Dns),
            (
                "The name exists and has no IPv4 or IPv6 address.",
                "If the service is yours, look at its A and AAAA records.",
            ),
            &[RFC_1035],
            &[Broken(Break::NoAddress, Phase::Dns)],
        ),
        broke(
            &[Break::LookupFailed],
            &[],
            between(Kind::Dns),
            (
                "The name servers answered with an error.",
                "Ask another resolver: if it answers, look at this machine's; if not, it is the provider's zone.",
            ),
            &[RFC_1035],
            &[Broken(Break::LookupFailed, Phase::Dns)],
        ),
        broke(
            &[Break::NameWithin],
            &[],
            between(Kind::Dns),
            (
                "The name leads to a private address, which this probe may not connect to.",
                "Look who answers for the name; if it is meant so, set `allow_private = true`.",
            ),
            &[RFC_1918],
            &[Broken(Break::NameWithin, Phase::Dns)],
        ),
        broke(
            &[Break::LedWithin],
            &[],
            theirs(Kind::Redirect),
            (
                "A reply leads to a private address; it is not followed.",
                "If the service is yours, look what it redirects to.",
            ),
            &[RFC_1918],
            &[Broken(Break::LedWithin, Phase::Dns)],
        ),
        broke(
            &[Break::NamesSilent],
            &[],
            between(Kind::Dns),
            (
                "No name server answered.",
                "Look whether this machine reaches its resolver (/etc/resolv.conf).",
            ),
            &[RFC_1035],
            &[Broken(Break::NamesSilent, Phase::Dns)],
        ),
        broke(
            &[Break::OutOfTime],
            &[Phase::Dns],
            between(Kind::Dns),
            (
                "The probe's time was over before a name server had answered.",
                "Look whether this machine reaches its resolver, and whether `timeout` is long enough.",
            ),
            &[RFC_1035],
            &[Broken(Break::OutOfTime, Phase::Dns)],
        ),
    ],
};

pub(super) const SPEAKING: Group = Group {
    title: "Asking and reading",
    about: "The connection stood, and the answer did not come whole.",
    rows: &[
        broke(
            &[Break::Reset],
            &[],
            between(Kind::Reset),
            (
                "The connection was reset: the service crashed or refused to go on, or something on the way cut it.",
                "If only this place sees it, it is the way; the phase says how far it came.",
            ),
            &[RFC_9293],
            &[
                Broken(Break::Reset, Phase::Connect),
                Broken(Break::Reset, Phase::Tls),
                Broken(Break::Reset, Phase::FirstByte),
                Broken(Break::Reset, Phase::Body),
            ],
        ),
        broke(
            &[Break::Closed],
            &[Phase::Body],
            theirs(Kind::Truncated),
            (
                "The body ended before its length, or before its last chunk.",
                "Look at the service's, or its proxy's, time limits.",
            ),
            &[RFC_9110],
            &[Broken(Break::Closed, Phase::Body)],
        ),
        broke(
            &[Break::Closed],
            &[],
            between(Kind::Reset),
            (
                "The connection was closed without an answer.",
                "If only this place sees it, it is the way; else the service drops requests.",
            ),
            &[RFC_9110],
            &[
                Broken(Break::Closed, Phase::FirstByte),
                Broken(Break::Closed, Phase::Connect),
            ],
        ),
        broke(
            &[Break::OutOfTime],
            &[],
            theirs(Kind::Timeout),
            (
                "The connection stood, and the answer was not there within `timeout`; the phase says what was missing.",
                "If the answer is only slow, raise `timeout` and set `latency_under`.",
            ),
            &[RFC_9110],
            &[
                Broken(Break::OutOfTime, Phase::Tls),
                Broken(Break::OutOfTime, Phase::FirstByte),
                Broken(Break::OutOfTime, Phase::Body),
            ],
        ),
        broke(
            &[Break::SystemTimedOut],
            &[],
            between(Kind::Timeout),
            (
                "The other side went silent in the middle and confirmed nothing more.",
                "Look at the way between: a firewall that forgets connections does this.",
            ),
            &[RFC_9293],
            &[
                Broken(Break::SystemTimedOut, Phase::Body),
                Broken(Break::SystemTimedOut, Phase::FirstByte),
            ],
        ),
        broke(
            &[Break::NotHttp, Break::HttpOther],
            &[],
            theirs(Kind::Protocol),
            (
                "What came is not valid HTTP.",
                "If it stays, the service or a proxy before it is broken.",
            ),
            &[RFC_9110],
            &[
                Broken(Break::NotHttp, Phase::FirstByte),
                Broken(Break::HttpOther, Phase::Body),
            ],
        ),
        broke(
            &[Break::Http2],
            &[],
            theirs(Kind::Reset),
            (
                "The service, or a proxy before it, ended the HTTP/2 stream or connection before the answer was whole.",
                "Look at its time limits, and whether it was being restarted.",
            ),
            &[RFC_9113],
            &[
                Broken(Break::Http2, Phase::FirstByte),
                Broken(Break::Http2, Phase::Body),
            ],
        ),
        broke(
            &[Break::Encoding],
            &[],
            theirs(Kind::Encoding),
            (
                "The body is compressed in a way that was not asked for, or the compression is broken.",
                "The service or its proxy must be corrected.",
            ),
            &[RFC_9110],
            &[Broken(Break::Encoding, Phase::Body)],
        ),
    ],
};

const OWN: Outcome = Outcome::Inconclusive(Cause::Prober);

pub(super) const OURSELVES: Group = Group {
    title: "The prober itself",
    about: "This machine could not ask. Such a run says nothing about the service, and shows as a gap.",
    rows: &[
        broke(
            &[Break::OwnFiles],
            &[],
            OWN,
            (
                "watchfire, or the machine, has no file descriptor left.",
                "Raise LimitNOFILE of the unit, or lower `in_flight` in [limits].",
            ),
            &[ERRNO],
            &[Broken(Break::OwnFiles, Phase::Connect)],
        ),
        broke(
            &[Break::OwnMemory, Break::OwnBuffers],
            &[],
            OWN,
            (
                "This machine has no memory left for another connection.",
                "Give it more, or lower `in_flight` in [limits].",
            ),
            &[ERRNO],
            &[
                Broken(Break::OwnMemory, Phase::Connect),
                Broken(Break::OwnBuffers, Phase::FirstByte),
            ],
        ),
        broke(
            &[Break::OwnPorts],
            &[],
            OWN,
            (
                "All local ports are in use, or the address to send from is gone.",
                "Use `connection = \"reuse\"`, probe less often, or widen ip_local_port_range.",
            ),
            &[ERRNO],
            &[Broken(Break::OwnPorts, Phase::Connect)],
        ),
        broke(
            &[Break::OwnRules],
            &[],
            OWN,
            (
                "A firewall or a sandbox on this machine does not let the request out.",
                "Look at its firewall's rules for outgoing traffic, and at the unit's restrictions.",
            ),
            &[ERRNO],
            &[Broken(Break::OwnRules, Phase::Connect)],
        ),
        broke(
            &[Break::OwnNetwork],
            &[],
            Outcome::Inconclusive(Cause::Blind),
            (
                "This machine's own network is down.",
                "Bring it up; until then nothing can be said about any service.",
            ),
            &[ERRNO],
            &[Broken(Break::OwnNetwork, Phase::Connect)],
        ),
    ],
};
