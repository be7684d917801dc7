//! The page that the passes work on.

use super::conversion_rule::ConversionRule;
use super::script_converter::ChineseVariant;
use super::wiki::Wiki;

/// What the passes need to know about a page, and what they find out about it beside its text.
pub(super) struct PageContext<'w> {
    pub wiki: &'w Wiki,
    /// Title of the page, for `{{PAGENAME}}`.
    pub title: &'w str,
    pub variant: ChineseVariant,
    /// Whether captions of pictures are kept.
    pub captions: bool,
    /// Whether the page is a disambiguation page.
    pub disambiguation: bool,
    /// Conversion rules that the page defines, in the order of their markers.
    pub rules: Vec<ConversionRule>,
    /// Kinds of problems found, each once.
    pub issues: Vec<String>,
}

impl PageContext<'_> {
    /// Records a problem of the page, once per kind.
    pub fn add_issue(&mut self, kind: &str) {
        if !self.issues.iter().any(|known| known == kind) {
            self.issues.push(kind.to_owned());
        }
    }
}
