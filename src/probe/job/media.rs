//! Whether bytes are what they are said to be: first bytes, and the end where a format has one.
//!
//! A film is not decoded; that its boxes add up to its length shows that it is whole.

use serde_json::Value;

/// How a kind of media is told.
struct Media {
    /// What `expect.media` and content types call it; the first is the one shown.
    names: &'static [&'static str],
    begins: fn(&[u8]) -> bool,
    /// What is wrong with bytes that begin well.
    fault: fn(&[u8]) -> Option<String>,
}

const ALL: &[Media] = &[
    Media {
        names: &["video/mp4", "video/quicktime", "video/x-m4v", "audio/mp4"],
        begins: |b| b.get(4..8) == Some(b"ftyp"),
        fault: boxes,
    },
    Media {
        names: &["video/webm", "video/x-matroska", "audio/webm"],
        begins: |b| b.starts_with(b"\x1a\x45\xdf\xa3"),
        fault: |_| None,
    },
    Media {
        names: &["image/png"],
        begins: |b| b.starts_with(b"\x89PNG\r\n\x1a\n"),
        fault: |b| ends(b, b"IEND", 12, "IEND"),
    },
    Media {
        names: &["image/jpeg", "image/jpg"],
        begins: |b| b.starts_with(b"\xff\xd8\xff"),
        fault: |b| ends(b, b"\xff\xd9", 1024, "end marker"),
    },
    Media {
        names: &["image/webp"],
        begins: |b| b.starts_with(b"RIFF") && b.get(8..12) == Some(b"WEBP"),
        fault: riff,
    },
    Media {
        names: &["image/gif"],
        begins: |b| b.starts_with(b"GIF87a") || b.starts_with(b"GIF89a"),
        fault: |_| None,
    },
    Media {
        names: &["audio/mpeg", "audio/mp3"],
        begins: |b| {
            b.starts_with(b"ID3") || matches!(b, [0xff, second, ..] if second & 0xe0 == 0xe0)
        },
        fault: |_| None,
    },
    Media {
        names: &["audio/wav", "audio/x-wav", "audio/wave"],
        begins: |b| b.starts_with(b"RIFF") && b.get(8..12) == Some(b"WAVE"),
        fault: |_| None,
    },
    Media {
        names: &["audio/ogg", "video/ogg", "application/ogg"],
        begins: |b| b.starts_with(b"OggS"),
        fault: |_| None,
    },
    Media {
        names: &["audio/flac"],
        begins: |b| b.starts_with(b"fLaC"),
        fault: |_| None,
    },
    Media {
        names: &["application/pdf"],
        begins: |b| b.starts_with(b"%PDF-"),
        fault: |b| ends(b, b"%%EOF", 1024, "%%EOF"),
    },
    Media {
        names: &["application/zip"],
        begins: |b| b.starts_with(b"PK\x03\x04") || b.starts_with(b"PK\x05\x06"),
        fault: |b| ends(b, b"PK\x05\x06", 66_000, "directory"),
    },
    Media {
        names: &["application/gzip", "application/x-gzip"],
        begins: |b| b.starts_with(b"\x1f\x8b"),
        fault: |_| None,
    },
    Media {
        names: &["model/gltf-binary"],
        begins: |b| b.starts_with(b"glTF"),
        fault: |_| None,
    },
    Media {
        names: &["application/json"],
        begins: |b| {
            matches!(
                b.trim_ascii_start(),
                [
                    b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n',
                    ..
                ]
            )
        },
        fault: |b| {
            let fault = serde_json::from_slice::<Value>(b).err()?;
            Some(format!("it is no JSON ({fault})"))
        },
    },
    Media {
        names: &[
            "application/jsonl",
            "application/x-ndjson",
            "application/x-jsonlines",
            "text/jsonl",
        ],
        begins: |b| matches!(b.trim_ascii_start(), [b'{' | b'[', ..]),
        fault: lines,
    },
    Media {
        names: &["text/plain", "text/csv", "text/markdown", "text/vtt"],
        begins: |b| !b.contains(&0) && std::str::from_utf8(b).is_ok(),
        fault: |_| None,
    },
];

/// A kind of media that a probe may want, by one of its names.
pub(super) fn known(name: &str) -> Option<&'static str> {
    find(name).and_then(|media| media.names.first()).copied()
}

/// All kinds, for a message.
pub(super) fn listed() -> String {
    let names: Vec<_> = ALL
        .iter()
        .filter_map(|media| media.names.first())
        .copied()
        .collect();
    names.join(", ")
}

/// A name as content types write it: in any case, with parameters.
fn find(name: &str) -> Option<&'static Media> {
    let name = name.split(';').next()?.trim().to_ascii_lowercase();
    ALL.iter().find(|media| media.names.contains(&&*name))
}

/// Whether bytes are of the wanted kind. Errs with what they are instead, or with what is wrong with them.
pub(super) fn check(bytes: &[u8], wanted: &str) -> Result<(), Fault> {
    let Some(media) = find(wanted) else {
        return Ok(());
    };
    let name = media.names.first().copied().unwrap_or_default();
    if !(media.begins)(bytes) {
        let found = ALL
            .iter()
            .take_while(|m| !m.names.contains(&"application/json"));
        let found = found.clone().find(|m| (m.begins)(bytes));
        let found = found.and_then(|m| m.names.first());
        let size = bytes.len();
        return Err(Fault::Other(match found {
            Some(found) => format!("{size} bytes of {found}, wanted {name}"),
            None => format!("{size} bytes that are no {name}"),
        }));
    }
    match (media.fault)(bytes) {
        Some(why) => Err(Fault::Incomplete(format!("the {name} is not whole: {why}"))),
        None => Ok(()),
    }
}

/// Why bytes are not the wanted media.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// They are something else.
    Other(String),
    /// They begin well.
    Incomplete(String),
}

/// The boxes of an MP4 follow each other to its end.
fn boxes(bytes: &[u8]) -> Option<String> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let number = |from: usize, to: usize| {
            let digits = rest.get(from..to)?;
            Some(
                digits
                    .iter()
                    .fold(0u64, |n, digit| n << 8 | u64::from(*digit)),
            )
        };
        let size = match number(0, 4) {
            // The last one may reach to the end, whatever that is.
            Some(0) => return None,
            Some(1) => number(8, 16),
            size => size,
        };
        let left = rest.len();
        let next = size
            .filter(|size| *size >= 8)
            .and_then(|size| rest.get(usize::try_from(size).ok()?..));
        match next {
            Some(next) => rest = next,
            None => {
                return Some(format!(
                    "a box at its end does not fit into the last {left} bytes"
                ));
            }
        }
    }
    None
}

/// A RIFF file is as long as it says.
fn riff(bytes: &[u8]) -> Option<String> {
    let size = bytes.get(4..8)?;
    let size = size
        .iter()
        .rev()
        .fold(0usize, |n, digit| n << 8 | usize::from(*digit));
    (size + 8 > bytes.len()).then(|| format!("it says that it has {} bytes", size + 8))
}

fn ends(bytes: &[u8], mark: &[u8], within: usize, name: &str) -> Option<String> {
    let tail = &bytes[bytes.len().saturating_sub(within)..];
    let found = tail.windows(mark.len()).any(|window| window == mark);
    (!found).then(|| format!("its {name} is missing"))
}

/// Every line is JSON.
fn lines(bytes: &[u8]) -> Option<String> {
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    let mut lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    lines.find_map(|(number, line)| {
        let fault = serde_json::from_slice::<Value>(line).err()?;
        Some(format!("line {} is no JSON ({fault})", number + 1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small film: three boxes that add up.
    fn film() -> Vec<u8> {
        let mut bytes = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom".to_vec();
        bytes.extend(b"\0\0\0\x0cmdatfilm");
        bytes.extend(b"\0\0\0\x08moov");
        bytes
    }

    #[test]
    fn media_are_known_by_their_bytes_and_their_end() {
        let film = film();
        let cut = &film[..film.len() - 3];
        let cases: &[(&[u8], &str, Option<&str>)] = &[
            (&film, "video/mp4", None),
            (&film, "Video/MP4; codecs=avc1", None),
            (cut, "video/mp4", Some("the video/mp4 is not whole")),
            (
                b"<html>",
                "video/mp4",
                Some("6 bytes that are no video/mp4"),
            ),
            (
                b"\x89PNG\r\n\x1a\n",
                "video/mp4",
                Some("8 bytes of image/png, wanted video/mp4"),
            ),
            (
                b"\x89PNG\r\n\x1a\n....",
                "image/png",
                Some("its IEND is missing"),
            ),
            (b"\x1a\x45\xdf\xa3", "video/webm", None),
            (b"{\"a\":1}", "application/json", None),
            (b"{\"a\":1", "application/json", Some("it is no JSON")),
            (b"{\"a\":1}\n\n{\"b\":2}\n", "application/jsonl", None),
            (
                b"{\"a\":1}\n{\"b\":",
                "application/jsonl",
                Some("line 2 is no JSON"),
            ),
            (b"%PDF-1.7\n%%EOF\n", "application/pdf", None),
            (b"%PDF-1.7\n", "application/pdf", Some("%%EOF is missing")),
            (
                b"PK\x03\x04..",
                "application/zip",
                Some("directory is missing"),
            ),
            (
                b"RIFF\xff\0\0\0WEBP",
                "image/webp",
                Some("says that it has 263 bytes"),
            ),
            (b"a,b\n", "text/csv", None),
            (b"anything", "application/x-unknown", None),
        ];
        for (bytes, wanted, why) in cases {
            let found = check(bytes, wanted);
            match (found, why) {
                (Ok(()), None) => {}
                (Err(Fault::Other(found) | Fault::Incomplete(found)), Some(why)) => {
                    assert!(found.contains(why), "{wanted}: {found}");
                }
                (found, _) => panic!("{wanted} of {bytes:?}: {found:?}"),
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let mut random = fastrand::Rng::with_seed(2);
        for media in ALL {
            for _ in 0..500 {
                let mut bytes = film();
                let at = random.usize(..bytes.len());
                bytes[at] = random.u8(..);
                bytes.truncate(random.usize(..=bytes.len()));
                let _ = ((media.begins)(&bytes), (media.fault)(&bytes));
            }
        }
    }
}
