//! The XML of one page, as the splitter passes it to the parser.

use std::borrow::Cow;

use super::chunk::Bytes;

/// Largest page in bytes of XML: 4 MiB. MediaWiki limits the text of a page to 2 MiB by default (`$wgMaxArticleSize`), before escaping.
pub const MAX_PAGE_BYTES: usize = 4 << 20;

/// The XML of one page, not parsed. It shares the bytes of the stream; a page that lies in several chunks is put together by who parses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageXml {
    /// From `<page` to `</page>`; of a page larger than [`MAX_PAGE_BYTES`] only the first 4 KiB.
    pub pieces: Vec<Bytes>,
    /// Where the page begins in the decompressed dump, in bytes.
    pub offset: u64,
    /// Size of the whole page in bytes.
    pub bytes: u64,
}

impl PageXml {
    /// The XML: borrowed if it lies in one chunk.
    pub fn xml(&self) -> Cow<'_, [u8]> {
        match self.pieces.as_slice() {
            [xml] => Cow::Borrowed(xml),
            pieces => Cow::Owned(pieces.concat()),
        }
    }

    /// Number of bytes of [`xml`](Self::xml).
    pub fn xml_bytes(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }
}
