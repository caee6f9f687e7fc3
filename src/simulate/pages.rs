//! The web pages: the chat, signing in and out, and what is shown when something fails.

use http::header::{LOCATION, SET_COOKIE};

use super::answer::{Answer, Form, Offer};
use super::provider::Provider;

/// Name of the cookie that tells who is signed in.
const COOKIE: &str = "session";
/// Name of the form's hidden field.
const TOKEN: &str = "csrf_token";

/// `GET /`: the chat.
pub(super) fn chat(signed_in: bool) -> Offer {
    let who = if signed_in {
        "<p>Signed in. <a href=\"/logout\">Sign out</a></p>"
    } else {
        "<p><a href=\"/login\">Sign in</a></p>"
    };
    let body = format!(
        "<h1>Chat</h1>{who}<form><label>Message <textarea name=\"message\"></textarea></label><button>Send</button></form>"
    );
    offer(Answer::page(200, html("Chat", &body)))
}

/// `GET /login`: the form.
pub(super) fn login(provider: &Provider, mark: u64) -> Offer {
    offer(Answer::page(200, html("Sign in", &form(provider, mark))))
}

/// `POST /login`: any name with any password is let in. Without either the form comes again with 401, without a token
/// of this provider with 403.
pub(super) fn sign_in(provider: &Provider, body: &[u8], mark: u64) -> Offer {
    let holds = |key: &str, right: &dyn Fn(&str) -> bool| {
        url::form_urlencoded::parse(body).any(|(k, value)| k == key && right(&value))
    };
    let filled = |key| holds(key, &|value| !value.is_empty());
    let again = |status, why| {
        let body = format!("<p>{why}</p>{}", form(provider, mark));
        offer(Answer::page(status, html("Sign in", &body)))
    };
    if !holds(TOKEN, &|token| provider.issued(token)) {
        return again(403, "This form is not valid any more. Please try again.");
    }
    if !(filled("username") && filled("password")) {
        return again(401, "Name and password, please.");
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

/// `GET /logout`: the session ends, if there was one.
pub(super) fn sign_out() -> Offer {
    let body = "<h1>Signed out</h1><p><a href=\"/login\">Sign in again</a></p>";
    let ended = format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    offer(Answer::page(200, html("Signed out", body)).with(SET_COOKIE, &ended))
}

/// Whether a `Cookie` header comes from someone who has signed in.
pub(super) fn signed_in(cookies: Option<&str>) -> bool {
    let mut pairs = cookies.unwrap_or_default().split(';');
    pairs.any(|pair| {
        let value = pair.trim().strip_prefix(COOKIE);
        value.is_some_and(|rest| rest.len() > 1 && rest.starts_with('='))
    })
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

fn form(provider: &Provider, mark: u64) -> String {
    let token = provider.token(mark);
    format!(
        "<h1>Sign in</h1><form method=\"post\" action=\"/login\"><input type=\"hidden\" name=\"{TOKEN}\" value=\"{token}\"><input name=\"username\"><input name=\"password\" type=\"password\"><button>Sign in</button></form>"
    )
}

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
