//! What all pictures share: size, fonts, colours.

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;

/// Width and height of a picture.
pub const SIZE: (u32, u32) = (1000, 640);

/// Font size of axis labels and legends.
pub const TEXT: i32 = 15;

/// Grey of secondary lines and texts.
pub const GREY: RGBColor = RGBColor(110, 110, 110);

/// Colours of curves, and of groups where there are at most three.
pub const PALETTE: [RGBColor; 3] = [RGBColor(31, 119, 180), RGBColor(255, 127, 14), RGBColor(44, 160, 44)];

/// The area of a picture, or a part of it.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws a picture with a title above it and returns it as SVG.
///
/// # Errors
/// Drawing fails.
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

/// Draws a text whose upper left corner is `at`.
///
/// # Errors
/// Drawing fails.
pub fn text(area: &Area<'_>, what: &str, at: (i32, i32), size: i32, colour: &RGBColor) -> Result<()> {
    // XML does not allow control characters.
    let what: String = what.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Ok(area.draw(&Text::new(what, at, ("sans-serif", size).into_font().color(colour)))?)
}

/// The colour of a group out of `count`: of the palette for at most three groups, else of evenly spaced hues in three lightnesses.
pub fn colour(number: usize, count: usize) -> RGBColor {
    if count <= PALETTE.len() && number < count {
        return PALETTE[number];
    }
    let hue = number as f64 / count.max(1) as f64;
    let lightness = [0.42, 0.62, 0.30][number % 3];
    let (r, g, b) = HSLColor(hue, 0.75, lightness).rgb();
    RGBColor(r, g, b)
}

/// A number with at most `digits` digits after the point, without trailing zeros.
pub fn short_number(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The first chars of a text, with an ellipsis if there are more.
pub fn truncate(text: &str, chars: usize) -> String {
    let mut rest = text.chars();
    let start: String = rest.by_ref().take(chars).collect();
    if rest.next().is_some() { format!("{start}…") } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_truncated() {
        let svg = picture("a < b & \u{1}c", SIZE, |_| Ok(())).unwrap();
        assert!(svg.contains("a &lt; b &amp;  c"), "{svg}");
        assert_eq!((truncate("Ödön Teleki", 4), truncate("Ödön", 4)), ("Ödön…".to_owned(), "Ödön".to_owned()));
        assert_eq!(
            [short_number(0.5, 3), short_number(0.05, 1), short_number(20.0, 0), short_number(100.0, 2)],
            ["0.5", "0.1", "20", "100"]
        );
    }

    #[test]
    fn groups_have_distinct_colours() {
        let colours: std::collections::BTreeSet<_> = (0..50).map(|number| colour(number, 50)).map(|c| (c.0, c.1, c.2)).collect();
        assert_eq!(colours.len(), 50);
    }
}
