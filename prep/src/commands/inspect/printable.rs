//! Text of rows in HTML.

use maud::{Escaper, Render};

/// Text between tags or in an attribute. The templates escape what has a meaning in HTML; this type also replaces control characters by
/// spaces, except for line feeds and tabs.
pub struct Printable<'a>(pub &'a str);

impl Render for Printable<'_> {
    fn render_to(&self, buffer: &mut String) {
        use std::fmt::Write;
        let mut escaper = Escaper::new(buffer);
        for char in self.0.chars() {
            let char = if char.is_control() && !matches!(char, '\n' | '\t') { ' ' } else { char };
            escaper.write_char(char).expect("a string takes any text");
        }
    }
}

#[cfg(test)]
mod tests {
    use maud::html;

    use super::*;

    #[test]
    fn text_cannot_leave_its_place() {
        let hostile = "\"'><script>&amp;\u{1b}[2J\u{0}";
        let markup = html! { p title=(Printable(hostile)) { (Printable(hostile)) } };
        let escaped = "&quot;'&gt;&lt;script&gt;&amp;amp; [2J ";
        assert_eq!(markup.into_string(), format!("<p title=\"{escaped}\">{escaped}</p>"));
    }
}
