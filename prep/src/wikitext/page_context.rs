//! The page that the passes work on.

use super::conversion_rule::ConversionRule;
use super::page_metadata::MetadataCollector;
use super::script_converter::ChineseVariant;
use super::vanished_templates::UnknownTemplates;
use super::wiki::Wiki;

/// What the passes need to know about a page, and what they find out about it beside its text.
pub(super) struct PageContext<'w> {
    pub wiki: &'w Wiki,
    /// Title of the page, for `{{PAGENAME}}`.
    pub title: &'w str,
    /// Bytes of the title that `{{PAGENAME}}` may still show, so that the text does not grow with title and page together.
    pub title_room: usize,
    pub variant: ChineseVariant,
    /// Whether captions of pictures are kept.
    pub captions: bool,
    /// Whether the page is a disambiguation page.
    pub disambiguation: bool,
    /// Conversion rules that the page defines, in the order of their markers.
    pub rules: Vec<ConversionRule>,
    /// Templates that the table does not know, by the numbers of their markers.
    pub unknown_templates: UnknownTemplates,
    /// Its categories and templates.
    pub metadata: MetadataCollector,
    /// Kinds of problems found, each once.
    pub issues: Vec<String>,
}

impl PageContext<'_> {
    /// The title, as `{{PAGENAME}}` shows it: nothing once it was shown very often.
    pub fn show_title(&mut self) -> Option<String> {
        self.title_room = self.title_room.checked_sub(self.title.len())?;
        Some(self.title.to_owned())
    }

    /// Records a problem of the page, once per kind.
    pub fn add_issue(&mut self, kind: &str) {
        if !self.issues.iter().any(|known| known == kind) {
            self.issues.push(kind.to_owned());
        }
    }
}
