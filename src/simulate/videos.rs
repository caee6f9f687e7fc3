//! Films, in OpenAI's shape: ordered, asked after until they are done, fetched.
//!
//! Nothing is kept: a film's id tells when it was ordered, and the clock how far it is. So one that was deleted is
//! still there for those who ask.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use super::answer::{Answer, Form, Offer};
use super::chat::wrong;
use super::provider::{Fate, Provider};
use crate::model::Timestamp;
use crate::model::scenario::{Component, FailureMode};

/// A film takes so long at least; longer where the scenario's answers do.
const LEAST_MAKING: Duration = Duration::from_secs(4);
/// Share of the making that passes before it begins.
const QUEUED: f64 = 0.25;
/// The service says at once how far a film is: what takes time is the making.
const MOST_LATENCY: Duration = Duration::from_millis(400);
/// Bytes of picture and sound, which are none: no player shows this film.
const FILLING: usize = 4_096;

/// What is asked of the films, by method and path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call<'p> {
    Create,
    Show(&'p str),
    Fetch(&'p str),
    Delete(&'p str),
}

/// A film that was ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Film {
    ordered: Timestamp,
    mark: u64,
}

/// How far a film is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Queued,
    /// In percent, below 100.
    InProgress(u8),
    Completed,
}

impl<'p> Call<'p> {
    /// `None` for what is no request for films.
    pub(super) fn of(method: &Method, path: &'p str) -> Option<Self> {
        let rest = path.strip_prefix("/v1/videos")?;
        let id = rest.strip_prefix('/');
        match (
            method.as_str(),
            id.map(|id| id.split_once('/').unwrap_or((id, ""))),
        ) {
            ("POST", None) if rest.is_empty() => Some(Call::Create),
            ("GET", Some((id, ""))) => Some(Call::Show(id)),
            ("GET", Some((id, "content"))) => Some(Call::Fetch(id)),
            ("DELETE", Some((id, ""))) => Some(Call::Delete(id)),
            _ => None,
        }
    }

    /// The answer. Errs with the refusal of a request that is wrong.
    pub(super) fn offer(
        self,
        provider: &Provider,
        body: &[u8],
        fate: &Fate,
    ) -> Result<Offer, Box<Answer>> {
        // Not the story's moment: a film goes on when the story begins again.
        let now = provider.clock().now();
        let film = match self {
            Call::Create => return create(body, now, fate),
            Call::Show(id) | Call::Fetch(id) | Call::Delete(id) => Film::read(id),
        };
        let Some(film) = film.filter(|film| film.ordered <= now) else {
            return Err(refused(404, "There is no video with this id."));
        };
        let usual = provider.scenario().latency(Component::Video, 0.5);
        let state = State::after(now.since(film.ordered), usual.max(LEAST_MAKING));
        match self {
            Call::Fetch(_) if state != State::Completed => {
                Err(refused(404, "The video is not ready yet."))
            }
            Call::Fetch(_) => Ok(Offer {
                form: Form::Json,
                whole: Answer::told(200, "video/mp4", mp4()),
                empty: Answer::told(200, "video/mp4", Bytes::new()),
            }),
            Call::Delete(_) => {
                let gone = json!({ "id": film.id(), "object": "video.deleted", "deleted": true });
                Ok(offer(gone))
            }
            _ if fate.failure == Some(FailureMode::ErrorInside) => Ok(Offer {
                form: Form::Settled,
                ..offer(film.failed())
            }),
            _ => Ok(offer(film.document(state))),
        }
    }
}

/// The fate of a request about a film, answered without the time that a film takes.
pub(super) fn hastened(fate: Fate) -> Fate {
    Fate {
        latency: fate.latency.min(MOST_LATENCY),
        ..fate
    }
}

fn create(body: &[u8], now: Timestamp, fate: &Fate) -> Result<Offer, Box<Answer>> {
    let request: Value = serde_json::from_slice(body)
        .map_err(|_| wrong("The body of the request is not valid JSON.", None))?;
    if request["prompt"].as_str().is_none_or(str::is_empty) {
        return Err(wrong(
            "Missing required parameter: 'prompt'.",
            Some("prompt"),
        ));
    }
    let film = Film {
        ordered: now,
        mark: fate.mark,
    };
    Ok(offer(film.document(State::Queued)))
}

impl Film {
    fn id(&self) -> String {
        format!("video_{:016x}{:016x}", self.ordered.as_micros(), self.mark)
    }

    /// Of the id that [`Film::id`] made; `None` for any other.
    fn read(id: &str) -> Option<Self> {
        let digits = id.strip_prefix("video_")?;
        let number = |part: Option<&str>| u64::from_str_radix(part?, 16).ok();
        let film = Self {
            ordered: Timestamp::from_micros(number(digits.get(..16))?.cast_signed()),
            mark: number(digits.get(16..))?,
        };
        (film.id() == id).then_some(film)
    }

    fn document(&self, state: State) -> Value {
        let (status, progress) = match state {
            State::Queued => ("queued", 0),
            State::InProgress(percent) => ("in_progress", percent),
            State::Completed => ("completed", 100),
        };
        json!({
            "id": self.id(), "object": "video", "model": "sora-2", "status": status, "progress": progress,
            "created_at": self.ordered.as_micros().div_euclid(1_000_000), "seconds": "4", "size": "720x1280",
            "error": null,
        })
    }

    fn failed(&self) -> Value {
        let mut document = self.document(State::Queued);
        let message = "The server had an error while making the video.";
        document["status"] = "failed".into();
        document["error"] = json!({ "code": "server_error", "message": message });
        document
    }
}

impl State {
    /// So long after the order of a film that takes `making`, which is not zero.
    fn after(age: Duration, making: Duration) -> Self {
        let done = age.div_duration_f64(making);
        if done < QUEUED {
            State::Queued
        } else if done < 1.0 {
            State::InProgress((done * 100.0) as u8)
        } else {
            State::Completed
        }
    }
}

/// A JSON document that cannot be without content.
fn offer(document: Value) -> Offer {
    Offer {
        form: Form::Json,
        whole: Answer::json(200, &document),
        empty: Answer::json(200, &json!({})),
    }
}

fn refused(status: u16, message: &str) -> Box<Answer> {
    Box::new(Answer::error(
        status,
        "invalid_request_error",
        None,
        message,
    ))
}

/// The boxes of a film (ISO 14496-12): what it is, and a filling.
fn mp4() -> Bytes {
    let boxed = |kind: &[u8; 4], content: &[u8]| {
        let size = u32::try_from(content.len() + 8).unwrap_or(0);
        [&size.to_be_bytes()[..], kind, content].concat()
    };
    let filling = vec![0; FILLING];
    let brands = b"isom\0\0\x02\0isommp41";
    [boxed(b"ftyp", brands), boxed(b"mdat", &filling)]
        .concat()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_film_waits_then_is_made_then_is_done() {
        let after = |ms| State::after(Duration::from_millis(ms), Duration::from_secs(10));
        assert_eq!(after(0), State::Queued);
        assert_eq!(after(2_499), State::Queued);
        assert_eq!(after(2_500), State::InProgress(25));
        assert_eq!(after(9_999), State::InProgress(99));
        assert_eq!(after(10_000), State::Completed);
        assert_eq!(after(u64::MAX), State::Completed);
    }

    #[test]
    fn an_id_is_read_back_and_no_other_text_is_an_id() {
        for ordered in [-1, 0, 1_699_400_000_000_000] {
            let film = Film {
                ordered: Timestamp::from_micros(ordered),
                mark: u64::MAX - 7,
            };
            assert_eq!(Film::read(&film.id()), Some(film));
        }
        for id in [
            "",
            "video_",
            "video_0000000000000001",
            "video_+0000000000000010000000000000002",
            "video_0000000000000001000000000000000A",
            "video_00000000000000010000000000000002f",
            "video_000000000000000é0000000000000002",
        ] {
            assert_eq!(Film::read(id), None, "{id}");
        }
    }

    #[test]
    fn only_the_documented_requests_are_for_films() {
        for (method, path, call) in [
            (Method::POST, "/v1/videos", Some(Call::Create)),
            (Method::GET, "/v1/videos/a", Some(Call::Show("a"))),
            (Method::GET, "/v1/videos/a/content", Some(Call::Fetch("a"))),
            (Method::DELETE, "/v1/videos/a", Some(Call::Delete("a"))),
            (Method::GET, "/v1/videos", None),
            (Method::GET, "/v1/videosa", None),
            (Method::POST, "/v1/videosa", None),
            (Method::POST, "/v1/videos/a", None),
            (Method::GET, "/v1/videos/a/b", None),
            (Method::DELETE, "/v1/videos/a/content", None),
        ] {
            assert_eq!(Call::of(&method, path), call, "{method} {path}");
        }
    }
}
