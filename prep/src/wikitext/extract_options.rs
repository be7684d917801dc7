//! Settings of text extraction.

use serde::Serialize;

use super::script_converter::ChineseVariant;

/// How text is extracted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtractOptions {
    /// The variant that Chinese text is converted to.
    pub variant: ChineseVariant,
    /// Whether captions of pictures are segments, after the block that holds the picture.
    pub captions: bool,
    /// Whether table cells are segments, in the place of the table.
    pub tables: bool,
}

/// Content outside of the running text that can be kept as segments of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ExtraSegment {
    /// Captions of pictures and galleries.
    Captions,
    /// Cells of tables.
    Tables,
}
