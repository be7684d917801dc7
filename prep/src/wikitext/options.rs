//! Settings of text extraction.

use serde::Serialize;

/// Script of Chinese text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// Simplified.
    ZhHans,
    /// Traditional.
    ZhHant,
    /// As written; of alternatives the one that MediaWiki shows to readers of no variant.
    None,
}

impl Variant {
    /// The variant that the text of a wiki is converted to unless another one is asked for: Simplified Chinese for `zh`, none for others.
    pub fn default_of(lang: &str) -> Self {
        if lang == "zh" { Self::ZhHans } else { Self::None }
    }
}

/// Content beside the running text that can be kept as segments of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ExtraSegment {
    /// Captions of pictures and galleries.
    Captions,
    /// Cells of tables.
    Tables,
}

/// What the text is to be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Script of Chinese text.
    pub variant: Variant,
    /// Captions of pictures are blocks of their own, after the one they stand in.
    pub captions: bool,
    /// Cells of tables are blocks of their own.
    pub tables: bool,
}
