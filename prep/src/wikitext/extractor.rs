//! Extracts the text of a page by running the passes in order.

use std::borrow::Cow;

use schemas::{Anchor, Segment};

use super::block_parser::{ParsedText, parse_blocks};
use super::external_links::resolve_external_links;
use super::extract_options::ExtractOptions;
use super::hidden_elements::remove_hidden_elements;
use super::html_tags::remove_html_tags;
use super::internal_links::resolve_internal_links;
use super::invisible::remove_invisible;
use super::page_context::PageContext;
use super::page_metadata::{MetadataCollector, PageMetadata};
use super::preprocessor::preprocess;
use super::script_converter::ScriptConverter;
use super::tables::remove_tables;
use super::vanished_templates::{UnknownTemplates, VanishedTemplates};
use super::wiki::Wiki;

/// Bytes of its title that a page may show: 64 KiB.
const TITLE_ROOM: usize = 64 << 10;

/// The text of a page with its anchors and segments. Offsets count chars of the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExtractedPage {
    /// Clean text: one block per line, without empty lines.
    pub text: String,
    /// Links in the text, in order. They do not overlap.
    pub anchors: Vec<Anchor<'static>>,
    /// Blocks of the text, in order. They do not overlap.
    pub segments: Vec<Segment>,
    /// Chars before which an unknown template vanished from the running text, in order.
    pub holes: Vec<u32>,
    /// Whether the page is a disambiguation page.
    pub disambiguation: bool,
    /// Its categories and templates.
    pub metadata: PageMetadata,
    /// Templates in the running text that the table of templates does not know: what they showed is not in the text.
    pub vanished: VanishedTemplates,
    /// Kinds of problems found in the wikitext, such as `unclosed template`: each once, sorted.
    pub issues: Vec<String>,
}

/// Extracts the text of the pages of one wiki.
#[derive(Debug)]
pub struct WikitextExtractor {
    wiki: Wiki,
    options: ExtractOptions,
    converter: Option<ScriptConverter>,
}

impl WikitextExtractor {
    /// An extractor for the pages of a wiki. Reuse it: with a conversion it holds OpenCC's dictionaries.
    pub fn new(wiki: Wiki, options: ExtractOptions) -> Self {
        Self { wiki, options, converter: ScriptConverter::to(options.variant) }
    }

    /// The wiki.
    pub fn wiki(&self) -> &Wiki {
        &self.wiki
    }

    /// A title in the script that the text of pages is converted to.
    pub fn convert_title<'t>(&self, title: &'t str) -> Cow<'t, str> {
        let Some(converter) = &self.converter else { return Cow::Borrowed(title) };
        let mut converted = String::with_capacity(title.len());
        converter.convert(title, &mut converted);
        Cow::Owned(converted)
    }

    /// Extracts the text of a page in time linear in its length.
    ///
    /// It never fails: malformed wikitext is handled as MediaWiki does, and noted in [`ExtractedPage::issues`].
    ///
    /// ```
    /// use prep::source::SiteInfo;
    /// use prep::wikitext::{ChineseVariant, ExtractOptions, Wiki, WikitextExtractor};
    ///
    /// let wiki = Wiki::new(&SiteInfo::default(), "en");
    /// let options = ExtractOptions { variant: ChineseVariant::Unconverted, captions: false, tables: false };
    /// let page = WikitextExtractor::new(wiki, options).extract("Cat", "A '''cat''' is a [[mammal]].<ref>Source</ref>");
    /// assert_eq!(page.text, "A cat is a mammal.");
    /// assert_eq!((page.anchors[0].start, page.anchors[0].end, &*page.anchors[0].target), (11, 17, "Mammal"));
    /// ```
    ///
    /// # Panics
    /// If the page has 4 GiB of text or more. [`PageXml`](crate::source::PageXml) has at most 4 MiB.
    pub fn extract(&self, title: &str, wikitext: &str) -> ExtractedPage {
        let ExtractOptions { variant, captions, tables } = self.options;
        let mut page = PageContext {
            wiki: &self.wiki,
            title,
            title_room: TITLE_ROOM,
            variant,
            captions,
            disambiguation: false,
            rules: Vec::new(),
            unknown_templates: UnknownTemplates::default(),
            metadata: MetadataCollector::default(),
            issues: Vec::new(),
        };
        let wikitext = remove_invisible(wikitext);
        let preprocessed = remove_hidden_elements(preprocess(&wikitext, &mut page));
        let (text, has_unclosed_table) = remove_tables(preprocessed, tables);
        if has_unclosed_table {
            page.add_issue("unclosed table");
        }
        let (text, targets) = resolve_internal_links(&text, &mut page);
        let text = resolve_external_links(text, &mut page);
        let text = remove_html_tags(text);
        let ParsedText { text, anchors, segments, holes } = parse_blocks(&text, &targets, &page, self.converter.as_ref());
        page.issues.sort_unstable();
        let vanished = page.unknown_templates.vanished(holes.iter().map(|&(_, number)| number));
        let holes = holes.into_iter().map(|(at, _)| at).collect();
        let (disambiguation, metadata) = (page.disambiguation, page.metadata.finish());
        ExtractedPage { text, anchors, segments, holes, disambiguation, metadata, vanished, issues: page.issues }
    }
}
