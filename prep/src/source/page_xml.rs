//! The XML of one page, as the splitter passes it to the parser.

/// Largest page in bytes of XML: 4 MiB. MediaWiki limits the text of a page to 2 MiB by default (`$wgMaxArticleSize`), before escaping.
pub const MAX_PAGE_BYTES: usize = 4 << 20;

/// The XML of one page, not parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageXml {
    /// From `<page` to `</page>`; of a page larger than [`MAX_PAGE_BYTES`] only the first 4 KiB.
    pub xml: Vec<u8>,
    /// Where the page begins in the decompressed dump, in bytes.
    pub offset: u64,
    /// Size of the whole page in bytes.
    pub bytes: u64,
}
