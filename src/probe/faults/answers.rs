//! What the kinds of probes themselves find wrong with an answer: here only for the page, so that it names every kind.

use super::{ours, theirs};
use crate::model::{FailureKind as Kind, Outcome};

/// What it comes to, what was seen, and what to do.
pub(super) const ANSWERS: &[(Outcome, &str, &str)] = &[
    (
        theirs(Kind::ErrorBody),
        "an error object inside a 200; the rows above say whose fault it is",
        "Read its words.",
    ),
    (
        theirs(Kind::ErrorEvent),
        "an error event in a stream that began with 200; the rows above say whose fault it is",
        "Read its words; the tokens before it say how far the answer came.",
    ),
    (
        theirs(Kind::Truncated),
        "a stream that ended without saying that it is complete, or a body cut short",
        "Look at the time limits of every proxy between.",
    ),
    (
        theirs(Kind::Stalled),
        "a stream that went silent for longer than `stall_after`",
        "Nothing on this side; a longer `stall_after` only hides it.",
    ),
    (
        theirs(Kind::Timeout),
        "an answer that was not complete within `timeout`",
        "If it is only slow, raise `timeout`.",
    ),
    (
        theirs(Kind::Empty),
        "a 200 with nothing in it: no body, no choice, no text",
        "Nothing on this side, unless the model spends `max_tokens` on reasoning.",
    ),
    (
        theirs(Kind::WrongContent),
        "an answer that `expect` does not allow, a whole answer for a stream, a web page or malformed JSON in its place",
        "Compare what came with what `expect` wants.",
    ),
    (
        theirs(Kind::TooLarge),
        "an answer larger than `max_bytes`, or an event longer than 64 KiB",
        "If the service means it so, raise `max_bytes`.",
    ),
    (
        theirs(Kind::BadImage),
        "bytes that are no whole picture",
        "Nothing on this side.",
    ),
    (
        theirs(Kind::JobFailed),
        "a job that the service itself ended as failed",
        "Read its reason; a prompt may have been refused.",
    ),
    (
        theirs(Kind::UnexpectedStatus),
        "a 2xx that is not in `expect.status`",
        "If the service means it so, list it.",
    ),
    (
        theirs(Kind::Redirect),
        "a redirect that loops, leaves http(s), or is one more than `redirects` allows",
        "Write the address that it leads to.",
    ),
    (
        ours(Kind::ContentFilter),
        "an answer that ends with `content_filter`, `refusal`, `SAFETY` or the like",
        "Ask something harmless.",
    ),
    (
        ours(Kind::BadRequest),
        "an answer without a word because `max_tokens` was used up by reasoning",
        "Raise `max_tokens`.",
    ),
    (
        ours(Kind::CertExpiring),
        "a certificate that ends sooner than `cert_valid_for`",
        "Renew it in time.",
    ),
    (
        Outcome::Degraded(Kind::TooSlow),
        "a right answer, later than `latency_under` or `first_token_within`",
        "If it lasts, it is told as degraded.",
    ),
    (
        theirs(Kind::CountRaised),
        "a number of reports or errors that is higher than chance allows",
        "A second opinion beside the probes: look whether they agree.",
    ),
    (
        ours(Kind::Internal),
        "a defect of watchfire",
        "Please report it, with what was shown.",
    ),
];
