//! Settings of making pages out of wikitext.

use std::path::PathBuf;

use crate::wikitext::{ChineseVariant, ExtraSegment};

/// Which pages of a dump are kept, and what their text is like.
#[derive(Debug, Clone)]
pub struct PageSettings {
    /// Namespaces of the pages that are kept.
    pub namespaces: Vec<i32>,
    /// Chinese variant of the text; `None`: the default of the wiki's language.
    pub variant: Option<ChineseVariant>,
    /// Content beside the running text that is kept.
    pub extra_segments: Vec<ExtraSegment>,
    /// TOML file of templates that come before the built-in ones.
    pub templates: Option<PathBuf>,
    /// Whether the first malformed page ends the run.
    pub strict: bool,
}
