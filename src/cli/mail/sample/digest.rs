//! A made-up digest.

use std::time::Duration;

use crate::model::Timestamp;
use crate::model::digest::{Digest, ServiceDigest};

/// How a day was.
pub fn digest(at: Timestamp, location: &str) -> Digest {
    let day = Duration::from_secs(86_400);
    let told = |title: &str, incidents, open, facts: &[(&'static str, &str)]| ServiceDigest {
        title: title.to_owned(),
        incidents,
        open,
        facts: facts
            .iter()
            .map(|(what, told)| (*what, (*told).to_owned()))
            .collect(),
    };
    Digest {
        from: at - day,
        to: at,
        zone: chrono_tz::UTC,
        location: location.to_owned(),
        services: vec![
            told(
                "OpenAI",
                1,
                1,
                &[
                    ("up", "98.91 %"),
                    ("objective", "99.5 %: error budget 38 % left"),
                    ("in trouble", "1 h 2 min"),
                    ("noticed after", "3 min 7 s"),
                    (
                        "incident",
                        "1, errors (partial), since 2023-11-08 03:40:35: goes on",
                    ),
                    ("slowest", "image: 9.40 s in the median, 95 % within 21 s"),
                    ("spent", "1.62 USD"),
                ],
            ),
            told(
                "Anthropic",
                0,
                0,
                &[
                    ("up", "100 %"),
                    ("objective", "99.5 %: error budget 96 % left"),
                    ("slowest", "chat: 1.24 s in the median, 95 % within 2.90 s"),
                    ("spent", "0.81 USD"),
                ],
            ),
            told(
                "Our gateway",
                0,
                0,
                &[
                    ("up", "99.97 %"),
                    ("slowest", "models: 41 ms in the median, 95 % within 120 ms"),
                ],
            ),
        ],
        coming: vec![
            "Our gateway: the certificate of llm.example.com:443 ends on 2023-11-14, in 6 days"
                .to_owned(),
            "OpenAI: the model gpt-4-0314 is switched off on 2024-01-04, in 56 days".to_owned(),
        ],
    }
}
