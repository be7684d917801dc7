//! A text as word pieces.

/// A tokenised text, without special tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenizedText {
    /// Vocabulary id of each word piece.
    pub ids: Vec<u32>,
    /// Chars of the text that each word piece covers, half-open, ascending.
    pub offsets: Vec<(u32, u32)>,
}
