//! Whether bytes are the picture that was wanted: format, whole decoding, size.
//!
//! A header alone is there in a broken picture too, so all is decoded, within limits; AVIF is only known by its first
//! bytes. What a picture shows is not judged: a blank one may be what was asked for.

use std::io::Cursor;

use image::{ImageReader, Limits};

use crate::diagnostic::Problem;
use crate::model::FailureKind;
use crate::probe::evidence::excerpt;
use crate::probe::expect::Expect;
use crate::probe::fields::Fields;

/// Wider or higher than any service draws.
const LARGEST_SIDE: u32 = 8192;
/// What decoding may take: 4096x4096 in RGBA, and half as much again for the decoder.
const DECODER_BYTES: u64 = 96 * 1024 * 1024;
/// The keys of `expect` that are about the picture.
pub(super) const KEYS: &[&str] = &["format", "min_bytes", "min_width", "min_height", "size"];

/// A format of pictures, as its first bytes tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Png,
    Jpeg,
    Webp,
    Gif,
    Avif,
}

impl Format {
    const ALL: [(Format, &'static str); 5] = [
        (Format::Png, "png"),
        (Format::Jpeg, "jpeg"),
        (Format::Webp, "webp"),
        (Format::Gif, "gif"),
        (Format::Avif, "avif"),
    ];

    fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(format, _)| *format == self)
            .map_or("", |(_, name)| name)
    }

    /// From `png`, `image/png` or `image/png; q=1`; `None` for any other word.
    pub(super) fn said(word: &str) -> Option<Self> {
        let word = word.split(';').next()?.trim().to_ascii_lowercase();
        let word = word.strip_prefix("image/").unwrap_or(&word);
        let word = if word == "jpg" { "jpeg" } else { word };
        Self::ALL
            .iter()
            .find(|(_, name)| *name == word)
            .map(|(format, _)| *format)
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        let brand = |brand: &[u8]| {
            // The major brand, or one of the first compatible ones.
            bytes.get(4..8) == Some(b"ftyp")
                && bytes[8..bytes.len().min(40)].chunks(4).any(|b| b == brand)
        };
        match bytes {
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some(Format::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Format::Jpeg),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Some(Format::Webp),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Format::Gif),
            _ if brand(b"avif") || brand(b"avis") => Some(Format::Avif),
            _ => None,
        }
    }
}

/// What `expect` says about the picture; the default wants any that decodes.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    format: Option<Format>,
    min_bytes: usize,
    min_width: u32,
    min_height: u32,
    size: Option<(u32, u32)>,
}

impl Wanted {
    /// Reads the keys [`KEYS`] of `expect`, of which `expect` holds the rest.
    pub(super) fn read(probe: &mut Fields<'_, '_>, expect: &Expect) -> Self {
        let Some(value) = probe.get("expect") else {
            return Self::default();
        };
        // A table that is none, and keys that nobody knows, are told of by `Expect`.
        let mut fields = Fields::of(value);
        if value.get_ref().as_table().is_none() {
            return Self::default();
        }
        let mut side = |key: &str| {
            fields
                .number(key, 1..u64::from(LARGEST_SIDE) + 1)
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(0)
        };
        let (min_width, min_height) = (side("min_width"), side("min_height"));
        let wanted = Self {
            format: fields.text("format").and_then(|word| {
                let format = Format::said(word);
                if format.is_none() {
                    let fault = Problem::new(fields.span("format"), "no format of pictures")
                        .help("one of png, jpeg, webp, gif, avif");
                    fields.fault(fault);
                }
                format
            }),
            min_bytes: expect.min_bytes(),
            min_width,
            min_height,
            size: fields.text("size").and_then(|text| {
                let sides = sides(text);
                if sides.is_none() {
                    let fault = Problem::new(fields.span("size"), "no size of a picture")
                        .help("as \"1024x1024\", width first");
                    fields.fault(fault);
                }
                sides
            }),
        };
        probe.take::<()>(Err(fields.problems()));
        wanted
    }

    /// Why these bytes are not the picture that was wanted; `said` is the format that they came under.
    pub(super) fn fault(&self, bytes: &[u8], said: Option<&str>) -> Option<(FailureKind, String)> {
        let (format, sides) = match decode(bytes, said) {
            Ok(read) => read,
            Err(why) => return Some((FailureKind::BadImage, why)),
        };
        let wrong = |why: String| Some((FailureKind::WrongContent, why));
        if let Some(wanted) = self.format.filter(|wanted| *wanted != format) {
            let (found, wanted) = (format.name(), wanted.name());
            return wrong(format!("the picture is a {found}, wanted a {wanted}"));
        }
        if bytes.len() < self.min_bytes {
            let (found, least) = (bytes.len(), self.min_bytes);
            return wrong(format!(
                "the picture has {found} bytes, wanted at least {least}"
            ));
        }
        let (width, height) = sides?;
        let found = format!("the picture is {width}x{height}");
        if let Some((w, h)) = self.size.filter(|size| *size != (width, height)) {
            return wrong(format!("{found}, wanted {w}x{h}"));
        }
        if width < self.min_width || height < self.min_height {
            let (w, h) = (self.min_width.max(1), self.min_height.max(1));
            return wrong(format!("{found}, wanted at least {w}x{h}"));
        }
        None
    }
}

fn sides(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once('x')?;
    let side = |text: &str| text.parse().ok().filter(|n| (1..=LARGEST_SIDE).contains(n));
    Some((side(width)?, side(height)?))
}

/// The format, and width and height where the format is decoded.
fn decode(bytes: &[u8], said: Option<&str>) -> Result<(Format, Option<(u32, u32)>), String> {
    if bytes.is_empty() {
        return Err("the picture has no bytes".to_owned());
    }
    let Some(format) = Format::of(bytes) else {
        let begin = excerpt(&bytes[..bytes.len().min(40)]);
        let size = bytes.len();
        return Err(format!(
            "{size} bytes that are no picture, they begin with {begin:?}"
        ));
    };
    if let Some(said) = said.and_then(Format::said).filter(|said| *said != format) {
        let (said, found) = (said.name(), format.name());
        return Err(format!("said to be a {said}, but the bytes are a {found}"));
    }
    if format == Format::Avif {
        return Ok((format, None));
    }
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|fault| fault.to_string())?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(LARGEST_SIDE);
    limits.max_image_height = Some(LARGEST_SIDE);
    limits.max_alloc = Some(DECODER_BYTES);
    reader.limits(limits);
    match reader.decode() {
        Ok(picture) => Ok((format, Some((picture.width(), picture.height())))),
        Err(fault) => {
            let (size, name) = (bytes.len(), format.name());
            Err(format!(
                "the {name} of {size} bytes cannot be decoded: {fault}"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(format: image::ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image::RgbImage::new(8, 4)
            .write_to(&mut bytes, format)
            .unwrap();
        bytes.into_inner()
    }

    #[test]
    fn every_format_is_known_by_its_bytes_and_a_wrong_word_for_it_is_told() {
        let avif = b"\0\0\0\x20ftypavif\0\0\0\0mif1".to_vec();
        let all = [
            ("png", drawn(image::ImageFormat::Png)),
            ("jpeg", drawn(image::ImageFormat::Jpeg)),
            ("webp", drawn(image::ImageFormat::WebP)),
            ("gif", drawn(image::ImageFormat::Gif)),
            ("avif", avif),
        ];
        for (name, bytes) in &all {
            let wanted = Wanted::default();
            for said in [
                None,
                Some(*name),
                Some(&*format!("IMAGE/{name}; q=1")),
                Some("application/octet-stream"),
            ] {
                assert_eq!(wanted.fault(bytes, said), None, "{name} as {said:?}");
            }
            let other = if *name == "png" {
                "image/jpg"
            } else {
                "image/png"
            };
            let (kind, why) = wanted.fault(bytes, Some(other)).unwrap();
            assert_eq!(kind, FailureKind::BadImage);
            assert!(
                why.starts_with("said to be a ") && why.ends_with(name),
                "{why}"
            );
        }
    }

    #[test]
    fn what_is_wanted_of_a_picture_is_measured_on_it() {
        let bytes = drawn(image::ImageFormat::Png);
        let fault = |wanted: Wanted| wanted.fault(&bytes, None).map(|(_, why)| why);
        let any = Wanted::default;
        for (wanted, why) in [
            (
                Wanted {
                    format: Some(Format::Webp),
                    ..any()
                },
                "the picture is a png, wanted a webp",
            ),
            (
                Wanted {
                    size: Some((8, 8)),
                    ..any()
                },
                "the picture is 8x4, wanted 8x8",
            ),
            (
                Wanted {
                    min_height: 5,
                    ..any()
                },
                "the picture is 8x4, wanted at least 1x5",
            ),
        ] {
            assert_eq!(fault(wanted).as_deref(), Some(why));
        }
        let wanted = Wanted {
            min_bytes: bytes.len() + 1,
            ..any()
        };
        assert!(fault(wanted).unwrap().contains("wanted at least"));
        let wanted = Wanted {
            format: Some(Format::Png),
            size: Some((8, 4)),
            min_bytes: bytes.len(),
            min_width: 8,
            min_height: 4,
        };
        assert_eq!(fault(wanted), None);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let mut random = fastrand::Rng::with_seed(1);
        let whole = drawn(image::ImageFormat::Png);
        for length in 0..whole.len() {
            let _ = Wanted::default().fault(&whole[..length], None);
        }
        for head in [&b"\0\0\0\x20ftyp"[..], b"RIFF", b"GIF89a", b"\xff\xd8\xff"] {
            for _ in 0..50 {
                let mut bytes = head.to_vec();
                bytes.extend((0..random.usize(..60)).map(|_| random.u8(..)));
                let _ = Wanted::default().fault(&bytes, None);
            }
        }
    }
}
