//! Splits a dump into pages without parsing them.
//!
//! `<` is escaped inside text, so the first `</page>` after a `<page` ends that page. This holds for every export that MediaWiki writes. Other
//! programs may put comments between pages and CDATA sections around texts.
//! The bytes of a page are not copied here: this runs on one thread.

use memchr::memmem;

use super::chunk::{Bytes, ChunkReader};
use super::chunk_window::ChunkWindow;
use super::file_kind::kind_of_other_file;
use super::page_xml::{MAX_PAGE_BYTES, PageXml};
use super::site_info::SiteInfo;

/// Bytes in which the kind of a file shows: more than the head of a dump, which lists the namespaces.
const HEAD_BYTES: usize = 16 << 10;
/// The start of a page.
const PAGE_TAG: &[u8] = b"<page";
/// The end of a page.
const PAGE_END_TAG: &[u8] = b"</page>";
const COMMENT: &[u8] = b"<!--";
const COMMENT_END: &[u8] = b"-->";
const CDATA: &[u8] = b"<![CDATA[";
const CDATA_END: &[u8] = b"]]>";
/// The end of a dump.
const END_TAG: &[u8] = b"</mediawiki>";
/// Bytes kept of a page that is too large: enough to report its title.
pub(super) const KEPT_OF_LARGE_PAGE: usize = 4096;

/// Why a dump cannot be read further. Everything before the error is valid.
#[derive(Debug, thiserror::Error)]
pub enum SplitError {
    /// The file does not begin like a MediaWiki dump.
    #[error("not a MediaWiki dump: expected <mediawiki> at the start, found {0:?}")]
    NotADump(String),
    /// The file is of a kind that is known, but no dump of pages.
    #[error("not a dump of pages: it is {0}")]
    OtherFile(&'static str),
    /// The compressed stream is damaged or incomplete, or the file cannot be read.
    #[error("stream is truncated or corrupt at byte {offset} of the XML, after {pages} pages")]
    Stream {
        /// Bytes of XML before the error.
        offset: u64,
        /// Pages before the error.
        pages: u64,
        /// The decoder's error.
        #[source]
        source: std::io::Error,
    },
    /// The XML ends without `</mediawiki>`.
    #[error("dump is truncated: it ends {location} at byte {offset} of the XML, after {pages} pages, without </mediawiki>")]
    Truncated {
        /// `inside a page` or `after a page`.
        location: &'static str,
        /// Bytes of XML.
        offset: u64,
        /// Complete pages.
        pages: u64,
    },
}

impl SplitError {
    /// Whether more pages may follow: see [`PageSplitter::skip_damage`].
    pub fn is_recoverable(&self) -> bool {
        matches!(self, Self::Stream { .. })
    }
}

/// Iterator over the pages of a dump. Ends after the first error.
///
/// Memory: one page, at most [`MAX_PAGE_BYTES`], and one chunk of the stream.
pub struct PageSplitter<R> {
    reader: R,
    /// The bytes that were read and neither returned nor skipped.
    window: ChunkWindow,
    pages: u64,
    done: bool,
    /// The next bytes may lie inside a page: they are skipped up to the next `<page`.
    out_of_sync: bool,
    /// `</mediawiki>` was skipped.
    end_tag_seen: bool,
    site: SiteInfo,
}

impl<R: ChunkReader> PageSplitter<R> {
    /// Reads the head of a dump, up to its first page.
    ///
    /// # Errors
    /// [`SplitError::NotADump`], or [`SplitError::Stream`] if the stream is damaged before the first page.
    pub fn new(reader: R) -> Result<Self, SplitError> {
        let mut splitter = Self::with_state(reader, SiteInfo::default(), 0, 0, false);
        let mut more = splitter.fill()?;
        while more && splitter.window.len() < 512 {
            more = splitter.fill()?;
        }
        let start = splitter.window.slice(0..splitter.window.len().min(HEAD_BYTES)).concat();
        let is_fragment = start.trim_ascii_start().starts_with(b"<page>");
        let is_dump = is_fragment || memmem::find(&start[..start.len().min(4096)], b"<mediawiki").is_some();
        let has_page = memmem::find(&start, PAGE_TAG).is_some();
        if let Some(kind) = kind_of_other_file(&start).filter(|_| !is_dump || !has_page) {
            return Err(SplitError::OtherFile(kind));
        }
        if !is_dump {
            return Err(SplitError::NotADump(String::from_utf8_lossy(&start[..start.len().min(60)]).into_owned()));
        }
        let mut searched = 0;
        let head = loop {
            if let Some(head) = splitter.window.find(PAGE_TAG, searched) {
                break head;
            }
            searched = splitter.window.len().saturating_sub(PAGE_TAG.len() - 1);
            if !splitter.fill()? {
                break splitter.window.len();
            }
        };
        let site = SiteInfo::parse(&String::from_utf8_lossy(&splitter.window.slice(0..head).concat()));
        splitter.site = SiteInfo { is_fragment, ..site };
        Ok(splitter)
    }

    /// Starts inside a dump. `reader` stands at byte `reader_offset` of the XML; the first page is the first one that begins at or after
    /// byte `start`; `pages` is the number of pages before it.
    ///
    /// # Errors
    /// [`SplitError::Stream`] if the stream is damaged before `start`.
    pub fn resume(reader: R, site: SiteInfo, reader_offset: u64, start: u64, pages: u64) -> Result<Self, SplitError> {
        let mut splitter = Self::with_state(reader, site, reader_offset, pages, true);
        let mut left = start.saturating_sub(reader_offset);
        while left > 0 {
            if !splitter.fill()? {
                break;
            }
            let skipped = splitter.window.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            splitter.window.advance(skipped);
            left -= skipped as u64;
        }
        Ok(splitter)
    }

    fn with_state(reader: R, site: SiteInfo, offset: u64, pages: u64, out_of_sync: bool) -> Self {
        Self { reader, window: ChunkWindow::at(offset), pages, done: false, out_of_sync, end_tag_seen: false, site }
    }

    /// Continues after a [recoverable](SplitError::is_recoverable) error with the next page that begins after it. The page that the error
    /// interrupted is discarded.
    pub fn skip_damage(&mut self) {
        self.window.advance(self.window.len());
        (self.done, self.out_of_sync) = (false, true);
    }

    /// Byte of the XML from which on the next page is searched.
    pub fn offset(&self) -> u64 {
        self.window.offset()
    }

    /// Number of pages returned, and of those before the point at which reading resumed.
    pub fn pages(&self) -> u64 {
        self.pages
    }

    /// What the dump says about its wiki.
    pub fn site(&self) -> &SiteInfo {
        &self.site
    }

    /// The underlying reader.
    pub fn reader(&mut self) -> &mut R {
        &mut self.reader
    }

    /// Reads another chunk. `false` at the end of the stream.
    fn fill(&mut self) -> Result<bool, SplitError> {
        let (offset, pages) = (self.window.end(), self.pages);
        let chunk = self.reader.next_chunk().map_err(|source| SplitError::Stream { offset, pages, source })?;
        let more = chunk.is_some();
        chunk.into_iter().for_each(|chunk| self.window.push(chunk));
        Ok(more)
    }

    /// Skips to the next `<page`. `false` if there is none.
    fn find_page(&mut self) -> Result<bool, SplitError> {
        loop {
            if let Some(at) = self.window.find(PAGE_TAG, 0) {
                self.window.advance(at);
                (self.out_of_sync, self.end_tag_seen) = (false, false);
                return Ok(true);
            }
            self.skip_without_page();
            if !self.fill()? {
                return Ok(false);
            }
        }
    }

    /// Skips bytes in which no page begins, but for the last few: a tag may continue in the next chunk.
    fn skip_without_page(&mut self) {
        self.end_tag_seen |= self.window.find(END_TAG, 0).is_some();
        self.window.advance(self.window.len().saturating_sub(END_TAG.len()));
    }

    fn next_page(&mut self) -> Result<Option<PageXml>, SplitError> {
        if self.out_of_sync && !self.find_page()? {
            return self.finish(false);
        }
        // Bytes that were searched for `</page>` already.
        let mut searched = 0;
        // The kept bytes of a page that is too large, and its offset; the rest of it is skipped.
        let mut large: Option<(Vec<Bytes>, u64)> = None;
        loop {
            if let Some(found) = self.window.find(PAGE_END_TAG, searched) {
                let end = found + PAGE_END_TAG.len();
                let start = if large.is_none() { self.page_start(end) } else { None };
                if large.is_none() && self.is_hidden(start, end) {
                    searched = end;
                    continue;
                }
                let (pieces, offset) = large.unwrap_or_else(|| {
                    let start = start.unwrap_or(0);
                    let kept = if end - start > MAX_PAGE_BYTES { start + KEPT_OF_LARGE_PAGE } else { end };
                    (self.window.slice(start..kept), self.window.offset() + start as u64)
                });
                self.window.advance(end);
                self.pages += 1;
                return Ok(Some(PageXml { pieces, offset, bytes: self.window.offset() - offset }));
            }
            // `</page>` may continue in the next chunk.
            searched = self.window.len().saturating_sub(PAGE_END_TAG.len() - 1);
            if large.is_none() && self.window.len() > MAX_PAGE_BYTES {
                // Bytes before the page do not count towards its size.
                match self.window.find(PAGE_TAG, 0) {
                    Some(0) => large = Some((self.window.slice(0..KEPT_OF_LARGE_PAGE), self.window.offset())),
                    Some(start) => {
                        self.window.advance(start);
                        searched = searched.saturating_sub(start);
                    }
                    None => {
                        self.skip_without_page();
                        searched = 0;
                    }
                }
            }
            if large.is_some() {
                self.window.advance(searched);
                searched = 0;
            }
            if !self.fill()? {
                return self.finish(large.is_some());
            }
        }
    }

    /// Index of the page that ends at an index: of the first `<page` that is in no comment.
    fn page_start(&self, end: usize) -> Option<usize> {
        let mut from = 0;
        loop {
            let start = self.window.find_in(PAGE_TAG, from..end)?;
            match self.window.find_in(COMMENT, from..start) {
                Some(comment) => from = self.window.find_in(COMMENT_END, comment..end)? + COMMENT_END.len(),
                None => return Some(start),
            }
        }
    }

    /// Whether a `</page>` that ends at an index ends no page: it lies in a comment between pages, or in a CDATA section of the text.
    fn is_hidden(&self, start: Option<usize>, end: usize) -> bool {
        let Some(start) = start else {
            // A comment that holds a page, or one that goes on behind this place.
            return self.window.find_in(COMMENT, 0..end).is_some();
        };
        // CDATA is looked for where programs write it, at the start of the text: in the texts of MediaWiki's own dumps there is none.
        let text = self.window.find_in(b"<text", start..end).and_then(|text| self.window.find_in(b">", text..end));
        let Some(text) = text.filter(|&text| self.window.find_in(CDATA, text..text + 2).is_some()) else { return false };
        let mut from = text;
        while let Some(section) = self.window.find_in(CDATA, from..end) {
            match self.window.find_in(CDATA_END, section..end) {
                Some(section_end) => from = section_end,
                None => return true,
            }
        }
        false
    }

    /// Checks that the dump is complete where the stream ends.
    fn finish(&mut self, inside_page: bool) -> Result<Option<PageXml>, SplitError> {
        if !inside_page && (self.end_tag_seen || self.window.find(END_TAG, 0).is_some()) {
            return Ok(None);
        }
        let is_inside = inside_page || self.window.find(PAGE_TAG, 0).is_some();
        if self.site.is_fragment && !is_inside {
            return Ok(None);
        }
        let location = if is_inside { "inside a page" } else { "after a page" };
        Err(SplitError::Truncated { location, offset: self.window.end(), pages: self.pages })
    }
}

impl<R: ChunkReader> Iterator for PageSplitter<R> {
    type Item = Result<PageXml, SplitError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let page = self.next_page().transpose();
        self.done = !matches!(page, Some(Ok(_)));
        page
    }
}
