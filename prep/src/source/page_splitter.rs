//! Splits a dump into pages without parsing them.
//!
//! `<` is escaped inside text, so the first `</page>` after a `<page` ends that page. This holds for every export that MediaWiki writes.

use std::io::Read;

use memchr::memmem;

use super::page_xml::{MAX_PAGE_BYTES, PageXml};
use super::site_info::SiteInfo;

/// Number of bytes read at a time.
const READ_SIZE: usize = 1 << 18;
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
/// Memory: one page, at most [`MAX_PAGE_BYTES`], and one read of 256 KiB.
pub struct PageSplitter<R> {
    reader: R,
    buffer: Vec<u8>,
    /// Bytes at the start of the buffer that were returned or skipped.
    consumed: usize,
    /// Offset of the buffer in the XML.
    buffer_offset: u64,
    pages: u64,
    done: bool,
    /// The next bytes may lie inside a page: they are skipped up to the next `<page`.
    out_of_sync: bool,
    /// `</mediawiki>` was skipped.
    end_tag_seen: bool,
    site: SiteInfo,
}

impl<R: Read> PageSplitter<R> {
    /// Reads the head of a dump, up to its first page.
    ///
    /// # Errors
    /// [`SplitError::NotADump`], or [`SplitError::Stream`] if the stream is damaged before the first page.
    pub fn new(reader: R) -> Result<Self, SplitError> {
        let mut splitter = Self::with_state(reader, SiteInfo::default(), 0, 0, false);
        let mut more = splitter.fill()?;
        while more && splitter.buffer.len() < 512 {
            more = splitter.fill()?;
        }
        if memmem::find(&splitter.buffer[..splitter.buffer.len().min(4096)], b"<mediawiki").is_none() {
            let start = String::from_utf8_lossy(&splitter.buffer[..splitter.buffer.len().min(60)]).into_owned();
            return Err(SplitError::NotADump(start));
        }
        let head = loop {
            if let Some(head) = memmem::find(&splitter.buffer, b"<page") {
                break head;
            }
            if !splitter.fill()? {
                break splitter.buffer.len();
            }
        };
        splitter.site = SiteInfo::parse(&String::from_utf8_lossy(&splitter.buffer[..head]));
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
            let skipped = left.min(splitter.buffer.len() as u64);
            splitter.buffer_offset += skipped;
            splitter.buffer.drain(..usize::try_from(skipped).expect("at most the length of the buffer"));
            left -= skipped;
        }
        Ok(splitter)
    }

    fn with_state(reader: R, site: SiteInfo, buffer_offset: u64, pages: u64, out_of_sync: bool) -> Self {
        Self { reader, buffer: Vec::new(), consumed: 0, buffer_offset, pages, done: false, out_of_sync, end_tag_seen: false, site }
    }

    /// Continues after a [recoverable](SplitError::is_recoverable) error with the next page that begins after it. The page that the error
    /// interrupted is discarded.
    pub fn skip_damage(&mut self) {
        self.buffer_offset += self.buffer.len() as u64;
        self.buffer.clear();
        (self.consumed, self.done, self.out_of_sync) = (0, false, true);
    }

    /// Byte of the XML from which on the next page is searched.
    pub fn offset(&self) -> u64 {
        self.buffer_offset + self.consumed as u64
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

    /// Reads more bytes into the buffer. `false` at the end of the stream.
    fn fill(&mut self) -> Result<bool, SplitError> {
        // The unread bytes move to the front only when they are fewer than the consumed ones, so that each byte moves at most once.
        if self.consumed > 0 && self.consumed >= self.buffer.len() - self.consumed {
            self.buffer_offset += self.consumed as u64;
            self.buffer.drain(..self.consumed);
            self.consumed = 0;
        }
        let length = self.buffer.len();
        self.buffer.resize(length + READ_SIZE, 0);
        let read = loop {
            match self.reader.read(&mut self.buffer[length..]) {
                Ok(read) => break read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => {
                    self.buffer.truncate(length);
                    return Err(SplitError::Stream { offset: self.buffer_offset + length as u64, pages: self.pages, source });
                }
            }
        };
        self.buffer.truncate(length + read);
        Ok(read > 0)
    }

    /// Skips to the next `<page`. `false` if there is none.
    fn find_page(&mut self) -> Result<bool, SplitError> {
        loop {
            let rest = &self.buffer[self.consumed..];
            if let Some(at) = memmem::find(rest, b"<page") {
                self.consumed += at;
                (self.out_of_sync, self.end_tag_seen) = (false, false);
                return Ok(true);
            }
            self.end_tag_seen |= memmem::find(rest, END_TAG).is_some();
            // Either tag may continue in the next read.
            self.consumed += rest.len().saturating_sub(END_TAG.len());
            if !self.fill()? {
                return Ok(false);
            }
        }
    }

    fn next_page(&mut self) -> Result<Option<PageXml>, SplitError> {
        if self.out_of_sync && !self.find_page()? {
            return self.finish(false);
        }
        // Bytes after `consumed` that were searched for `</page>` already.
        let mut searched = 0;
        // The kept bytes of a page that is too large, and its offset; the rest of it is skipped.
        let mut large: Option<(Vec<u8>, u64)> = None;
        loop {
            let rest = &self.buffer[self.consumed..];
            if let Some(found) = memmem::find(&rest[searched..], b"</page>") {
                let end = searched + found + b"</page>".len();
                let (xml, offset) = large.unwrap_or_else(|| {
                    let start = memmem::find(&rest[..end], b"<page").unwrap_or(0);
                    let kept = if end - start > MAX_PAGE_BYTES { start + KEPT_OF_LARGE_PAGE } else { end };
                    (rest[start..kept].to_vec(), self.buffer_offset + (self.consumed + start) as u64)
                });
                self.consumed += end;
                self.pages += 1;
                return Ok(Some(PageXml { xml, offset, bytes: self.buffer_offset + self.consumed as u64 - offset }));
            }
            // `</page>` may continue in the next read.
            searched = rest.len().saturating_sub(b"</page>".len() - 1);
            if large.is_none() && rest.len() > MAX_PAGE_BYTES {
                // Bytes before the page do not count towards its size.
                match memmem::find(rest, b"<page") {
                    Some(0) => large = Some((rest[..KEPT_OF_LARGE_PAGE].to_vec(), self.buffer_offset + self.consumed as u64)),
                    Some(start) => {
                        self.consumed += start;
                        searched = searched.saturating_sub(start);
                    }
                    None => {
                        self.end_tag_seen |= memmem::find(rest, END_TAG).is_some();
                        self.consumed += rest.len() - END_TAG.len();
                        searched = 0;
                    }
                }
            }
            if large.is_some() {
                self.consumed += searched;
                searched = 0;
            }
            if !self.fill()? {
                return self.finish(large.is_some());
            }
        }
    }

    /// Checks that the dump is complete where the stream ends.
    fn finish(&mut self, inside_page: bool) -> Result<Option<PageXml>, SplitError> {
        let rest = &self.buffer[self.consumed..];
        if !inside_page && (self.end_tag_seen || memmem::find(rest, END_TAG).is_some()) {
            return Ok(None);
        }
        let location = if inside_page || memmem::find(rest, b"<page").is_some() { "inside a page" } else { "after a page" };
        Err(SplitError::Truncated { location, offset: self.buffer_offset + self.buffer.len() as u64, pages: self.pages })
    }
}

impl<R: Read> Iterator for PageSplitter<R> {
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

    /// Returns a few bytes per read, so that reads end at every position.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let size = self.1.min(buffer.len()).min(self.0.len());
            buffer[..size].copy_from_slice(&self.0[..size]);
            self.0 = &self.0[size..];
            Ok(size)
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
                assert_eq!(chunk.xml, page.as_bytes());
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
                assert!(xml.as_bytes()[usize::try_from(chunk.offset).unwrap()..].starts_with(&chunk.xml));
            }
        }
    }

    #[test]
    fn reading_continues_after_damage() {
        struct Faulty<'a>(Vec<&'a str>);
        impl Read for Faulty<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                match self.0.pop() {
                    Some("!") => Err(std::io::Error::other("broken")),
                    Some(text) => (&mut text.as_bytes()).read(buffer),
                    None => Ok(0),
                }
            }
        }
        let parts = ["<page>a</page><page>b", "!", "c</page>x<page>d</page></mediawiki>"];
        let head = format!("{HEAD}<page>0</page>{}", " ".repeat(600));
        let mut splitter = PageSplitter::new(Faulty([parts[2], parts[1], parts[0], &head].to_vec())).unwrap();
        let mut found = Vec::new();
        loop {
            match splitter.next() {
                Some(Ok(chunk)) => found.push(String::from_utf8(chunk.xml).unwrap()),
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
        let mut splitter = PageSplitter::new(xml.as_bytes()).unwrap();
        let chunks: Vec<PageXml> = splitter.by_ref().map(Result::unwrap).collect();
        assert!(splitter.buffer.capacity() < MAX_PAGE_BYTES * 3, "{}", splitter.buffer.capacity());
        assert_eq!(chunks.iter().map(|chunk| chunk.bytes).collect::<Vec<_>>(), [14, large.len() as u64, 14]);
        assert!(chunks[1].xml.len() == KEPT_OF_LARGE_PAGE && large.as_bytes().starts_with(&chunks[1].xml));
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
