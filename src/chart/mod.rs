//! Figures: the error rate of a service over time, its incidents and mails, and what others said of it, as a picture and
//! in words.
//!
//! Pure: takes what is known and gives text. `figure` is what is shown, `layout` where, `look` how; `lanes` and `panels`
//! draw with `pen`, `document` finishes it, `raster` makes pixels of it, and `words` says the same without a picture.

mod document;
pub mod figure;
mod lanes;
mod layout;
pub mod look;
mod panels;
mod pen;
mod raster;
mod rates;
mod ticks;
mod words;

pub use figure::{Figure, MailMark, Mark, Period, Run, Span};
pub use look::{Look, Scheme};
pub use pen::DrawError;
pub use raster::picture;
pub use words::describe;

use layout::Layout;
use look::Ink;
use pen::Side;

/// Draws the figure as an SVG document, with its description inside.
///
/// In the light scheme the document also holds the colours of the dark one, for readers who prefer it.
///
/// # Errors
/// When the drawing crate refuses; no figure is known for which it does.
pub fn svg(figure: &Figure, look: &Look) -> Result<String, DrawError> {
    let (drawing, size) = draw(figure, look)?;
    Ok(document::finish(
        &drawing,
        size,
        pen::points(size),
        look.scheme,
        &figure.title,
        &describe(figure),
    ))
}

/// The drawing without what makes it a document of its own, and its size in pixels.
fn draw(figure: &Figure, look: &Look) -> Result<(String, (u32, u32)), DrawError> {
    let layout = Layout::new(figure, look);
    let (width, height) = layout.size;
    let drawing = pen::svg(layout.size, look.scheme, |pen| {
        pen.fill(
            (0.0, 0.0),
            (f64::from(width), f64::from(height)),
            Ink::Ground,
        )?;
        let letter = layout.letter * 1.15;
        let room = layout.right - layout.letter;
        let title = pen::cut(&figure.title, letter, room);
        let place = (layout.letter, layout.title.middle());
        pen.words(&title, place, Side::Start, letter, Ink::Text)?;
        panels::rate(pen, &layout, figure)?;
        panels::rows(pen, &layout, figure)?;
        panels::latency(pen, &layout, figure)?;
        panels::axis(pen, &layout, figure)?;
        lanes::incidents(pen, &layout, figure)?;
        lanes::marks(pen, &layout, figure)?;
        lanes::mails(pen, &layout, figure)
    })?;
    Ok((drawing, layout.size))
}

#[cfg(test)]
mod tests;
