//! The pen: rectangles, lines, areas and words in the figure's own colours. The only file that knows the drawing crate,
//! so that the same figure can be drawn as SVG and on any other ground of it.

use plotters::coord::Shift;
use plotters::element::{PathElement, Polygon, Rectangle, Text};
use plotters::prelude::{DrawingArea, DrawingBackend, IntoDrawingArea, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontFamily, FontStyle, RGBColor, ShapeStyle, TextStyle};

use super::look::{Ink, Scheme};

/// Points of the drawing crate's grid in a pixel: it knows whole points only, and whole pixels are too coarse for a line.
const GRAIN: f64 = 4.0;
/// The drawing crate writes letters smaller by this than it is told.
const LETTER: f64 = 1.24;
/// Width of an average character, in heights of a letter.
const ASPECT: f64 = 0.56;

/// A place in the figure, in pixels from its upper left corner.
pub type Place = (f64, f64);

/// Why a figure could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("failed to draw the figure: {0}")]
pub struct DrawError(String);

/// Which end of the words stands at the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The words begin there.
    Start,
    /// They are centred on it.
    Middle,
    /// They end there.
    End,
}

/// A value of one moment alone is as wide as this, in pixels.
const DASH: f64 = 4.0;

/// Draws on a ground.
pub struct Pen<'a, DB: DrawingBackend> {
    area: &'a DrawingArea<DB, Shift>,
    scheme: Scheme,
}

impl<DB: DrawingBackend> Pen<'_, DB> {
    /// A filled rectangle.
    pub fn fill(&self, from: Place, to: Place, ink: Ink) -> Result<(), DrawError> {
        let shape = Rectangle::new([point(from), point(to)], self.color(ink).filled());
        self.area.draw(&shape).map_err(failed)
    }

    /// A line through these places, `width` pixels wide; of one place alone a dash.
    pub fn line(&self, places: &[Place], ink: Ink, width: f64) -> Result<(), DrawError> {
        let dash;
        let places = match places {
            [] => return Ok(()),
            [(x, y)] => {
                dash = [(x - DASH / 2.0, *y), (x + DASH / 2.0, *y)];
                &dash
            }
            more => more,
        };
        let style = ShapeStyle {
            color: self.color(ink).to_rgba(),
            filled: false,
            stroke_width: (width * GRAIN).round().max(1.0) as u32,
        };
        let path: Vec<_> = places.iter().copied().map(point).collect();
        self.area
            .draw(&PathElement::new(path, style))
            .map_err(failed)
    }

    /// A filled area with these corners.
    pub fn area(&self, corners: &[Place], ink: Ink) -> Result<(), DrawError> {
        let corners: Vec<_> = corners.iter().copied().map(point).collect();
        let shape = Polygon::new(corners, self.color(ink).filled());
        self.area.draw(&shape).map_err(failed)
    }

    /// Words in letters of this height, centred on the place from top to bottom.
    pub fn words(
        &self,
        text: &str,
        (x, y): Place,
        side: Side,
        height: f64,
        ink: Ink,
    ) -> Result<(), DrawError> {
        let across = match side {
            Side::Start => HPos::Left,
            Side::Middle => HPos::Center,
            Side::End => HPos::Right,
        };
        let color = self.color(ink);
        let style = TextStyle::from((
            FontFamily::SansSerif,
            height * GRAIN * LETTER,
            FontStyle::Normal,
        ))
        .color(&color)
        .pos(Pos::new(across, VPos::Center));
        // Control characters have no place in XML, not even escaped.
        let text: String = text.chars().filter(|c| !c.is_control()).collect();
        self.area
            .draw(&Text::new(text, point((x, y)), style))
            .map_err(failed)
    }

    fn color(&self, ink: Ink) -> RGBColor {
        let (red, green, blue) = ink.rgb(self.scheme);
        RGBColor(red, green, blue)
    }
}

/// Has `draw` draw a figure of this size in pixels, and gives it as an SVG document.
pub fn svg(
    size: (u32, u32),
    scheme: Scheme,
    draw: impl FnOnce(&Pen<'_, SVGBackend<'_>>) -> Result<(), DrawError>,
) -> Result<String, DrawError> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, points(size)).into_drawing_area();
        draw(&Pen {
            area: &area,
            scheme,
        })?;
        area.present().map_err(failed)?;
    }
    Ok(text)
}

/// A size in pixels, as the drawing counts it.
pub fn points((width, height): (u32, u32)) -> (u32, u32) {
    let points = |pixels: u32| (f64::from(pixels) * GRAIN) as u32;
    (points(width), points(height))
}

/// About how wide words are in letters of this height, in pixels.
pub fn width_of(text: &str, height: f64) -> f64 {
    text.chars().count() as f64 * height * ASPECT
}

/// The words, cut to this width with an ellipsis.
pub fn cut(text: &str, height: f64, width: f64) -> String {
    let fitting = (width / (height * ASPECT)).max(1.0) as usize;
    if text.chars().count() <= fitting {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(fitting.saturating_sub(1)).collect();
    short.push('…');
    short
}

fn point((x, y): Place) -> (i32, i32) {
    ((x * GRAIN).round() as i32, (y * GRAIN).round() as i32)
}

pub(super) fn failed(why: impl std::fmt::Display) -> DrawError {
    DrawError(why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_where_there_is_no_room() {
        assert_eq!(cut("chat", 10.0, 100.0), "chat");
        assert_eq!(cut("api_chat_completions", 10.0, 57.0), "api_chat_…");
        assert_eq!(cut("é", 10.0, 0.0), "é");
    }

    #[test]
    fn a_line_of_one_place_is_a_dash_and_one_of_none_is_nothing() {
        let drawn = |places: &[Place]| {
            let drawn = svg((100, 100), Scheme::Light, |pen| {
                pen.line(places, Ink::Line, 1.0)
            });
            drawn.unwrap().matches("<polyline").count()
        };
        assert_eq!(drawn(&[]), 0);
        assert_eq!(drawn(&[(50.0, 50.0)]), 1);
        assert_eq!(drawn(&[(50.0, 50.0), (60.0, 40.0)]), 1);
        let dash = svg((100, 100), Scheme::Light, |pen| {
            pen.line(&[(50.0, 50.0)], Ink::Line, 1.0)
        });
        let dash = dash.unwrap();
        let points = dash.split("points=\"").nth(1).unwrap();
        let points = points.split('"').next().unwrap();
        assert_eq!(points.split_whitespace().count(), 2, "{points}");
    }
}
