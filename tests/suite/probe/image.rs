//! What the kind `image` makes of pictures.

use base64::Engine as _;
use tokio::io::AsyncWriteExt;
use watchfire::model::{FailureKind as Kind, Fault, Outcome, Phase};
use watchfire::probe::Run;

use super::server::{Server, json, reply};
use super::{LONG, failure, run, why};

fn png() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(8, 8, image::Rgb([200, 0, 0]))
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

async fn ask(server: &Server) -> Run {
    run(
        "image",
        "model = \"m\"\nsize = \"256x256\"",
        &server.url("/v1"),
        LONG,
    )
    .await
}

async fn answered(body: &str) -> Run {
    ask(&Server::saying(json(body)).await).await
}

#[tokio::test]
async fn a_picture_in_the_answer_is_decoded() {
    let server = Server::saying(json(&format!(
        r#"{{"created":1,"data":[{{"b64_json":"{}"}}]}}"#,
        base64(&png())
    )))
    .await;
    let run = ask(&server).await;
    assert_eq!(run.outcome, Outcome::Success, "{:?}", run.evidence);
    let request = &server.requests()[0];
    assert!(
        request.starts_with("POST /v1/images/generations ")
            && request.contains(r#""size":"256x256""#),
        "{request}"
    );
}

#[tokio::test]
async fn what_does_not_decode_is_a_bad_image() {
    let mut cut = png();
    cut.truncate(cut.len() / 2);
    for bytes in [b"hello".as_slice(), b"", &cut, &png()[..20]] {
        let run = answered(&format!(
            r#"{{"data":[{{"b64_json":"{}"}}]}}"#,
            base64(bytes)
        ))
        .await;
        let wanted = if bytes.is_empty() {
            Kind::Empty
        } else {
            Kind::BadImage
        };
        assert_eq!(
            (failure(&run), run.failed_in),
            ((wanted, Fault::Provider), Some(Phase::Body)),
            "{}",
            why(&run)
        );
    }
    assert_eq!(
        failure(&answered(r#"{"data":[{"b64_json":"!!!"}]}"#).await).0,
        Kind::BadImage
    );
    assert_eq!(
        failure(&answered(r#"{"data":[{"url":"file:///etc/passwd"}]}"#).await).0,
        Kind::BadImage
    );
    assert_eq!(failure(&answered(r#"{"data":[]}"#).await).0, Kind::Empty);
    assert_eq!(
        failure(&answered(r#"{"error":{"code":"content_policy_violation"}}"#).await),
        (Kind::ErrorBody, Fault::Ours)
    );
}

#[tokio::test]
async fn a_picture_of_absurd_size_is_not_unpacked() {
    // A PNG header that claims 60000x60000 pixels, its checksum as PNG wants it.
    let mut header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    header.extend(60_000u32.to_be_bytes());
    header.extend(60_000u32.to_be_bytes());
    header.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
    let run = answered(&format!(
        r#"{{"data":[{{"b64_json":"{}"}}]}}"#,
        base64(&header)
    ))
    .await;
    assert_eq!(failure(&run).0, Kind::BadImage);
}

#[tokio::test]
async fn a_picture_elsewhere_is_fetched_without_our_key() {
    let elsewhere = Server::saying(reply("200 OK", "image/png", png())).await;
    let run = answered(&format!(
        r#"{{"data":[{{"b64_json":null,"url":"{}"}}]}}"#,
        elsewhere.url("/a.png")
    ))
    .await;
    assert_eq!(run.outcome, Outcome::Success, "{:?}", run.evidence);
    let request = elsewhere.requests().join("");
    assert!(
        request.starts_with("GET /a.png ") && !request.contains("canary"),
        "{request}"
    );
    assert!(
        usize::try_from(run.bytes).unwrap() > png().len(),
        "both replies are counted"
    );
}

#[tokio::test]
async fn a_picture_that_is_not_there_is_the_services_fault() {
    let elsewhere = Server::saying(reply("403 Forbidden", "text/plain", "expired")).await;
    let run = answered(&format!(
        r#"{{"data":[{{"url":"{}"}}]}}"#,
        elsewhere.url("/a.png")
    ))
    .await;
    assert_eq!(failure(&run), (Kind::BadImage, Fault::Provider));
    assert!(why(&run).contains("403"), "{}", why(&run));
}

#[tokio::test]
async fn a_picture_that_leads_in_circles_is_given_up() {
    let elsewhere = Server::start(|mut stream, requests| async move {
        requests.read(&mut stream).await;
        let _ = stream
            .write_all(b"HTTP/1.1 302 F\r\nlocation: /b\r\ncontent-length: 0\r\n\r\n")
            .await;
    })
    .await;
    let run = answered(&format!(
        r#"{{"data":[{{"url":"{}"}}]}}"#,
        elsewhere.url("/a")
    ))
    .await;
    assert_eq!(failure(&run), (Kind::Redirect, Fault::Provider));
}

#[tokio::test]
async fn a_large_picture_is_judged_like_a_small_one() {
    let mut random = fastrand::Rng::with_seed(1);
    let noise = image::RgbImage::from_fn(256, 256, |_, _| {
        image::Rgb(random.u32(..).to_le_bytes()[..3].try_into().unwrap())
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    noise.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    let whole = bytes.into_inner();
    assert!(whole.len() > 128 * 1024);
    for (picture, good) in [(&whole[..], true), (&whole[..whole.len() / 2], false)] {
        let run = answered(&format!(
            r#"{{"data":[{{"b64_json":"{}"}}]}}"#,
            base64(picture)
        ))
        .await;
        assert_eq!(run.outcome == Outcome::Success, good, "{:?}", run.evidence);
        assert_eq!(run.status, Some(200));
        assert!(run.bytes > 64 * 1024);
    }
}
