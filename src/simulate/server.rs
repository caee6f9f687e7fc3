//! Carries the provider over HTTP/1.1: accepts, routes, and lets each answer take its time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, COOKIE, HOST};
use http::{HeaderMap, HeaderName, Method, Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, Body, Offer};
use super::provider::{Fate, Provider};
use super::{chat, images, pages, status_page, videos};
use crate::model::scenario::Component;

/// Connections at a time, those that are left hanging included; more wait in the kernel's queue.
const MOST_CONNECTIONS: usize = 2_048;
/// Bytes of a request's body.
const MOST_BODY_BYTES: usize = 1024 * 1024;
/// How long a client may take over its request, on the machine's clock.
const READ_WITHIN: Duration = Duration::from_secs(30);
/// Pause after a failed accept: out of file descriptors, it fails again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Headers that carry a key and nothing else.
const KEY_HEADERS: [&str; 3] = ["x-api-key", "x-goog-api-key", "api-key"];

/// Serves until `stop`; then every connection is dropped as it stands.
pub async fn serve(listener: TcpListener, provider: Arc<Provider>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, provider.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "the fake provider could not accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
}

async fn connection(stream: TcpStream, provider: Arc<Provider>) {
    // Pieces of a stream are small and shall arrive when they are sent.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let provider = provider.clone();
        async move { answer(&provider, request).await }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(READ_WITHIN)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        // A cut and a client that leaves both end here.
        tracing::debug!(%error, "a connection to the fake provider ended early");
    }
}

/// Errs, and so breaks the connection off, only when the client does not deliver its request.
async fn answer(
    provider: &Provider,
    request: Request<Incoming>,
) -> Result<Response<Body>, tokio::time::error::Elapsed> {
    let (head, body) = request.into_parts();
    let body = tokio::time::timeout(READ_WITHIN, Limited::new(body, MOST_BODY_BYTES).collect());
    let answer = match body.await? {
        Ok(body) => {
            let asked = Asked {
                method: if head.method == Method::HEAD {
                    Method::GET
                } else {
                    head.method
                },
                path: head.uri.path().to_owned(),
                query: head.uri.query().unwrap_or_default().to_owned(),
                headers: head.headers,
                body: body.to_bytes(),
            };
            respond(provider, &asked).await
        }
        Err(_) => Answer::error(
            413,
            "invalid_request_error",
            None,
            "The request is too large.",
        ),
    };
    Ok(answer.into_response(provider.clock()))
}

/// A request, read to its end.
struct Asked {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Asked {
    fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The key, in whatever header the shape of the API wants it.
    fn key(&self) -> Option<&str> {
        let bare = KEY_HEADERS
            .iter()
            .find_map(|name| self.headers.get(*name)?.to_str().ok());
        bare.or_else(|| self.header(AUTHORIZATION)?.strip_prefix("Bearer "))
    }
}

async fn respond(provider: &Provider, asked: &Asked) -> Answer {
    let path = asked.path.as_str();
    if is_api(path) && !provider.admits(asked.key()) {
        let shape = chat::Shape::of(path).unwrap_or(chat::Shape::OpenAi);
        return shape.refused(401, Some("invalid_api_key"), "Incorrect API key provided.");
    }
    let Some(component) = component(&asked.method, path) else {
        return unfailing(provider, asked);
    };
    let mut fate = provider.fate(component);
    if component == Component::Video {
        fate = videos::hastened(fate);
    }
    match offer(provider, asked, component, &fate) {
        Ok(mut offer) => {
            if is_api(path) {
                for answer in [&mut offer.whole, &mut offer.empty] {
                    stamp(answer, &fate);
                }
            }
            provider.clock().sleep(fate.latency).await;
            match offer.settle(&fate) {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        }
        Err(refusal) => *refusal,
    }
}

/// Below these the service's API lies.
fn is_api(path: &str) -> bool {
    ["/v1/", "/v1beta/"]
        .iter()
        .any(|root| path.starts_with(root))
}

/// Which component a request belongs to; `None` for what never fails.
fn component(method: &Method, path: &str) -> Option<Component> {
    match (method.as_str(), path) {
        ("POST", _) if chat::Shape::of(path).is_some() => Some(Component::ApiChatCompletions),
        _ if videos::Call::of(method, path).is_some() => Some(Component::Video),
        ("GET", "/v1/models") => Some(Component::Models),
        ("POST", "/v1/images/generations") => Some(Component::ImageGeneration),
        ("GET", "/") => Some(Component::ChatWeb),
        ("GET" | "POST", "/login") | ("GET", "/logout") => Some(Component::Login),
        _ => None,
    }
}

fn offer(
    provider: &Provider,
    asked: &Asked,
    component: Component,
    fate: &Fate,
) -> Result<Offer, Box<Answer>> {
    Ok(match component {
        Component::ApiChatCompletions => {
            let shape = chat::Shape::of(&asked.path).unwrap_or(chat::Shape::OpenAi);
            chat::conversation(shape, &asked.body, &asked.query, fate)?
        }
        Component::Models => {
            chat::models(provider.scenario().start.as_micros().div_euclid(1_000_000))
        }
        Component::ImageGeneration => {
            let host = asked.header(HOST).unwrap_or("localhost");
            images::generation(provider, &asked.body, host, fate)?
        }
        Component::Login if asked.path == "/logout" => pages::sign_out(),
        Component::Login if asked.method == Method::POST => {
            pages::sign_in(provider, &asked.body, fate.mark)
        }
        Component::Login => pages::login(provider, fate.mark),
        Component::ChatWeb => pages::chat(pages::signed_in(asked.header(COOKIE))),
        Component::Video => match videos::Call::of(&asked.method, &asked.path) {
            Some(call) => call.offer(provider, &asked.body, fate)?,
            None => return Err(Box::new(not_found(&asked.path))),
        },
    })
}

/// What does not belong to the service itself: the status page, files, and paths that do not exist.
fn unfailing(provider: &Provider, asked: &Asked) -> Answer {
    let path = asked.path.as_str();
    let get = asked.method == Method::GET;
    let told = |document| Answer::json(200, &document);
    match path {
        "/healthz" if get => Answer::told(200, "text/plain; charset=utf-8", "ok\n"),
        "/status/api/v2/summary.json" if get => {
            told(status_page::summary(provider.scenario(), provider.now()))
        }
        "/status/api/v1/summary" if get => {
            told(status_page::widget(provider.scenario(), provider.now()))
        }
        "/status/api/v2/incidents.json" if get => {
            told(status_page::incidents(provider.scenario(), provider.now()))
        }
        _ => {
            let picture = path.strip_prefix("/files/").filter(|_| get);
            let picture = picture.and_then(|name| images::file(provider, name));
            picture.unwrap_or_else(|| not_found(path))
        }
    }
}

fn not_found(path: &str) -> Answer {
    if is_api(path) {
        let message = format!("Invalid URL ({path})");
        return Answer::error(404, "invalid_request_error", Some("unknown_url"), &message);
    }
    Answer::page(404, pages::failed(404))
}

/// The headers that OpenAI's API puts on its answers.
fn stamp(answer: &mut Answer, fate: &Fate) {
    let took = fate.latency.as_millis().to_string();
    let id = format!("req_{:016x}", fate.mark);
    let fields = [
        ("x-request-id", id.as_str()),
        ("openai-processing-ms", &took),
        ("openai-version", "2020-10-01"),
        ("x-ratelimit-limit-requests", "10000"),
        ("x-ratelimit-remaining-requests", "9999"),
        ("x-ratelimit-reset-requests", "6ms"),
    ];
    for (name, value) in fields {
        if let Ok(value) = value.parse() {
            answer.headers.insert(HeaderName::from_static(name), value);
        }
    }
}
