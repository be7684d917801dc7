//! Spans: the answers of a triple.

use std::sync::LazyLock;

use arrow::datatypes::{DataType, Field, Fields};

/// A span of a context that answers its query. Offsets are chars of the context, half-open.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// First char.
    pub start: u32,
    /// One past the last char.
    pub end: u32,
    /// The slice of the context.
    pub text: String,
    /// Where the span comes from.
    pub origin: Origin,
    /// Confidence, from 0 to 1, where the origin gives one.
    pub score: Option<f32>,
}

impl Span {
    /// Removes white space at either end, which some corpora annotate and no model can predict. A span of nothing but white
    /// space stays as it is.
    ///
    /// ```
    /// use schemas::{Origin, Span};
    ///
    /// let mut span = Span { start: 3, end: 8, text: " Győr".into(), origin: Origin::Gold, score: None };
    /// span.trim();
    /// assert_eq!((span.start, span.end, span.text.as_str()), (4, 8, "Győr"));
    /// ```
    pub fn trim(&mut self) {
        let (start, end, text) = trimmed(self.start, self.end, &self.text);
        if text.len() < self.text.len() {
            (self.start, self.end, self.text) = (start, end, text.to_owned());
        }
    }
}

/// Offsets and text of a span without the white space at its ends; unchanged where it is nothing but white space.
pub(crate) fn trimmed(start: u32, end: u32, text: &str) -> (u32, u32, &str) {
    let chars = |text: &str| u32::try_from(text.chars().count()).expect("texts are under 4 GiB");
    let trimmed = text.trim();
    if trimmed.len() == text.len() || trimmed.is_empty() {
        return (start, end, text);
    }
    let start = start + chars(text) - chars(text.trim_start());
    (start, start + chars(trimmed), trimmed)
}

/// Where a span comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A link of the page.
    Anchor,
    /// A later mention of something that the page links.
    Repeat,
    /// A gazetteer name found in the text.
    Gazetteer,
    /// A human annotator.
    Gold,
    /// A trained model.
    Model,
}

impl Origin {
    const ALL: [Self; 5] = [Self::Anchor, Self::Repeat, Self::Gazetteer, Self::Gold, Self::Model];

    /// The name in the `origin` column.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anchor => "anchor",
            Self::Repeat => "repeat",
            Self::Gazetteer => "gazetteer",
            Self::Gold => "gold",
            Self::Model => "model",
        }
    }

    /// The origin with that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.name() == name)
    }
}

/// Fields of an item of the `spans` column.
pub(crate) static SPAN_FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::from(vec![
        Field::new("start", DataType::UInt32, false),
        Field::new("end", DataType::UInt32, false),
        Field::new("text", DataType::Utf8, false),
        Field::new("origin", DataType::Utf8, false),
        Field::new("score", DataType::Float32, true),
    ])
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_trimmed_by_chars() {
        for (text, expected) in [("北 京", (3, 6)), ("  北京\u{3000}", (5, 7)), (" ", (3, 4))] {
            let end = 3 + text.chars().count() as u32;
            let mut span = Span { start: 3, end, text: text.to_owned(), origin: Origin::Gold, score: None };
            span.trim();
            assert_eq!((span.start, span.end, span.text.chars().count() as u32), (expected.0, expected.1, expected.1 - expected.0));
        }
    }
}
