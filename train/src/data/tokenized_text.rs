//! A text as word pieces.

use std::sync::Arc;

/// A tokenised text, without special tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenizedText {
    /// Vocabulary id of each word piece.
    pub ids: Vec<u32>,
    /// Chars of the text that each word piece covers, half-open, ascending.
    pub offsets: Vec<(u32, u32)>,
}

/// Word pieces of a context, which the triples of a sentence share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedContext {
    /// Vocabulary id of each word piece.
    pub ids: Arc<[u32]>,
    /// Chars of the text that each word piece covers, half-open, ascending.
    pub offsets: Arc<[(u32, u32)]>,
}

impl EncodedContext {
    /// Whether both are the context of one sentence, in the same memory.
    pub fn is_shared_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.ids, &other.ids)
    }
}

impl From<TokenizedText> for EncodedContext {
    fn from(text: TokenizedText) -> Self {
        Self { ids: text.ids.into(), offsets: text.offsets.into() }
    }
}
