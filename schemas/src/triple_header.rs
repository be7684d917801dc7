//! The borrowed parts of a triple, as labelling code has them at hand.

use std::ops::Range;

use crate::span::Origin;

/// All columns of a triple but its spans, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct TripleHeader<'a> {
    /// As [`Triple::id`](crate::Triple::id).
    pub id: &'a str,
    /// Title of the page or name of the file.
    pub doc: &'a str,
    /// Number of the sentence in the document.
    pub sentence: u32,
    /// Language code.
    pub lang: &'a str,
    /// The label that the query asks for.
    pub label: &'a str,
    /// The query: a question or description of the label.
    pub query: &'a str,
    /// The sentence.
    pub context: &'a str,
}

/// A span without its text: the [`TripleBuilder`](crate::TripleBuilder) slices the text from the context.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanInput {
    /// Chars of the context, half-open.
    pub chars: Range<u32>,
    /// As [`Span::origin`](crate::Span::origin).
    pub origin: Origin,
    /// As [`Span::score`](crate::Span::score).
    pub score: Option<f32>,
}
