//! A figure as pixels, for mail programs: they show no SVG.
//!
//! The same drawing as the document, by resvg, with letters of Noto Sans that travel in the program (SIL Open Font
//! License 1.1, see LICENSE-FONTS): what the machine has installed does not matter, and the same figure gives the same
//! bytes everywhere.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};

use super::figure::Figure;
use super::look::{Ink, Look};
use super::pen::{DrawError, failed};
use super::{describe, draw};
use crate::model::scene::Picture;

/// Pixels for each pixel of the figure: telephones have that many.
const SCALE: f32 = 2.0;
/// Name of the letters.
const FAMILY: &str = "Noto Sans";

static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_font_data(notosans::REGULAR_TTF.to_vec());
    fonts.set_sans_serif_family(FAMILY);
    Arc::new(fonts)
});

/// The figure as a picture for a mail.
///
/// # Errors
/// When it cannot be drawn: whoever asks goes on without it.
pub fn picture(figure: &Figure) -> Result<Picture, DrawError> {
    // The picture is an ornament of an alert. Should a crate below break on some name or number, the alert goes out bare.
    catch_unwind(AssertUnwindSafe(|| render(figure))).unwrap_or_else(|_| Err(failed("it broke")))
}

fn render(figure: &Figure) -> Result<Picture, DrawError> {
    let (drawing, size) = draw(figure, &Look::MAIL)?;
    let options = Options {
        font_family: FAMILY.to_owned(),
        fontdb: Arc::clone(&FONTS),
        ..Options::default()
    };
    let tree = Tree::from_str(&drawing, &options).map_err(failed)?;
    let pixels = |length: u32| (length as f32 * SCALE) as u32;
    let mut pixmap =
        Pixmap::new(pixels(size.0), pixels(size.1)).ok_or_else(|| failed("it has no size"))?;
    let scale = pixmap.width() as f32 / tree.size().width().max(1.0);
    let transform = Transform::from_scale(scale, scale);
    resvg::render(&tree, transform, &mut pixmap.as_mut());
    Ok(Picture {
        png: encode(&pixmap)?,
        size,
        alt: describe(figure),
    })
}

type Rgb = [u8; 3];

/// As a PNG of few colours, a third of the size: the inks as they are, the edges between them in sixteen steps.
fn encode(pixmap: &Pixmap) -> Result<Vec<u8>, DrawError> {
    let inks: Vec<Rgb> = Ink::ALL
        .iter()
        .map(|ink| ink.rgb(Look::MAIL.scheme).into())
        .collect();
    let mut palette: Vec<Rgb> = Vec::new();
    let mut known: HashMap<Rgb, usize> = HashMap::new();
    let mut indices: Vec<usize> = Vec::with_capacity(pixmap.data().len() / 4);
    // Most pixels are as the one before.
    let mut before = None;
    for pixel in pixmap.data().chunks_exact(4) {
        if let Some((same, index)) = before
            && same == pixel
        {
            indices.push(index);
            continue;
        }
        let (red, green, blue) = match pixel {
            [red, green, blue, ..] => (*red, *green, *blue),
            _ => continue,
        };
        let color = match inks.contains(&[red, green, blue]) {
            true => [red, green, blue],
            false => [red, green, blue].map(|channel| channel / 17 * 17),
        };
        let index = *known.entry(color).or_insert_with(|| {
            palette.push(color);
            palette.len() - 1
        });
        before = Some((pixel, index));
        indices.push(index);
    }
    let mut bytes = Vec::new();
    let mut png = png::Encoder::new(&mut bytes, pixmap.width(), pixmap.height());
    png.set_depth(png::BitDepth::Eight);
    png.set_compression(png::Compression::High);
    let data = match palette.len() {
        0..=256 => {
            png.set_color(png::ColorType::Indexed);
            png.set_palette(palette.concat());
            // Neighbours of a palette tell nothing about each other.
            png.set_filter(png::Filter::NoFilter);
            indices.iter().map(|i| *i as u8).collect()
        }
        _ => {
            png.set_color(png::ColorType::Rgb);
            let colors = indices.iter().filter_map(|i| palette.get(*i));
            colors.copied().flatten().collect::<Vec<u8>>()
        }
    };
    let mut writer = png.write_header().map_err(failed)?;
    writer.write_image_data(&data).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}
