//! What the pictures share.

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;

/// Width and height of a picture.
pub const SIZE: (u32, u32) = (1000, 640);

/// Text beside axes and in legends.
pub const TEXT: i32 = 15;

/// Greys of lines and texts that stay behind.
pub const GREY: RGBColor = RGBColor(110, 110, 110);

/// Colours of curves.
pub const CURVES: [RGBColor; 3] = [RGBColor(31, 119, 180), RGBColor(255, 127, 14), RGBColor(44, 160, 44)];

/// A picture being drawn.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws a picture with a title over it: the SVG.
///
/// # Errors
/// Those of the drawing.
pub fn picture(title: &str, size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Result<()>) -> Result<String> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&WHITE)?;
        text(&root, title, (20, 14), 20, &BLACK)?;
        draw(&root.margin(46, 12, 12, 12))?;
        root.present()?;
    }
    Ok(svg)
}

/// Writes a text; `at` is its upper left corner.
///
/// # Errors
/// Those of the drawing.
pub fn text(area: &Area<'_>, what: &str, at: (i32, i32), size: i32, colour: &RGBColor) -> Result<()> {
    // What XML cannot hold would spoil the whole picture.
    let what: String = what.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Ok(area.draw(&Text::new(what, at, ("sans-serif", size).into_font().color(colour)))?)
}

/// The colour of one of `count` groups: of few groups the curves' ones, of more hues as far apart as can be, dark and light by turns.
pub fn colour(number: usize, count: usize) -> RGBColor {
    if count <= CURVES.len() && number < count {
        return CURVES[number];
    }
    let hue = number as f64 / count.max(1) as f64;
    let lightness = [0.42, 0.62, 0.30][number % 3];
    let (r, g, b) = HSLColor(hue, 0.75, lightness).rgb();
    RGBColor(r, g, b)
}

/// A number in at most so many digits after the point, without zeros at its end.
pub fn short(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The first chars of a text, with a mark where it goes on.
pub fn cut(text: &str, chars: usize) -> String {
    let mut rest = text.chars();
    let start: String = rest.by_ref().take(chars).collect();
    if rest.next().is_some() { format!("{start}…") } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_cut() {
        let svg = picture("a < b & \u{1}c", SIZE, |_| Ok(())).unwrap();
        assert!(svg.contains("a &lt; b &amp;  c"), "{svg}");
        assert_eq!((cut("Ödön Teleki", 4), cut("Ödön", 4)), ("Ödön…".to_owned(), "Ödön".to_owned()));
        assert_eq!([short(0.5, 3), short(0.05, 1), short(20.0, 0), short(100.0, 2)], ["0.5", "0.1", "20", "100"]);
    }

    #[test]
    fn groups_have_colours_of_their_own() {
        let colours: std::collections::BTreeSet<_> = (0..50).map(|number| colour(number, 50)).map(|c| (c.0, c.1, c.2)).collect();
        assert_eq!(colours.len(), 50);
    }
}
