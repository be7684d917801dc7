//! Splits a dump into pages without parsing them.
//!
//! `<` is escaped inside text, so the first `</page>` after a `<page` ends that page. This holds for every export that MediaWiki writes.
//! The bytes of a page are not copied here: this runs on one thread.

use memchr::memmem;

use super::chunk::{Bytes, ChunkReader};
use super::chunk_window::ChunkWindow;
use super::page_xml::{MAX_PAGE_BYTES, PageXml};
use super::site_info::SiteInfo;

/// The start of a page.
const PAGE_TAG: &[u8] = b"<page";
/// The end of a page.
const PAGE_END_TAG: &[u8] = b"</page>";
/// The end of a dump.
const END_TAG: &[u8] = b"</mediawiki>";
/// Bytes kept of a page that is too large: enough to report its title.
const KEPT_OF_LARGE_PAGE: usize = 4096;

/// Why a dump cannot be read further. Everything before the error is valid.
#[derive(Debug, thiserror::Error)]
pub enum SplitError {
    /// The file does not begin like a MediaWiki dump.
    #[error("not a MediaWiki dump: expected <mediawiki> at the start, found {0:?}")]
    NotADump(String),
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
        let start = splitter.window.slice(0..splitter.window.len().min(4096)).concat();
        if memmem::find(&start, b"<mediawiki").is_none() {
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
        splitter.site = SiteInfo::parse(&String::from_utf8_lossy(&splitter.window.slice(0..head).concat()));
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
                let (pieces, offset) = large.unwrap_or_else(|| {
                    let start = self.window.find(PAGE_TAG, 0).filter(|&start| start < end).unwrap_or(0);
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

    /// Checks that the dump is complete where the stream ends.
    fn finish(&mut self, inside_page: bool) -> Result<Option<PageXml>, SplitError> {
        if !inside_page && (self.end_tag_seen || self.window.find(END_TAG, 0).is_some()) {
            return Ok(None);
        }
        let location = if inside_page || self.window.find(PAGE_TAG, 0).is_some() { "inside a page" } else { "after a page" };
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const HEAD: &str = r#"<mediawiki version="0.11" xml:lang="en"><siteinfo><dbname>enwiki</dbname></siteinfo>"#;

    /// Returns chunks of a few bytes, so that chunks end at every position.
    struct Trickle<'a>(&'a [u8], usize);

    impl ChunkReader for Trickle<'_> {
        fn next_chunk(&mut self) -> std::io::Result<Option<Bytes>> {
            let (chunk, rest) = self.0.split_at(self.1.min(self.0.len()));
            self.0 = rest;
            Ok((!chunk.is_empty()).then(|| Bytes::copy_from_slice(chunk)))
        }
    }

    #[test]
    fn pages_are_split_wherever_reads_end() {
        let pages: Vec<String> = (0..30).map(|n| format!("<page>{}</page>", "x".repeat(n * 7))).collect();
        let xml = format!("{HEAD}\n{}\n</mediawiki>", pages.join("\n  "));
        for step in [1, 2, 3, 7, 64, 5000] {
            let splitter = PageSplitter::new(Trickle(xml.as_bytes(), step)).unwrap();
            assert_eq!(splitter.site().dbname, "enwiki");
            let chunks: Vec<PageXml> = splitter.map(Result::unwrap).collect();
            assert_eq!(chunks.len(), 30);
            for (chunk, page) in chunks.iter().zip(&pages) {
                assert_eq!(chunk.xml(), page.as_bytes());
                assert!(xml[usize::try_from(chunk.offset).unwrap()..].starts_with(page));
            }
        }
    }

    #[test]
    fn reading_resumes_at_any_byte() {
        let pages: Vec<String> = (0..20).map(|n| format!("<page>{n}{}</page>", "x".repeat(n * 7))).collect();
        let xml = format!("{HEAD}\n{}\n</mediawiki>", pages.join("\n  "));
        for start in HEAD.len()..xml.len() - "</mediawiki>".len() {
            let reader_offset = start - start % 10;
            let splitter = PageSplitter::resume(
                Trickle(&xml.as_bytes()[reader_offset..], 5),
                SiteInfo::default(),
                reader_offset as u64,
                start as u64,
                0,
            )
            .unwrap();
            let chunks: Vec<PageXml> = splitter.map(Result::unwrap).collect();
            let expected = xml[start..].matches("<page>").count();
            assert_eq!(chunks.len(), expected, "{start}");
            for chunk in chunks {
                assert!(xml.as_bytes()[usize::try_from(chunk.offset).unwrap()..].starts_with(&chunk.xml()));
            }
        }
    }

    #[test]
    fn reading_continues_after_damage() {
        struct Faulty<'a>(Vec<&'a str>);
        impl ChunkReader for Faulty<'_> {
            fn next_chunk(&mut self) -> std::io::Result<Option<Bytes>> {
                match self.0.pop() {
                    Some("!") => Err(std::io::Error::other("broken")),
                    text => Ok(text.map(|text| Bytes::copy_from_slice(text.as_bytes()))),
                }
            }
        }
        let parts = ["<page>a</page><page>b", "!", "c</page>x<page>d</page></mediawiki>"];
        let head = format!("{HEAD}<page>0</page>{}", " ".repeat(600));
        let mut splitter = PageSplitter::new(Faulty([parts[2], parts[1], parts[0], &head].to_vec())).unwrap();
        let mut found = Vec::new();
        loop {
            match splitter.next() {
                Some(Ok(chunk)) => found.push(String::from_utf8(chunk.xml().into_owned()).unwrap()),
                Some(Err(SplitError::Stream { .. })) => splitter.skip_damage(),
                Some(Err(error)) => panic!("{error}"),
                None => break,
            }
        }
        assert_eq!(found, ["<page>0</page>", "<page>a</page>", "<page>d</page>"]);
    }

    #[test]
    fn a_page_that_is_too_large_is_truncated() {
        let large = format!("<page><title>Large</title>{}</page>", "x".repeat(MAX_PAGE_BYTES * 3));
        let xml = format!("{HEAD}<page>a</page>{large}<page>b</page></mediawiki>");
        let chunks: Vec<PageXml> = PageSplitter::new(Trickle(xml.as_bytes(), 1 << 19)).unwrap().map(Result::unwrap).collect();
        assert_eq!(chunks.iter().map(|chunk| chunk.bytes).collect::<Vec<_>>(), [14, large.len() as u64, 14]);
        assert!(chunks[1].xml_bytes() == KEPT_OF_LARGE_PAGE && large.as_bytes().starts_with(&chunks[1].xml()));
        assert!(xml[usize::try_from(chunks[2].offset).unwrap()..].starts_with("<page>b"));
    }

    #[test]
    fn an_incomplete_dump_is_an_error() {
        let check = |xml: String| -> String {
            match PageSplitter::new(xml.as_bytes()) {
                Ok(splitter) => splitter.filter_map(Result::err).map(|error| error.to_string()).collect(),
                Err(error) => error.to_string(),
            }
        };
        assert_eq!(check(format!("{HEAD}</mediawiki>")), "");
        assert!(check(format!("{HEAD}<page>a</page><page>b")).contains("ends inside a page"));
        assert!(check(format!("{HEAD}<page>a</page>")).contains("ends after a page"));
        assert!(check("%PDF-1.4".to_owned()).contains("not a MediaWiki dump"));
        assert!(check(String::new()).contains("not a MediaWiki dump"));
    }
}
