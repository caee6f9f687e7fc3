//! An answer to a test mail in plain words: how far it got, what was said, and what to do.

use crate::notify::{Acceptance, Answer, Step};

/// Two or three lines about one recipient. `reply` is the answer's, without secrets.
pub fn told(recipient: &str, answer: &Answer, reply: &str) -> String {
    let step = at(answer.step);
    let outcome = match (answer.acceptance, answer.step) {
        (Acceptance::Accepted, Step::File) => return format!("{recipient}: {reply}"),
        (Acceptance::Accepted, _) => "accepted by the server".to_owned(),
        (Acceptance::Later, _) => {
            format!("NOT SENT, stopped {step}; an alert would be tried again")
        }
        (Acceptance::Refused, _) => {
            format!("NOT SENT, refused for good {step}; an alert to this address would be lost")
        }
        (Acceptance::Unsure, _) => "PERHAPS SENT: the server did not confirm it".to_owned(),
    };
    let who = if answer.code.is_some() {
        "the server said"
    } else {
        "what happened"
    };
    let mut told = format!("{recipient}: {outcome}\n  {who}: {reply}");
    let remedy = match answer.acceptance {
        Acceptance::Accepted => "if it does not arrive in a minute, look into the spam folder",
        Acceptance::Unsure => {
            "look whether it arrived; an alert would be sent again, as a copy that mail programs can tell"
        }
        Acceptance::Later | Acceptance::Refused => remedy(answer),
    };
    told.push_str("\n  what to do: ");
    told.push_str(remedy);
    told
}

/// The same of a webhook.
pub fn of_webhook(recipient: &str, answer: &Answer, reply: &str) -> String {
    let (outcome, remedy) = match (answer.acceptance, answer.step) {
        (Acceptance::Accepted, _) => return format!("{recipient}: accepted ({reply})"),
        (Acceptance::Refused, _) => (
            "NOT SENT, refused for good",
            "check `form`: the receiver does not understand what it was sent",
        ),
        (Acceptance::Unsure, _) => (
            "PERHAPS SENT: nothing was said in time",
            "look whether it arrived; an alert would be sent again, with the same `webhook-id`",
        ),
        (Acceptance::Later, Step::Auth) => (
            "NOT SENT; an alert would be tried again",
            "check `url` and `secret`: the receiver does not let this one in",
        ),
        (Acceptance::Later, Step::Service) => (
            "NOT SENT; an alert would be tried again",
            "nothing yet: the receiver can take nothing now",
        ),
        (Acceptance::Later, _) => (
            "NOT SENT; an alert would be tried again",
            "check `url`, and that this machine reaches it: no proxy of the environment is used",
        ),
    };
    format!("{recipient}: {outcome}\n  what happened: {reply}\n  what to do: {remedy}")
}

/// Where it stopped.
const fn at(step: Step) -> &'static str {
    match step {
        Step::Resolve => "while looking up the server's name",
        Step::Connect => "while connecting",
        Step::Tls => "in the TLS handshake",
        Step::Greeting => "at the server's greeting",
        Step::Starttls => "when asking for TLS",
        Step::Auth => "at the log-in",
        Step::Service => "at the receiver",
        Step::Sender => "at the sender's address",
        Step::Recipient => "at the recipient's address",
        Step::Data | Step::Message => "at the mail itself",
        Step::File => "while writing the file",
    }
}

/// The likely remedy for a mail that was not sent.
fn remedy(answer: &Answer) -> &'static str {
    let reply = answer.reply.to_ascii_lowercase();
    let says = |word: &str| reply.contains(word);
    match (answer.step, answer.code) {
        (_, Some(400..=499)) => {
            "nothing yet: the server refuses for now (greylisting, load); try again in some minutes, as the daemon does"
        }
        (_, Some(530)) => "the server wants a log-in: set `user` and `password` in [smtp]",
        (Step::Resolve, _) => {
            "check the host of `url` in [smtp], and that this machine can look up names"
        }
        (Step::Connect, _) => {
            "check host and port of `url` in [smtp] (587 for smtp://, 465 for smtps://), and whether a firewall or the hoster blocks the port"
        }
        (Step::Tls, _) => tls(says),
        (Step::Greeting, Some(_)) => {
            "the server turns this machine away: use the server on which `user` has a mailbox (port 587 or 465), or ask who runs this one"
        }
        (Step::Greeting, None) => {
            "check that a mail server listens there, for clients to log in: port 465 needs smtps://, port 587 smtp://"
        }
        (Step::Starttls, _) => {
            "use smtps:// with port 465, or the server's port for clients: mail is never sent in clear"
        }
        (Step::Auth, None) if says("neither") => {
            "use the server's port for clients (587 or 465), where it takes a password; or remove `user` and `password`, if it trusts this machine"
        }
        (Step::Auth, Some(534 | 535)) => {
            "check `user` and `password` in [smtp]; many providers want an app password in place of the usual one"
        }
        (Step::Auth, _) => {
            "check `user` and `password` in [smtp], and which log-ins the server takes"
        }
        (Step::Service, _) => "nothing yet: try again in some minutes, as the daemon does",
        (Step::Sender, None) | (Step::Recipient, None) if says("smtputf8") => {
            "use an address of plain letters: this server takes no others"
        }
        (Step::Sender, _) => "set `from` in [smtp] to an address that this user may send as",
        (Step::Recipient | Step::Data | Step::Message, Some(552)) => {
            "make room: the mailbox is full, or the server's limit for the size of a mail is very low"
        }
        (Step::Recipient, Some(_)) if says("relay") => {
            "the server does not send on for strangers: set `user` and `password` in [smtp]"
        }
        (Step::Recipient, Some(_)) if says("5.7.") => {
            "the server's policy forbids it: check that `from` in [smtp] belongs to the user, and that this machine is on no block list"
        }
        (Step::Recipient, _) => "check the address: the server says that it is none of its own",
        (Step::Data | Step::Message, Some(_)) => {
            "the server refuses this mail by what is in it, as spam filters do: let it trust `from`, and check SPF and DKIM of that domain"
        }
        (Step::Data | Step::Message, None) => {
            "try again; if it stays so, ask who runs the server: its log says why it broke off"
        }
        (Step::File, _) => "check `data_dir`, who may write there, and the room on its disk",
    }
}

fn tls(says: impl Fn(&str) -> bool) -> &'static str {
    if says("unknownissuer") || says("badsignature") {
        "the certificate comes from an issuer that is not trusted: name that issuer's certificate with `ca = \"FILE\"` in [smtp]"
    } else if says("not valid for name") {
        "write the host in `url` of [smtp] as it is named in the certificate"
    } else if says("expired") {
        "the server's certificate is too old: who runs the server must renew it (or the clock of this machine is wrong)"
    } else if says("not valid yet") {
        "the server's certificate is too new, or the clock of this machine is wrong"
    } else if says("in clear") {
        "use smtps:// with port 465; a device between here and the server may be changing what is sent"
    } else if says("corrupt message") {
        "this port does not begin with TLS: use smtp:// (with port 587)"
    } else {
        "check that the port fits the scheme: port 465 needs smtps://, port 587 smtp://"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_remedy() {
        for (step, code, reply, word) in [
            (Step::Resolve, None, "no such host", "look up names"),
            (Step::Connect, None, "connection refused", "firewall"),
            (
                Step::Tls,
                None,
                "invalid peer certificate: UnknownIssuer",
                "`ca =",
            ),
            (
                Step::Tls,
                None,
                "invalid peer certificate: certificate not valid for name \"a\"",
                "as it is named",
            ),
            (
                Step::Tls,
                None,
                "invalid peer certificate: certificate expired",
                "renew",
            ),
            (Step::Tls, None, "received corrupt message", "smtp://"),
            (Step::Tls, None, "text in clear between", "device"),
            (Step::Greeting, None, "no answer in time", "smtps://"),
            (
                Step::Starttls,
                None,
                "offers no STARTTLS",
                "never sent in clear",
            ),
            (Step::Auth, Some(535), "5.7.8 failed", "app password"),
            (Step::Auth, None, "neither AUTH PLAIN", "587"),
            (Step::Auth, Some(454), "4.7.0 not now", "try again"),
            (Step::Sender, Some(530), "5.7.0 log in", "`user`"),
            (Step::Sender, Some(553), "5.7.1 rejected", "`from`"),
            (
                Step::Recipient,
                Some(554),
                "5.7.1 Relay access denied",
                "`user`",
            ),
            (Step::Recipient, Some(550), "5.7.1 blocked", "block list"),
            (Step::Recipient, Some(550), "5.1.1 user unknown", "address"),
            (Step::Recipient, Some(450), "4.2.0 greylisted", "try again"),
            (Step::Message, Some(554), "5.7.1 spam", "SPF"),
            (Step::Message, Some(552), "5.3.4 too big", "room"),
            (Step::Message, None, "closed", "log"),
            (Step::File, None, "no space", "disk"),
        ] {
            let answer = Answer::new(Acceptance::Later, step, code, reply);
            let said = remedy(&answer);
            assert!(said.contains(word), "{step:?} {code:?} {reply}: {said}");
        }
    }

    #[test]
    fn what_came_of_it_is_told_with_its_step_and_the_words_of_the_server() {
        let answer = |acceptance, step, code| Answer::new(acceptance, step, code, "so it is");
        let told = |a: Answer| told("a@example.com", &a, &a.reply);
        insta::assert_snapshot!(
            [
                told(answer(Acceptance::Accepted, Step::Message, Some(250))),
                told(answer(Acceptance::Accepted, Step::File, None)),
                told(answer(Acceptance::Later, Step::Auth, Some(535))),
                told(answer(Acceptance::Refused, Step::Recipient, Some(550))),
                told(answer(Acceptance::Unsure, Step::Message, None)),
            ]
            .join("\n")
        );
    }
}
