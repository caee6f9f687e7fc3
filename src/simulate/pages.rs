//! The web pages: the chat, signing in, and what is shown when something fails.

use http::header::{LOCATION, SET_COOKIE};

use super::answer::{Answer, Form, Offer};

/// Name of the cookie that tells who is signed in.
const COOKIE: &str = "session";

/// `GET /`: the chat.
pub(super) fn chat(signed_in: bool) -> Offer {
    let who = if signed_in {
        "<p>Signed in.</p>"
    } else {
        "<p><a href=\"/login\">Sign in</a></p>"
    };
    let body = format!(
        "<h1>Chat</h1>{who}<form><label>Message <textarea name=\"message\"></textarea></label><button>Send</button></form>"
    );
    offer(Answer::page(200, html("Chat", &body)))
}

/// `GET /login`: the form.
pub(super) fn login() -> Offer {
    offer(Answer::page(200, html("Sign in", FORM)))
}

/// `POST /login`: any name with any password is let in; without either, the form comes again with 401.
pub(super) fn sign_in(body: &[u8], mark: u64) -> Offer {
    let filled = |key: &str| {
        url::form_urlencoded::parse(body).any(|(k, value)| k == key && !value.is_empty())
    };
    if !(filled("username") && filled("password")) {
        let again = format!("<p>Name and password, please.</p>{FORM}");
        return offer(Answer::page(401, html("Sign in", &again)));
    }
    let cookie = format!("{COOKIE}={mark:016x}; Path=/; HttpOnly; SameSite=Lax");
    let onward = Answer::page(
        303,
        html("Signed in", "<p><a href=\"/\">To the chat</a></p>"),
    )
    .with(LOCATION, "/")
    .with(SET_COOKIE, &cookie);
    offer(onward)
}

/// Whether a `Cookie` header comes from someone who has signed in.
pub(super) fn signed_in(cookies: Option<&str>) -> bool {
    let mut pairs = cookies.unwrap_or_default().split(';');
    pairs.any(|pair| pair.trim().starts_with(concat!("session", "=")))
}

/// The page of the service's own error.
pub(super) fn failed(status: u16) -> String {
    let body =
        format!("<h1>Something went wrong</h1><p>Error {status}. Please try again later.</p>");
    html("Error", &body)
}

/// The page of the edge when the service behind it gives no proper answer.
pub(super) fn bad_gateway(mark: u64) -> String {
    let body = format!(
        "<h1>Bad gateway <small>Error code 502</small></h1><p>The server behind this address gave no valid answer.</p><footer>Ray ID: {mark:016x}</footer>"
    );
    html("simulated provider | 502: Bad gateway", &body)
}

const FORM: &str = "<h1>Sign in</h1><form method=\"post\" action=\"/login\"><input name=\"username\"><input name=\"password\" type=\"password\"><button>Sign in</button></form>";

fn html(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head><body>{body}</body></html>\n"
    )
}

fn offer(whole: Answer) -> Offer {
    Offer {
        form: Form::Page,
        whole,
        empty: Answer::page(200, ""),
    }
}
