//! Cuts a dump into pages without parsing them.
//!
//! `<` is escaped inside text, so the first `</page>` after a `<page` ends that page; this holds for every export MediaWiki writes.

use std::io::Read;

use memchr::memmem;

use super::xml::SiteInfo;

const BLOCK: usize = 1 << 18;
/// Largest page in bytes of XML. MediaWiki's own limit for the text of one is 2 MiB, unless raised.
pub const MAX_PAGE: usize = 4 << 20;
/// What a dump ends with.
const END: &[u8] = b"</mediawiki>";
/// What is kept of a larger page: enough to name it.
const KEPT: usize = 4096;

/// The XML of one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageChunk {
    /// From `<page` to `</page>`; of a page larger than [`MAX_PAGE`] the beginning.
    pub xml: Vec<u8>,
    /// Where it begins in the decompressed dump, in bytes.
    pub offset: u64,
    /// Bytes of the whole page.
    pub bytes: u64,
}

/// Why a dump cannot be read on. Everything before it was sound.
#[derive(Debug, thiserror::Error)]
pub enum SplitError {
    /// The first bytes are something else.
    #[error("not a MediaWiki dump: expected <mediawiki> at the start, found {0:?}")]
    NotADump(String),
    /// The compressed stream broke, or the file system did.
    #[error("stream is truncated or corrupt at byte {offset} of the XML, after {pages} pages")]
    Stream {
        /// Bytes of XML before the fault.
        offset: u64,
        /// Pages before the fault.
        pages: u64,
        /// What the decoder says.
        #[source]
        source: std::io::Error,
    },
    /// The XML ends without `</mediawiki>`.
    #[error("dump is truncated: it ends {place} at byte {offset} of the XML, after {pages} pages, without </mediawiki>")]
    Truncated {
        /// Inside or outside of a page.
        place: &'static str,
        /// Bytes of XML.
        offset: u64,
        /// Whole pages.
        pages: u64,
    },
}

impl SplitError {
    /// Whether there may be more after it.
    pub fn can_go_on(&self) -> bool {
        matches!(self, Self::Stream { .. })
    }
}

/// Iterator over the pages of a dump.
///
/// Memory: one page and one block. Ends after the first error.
pub struct Splitter<R> {
    reader: R,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were given out.
    taken: usize,
    /// Bytes of XML before the buffer.
    before: u64,
    pages: u64,
    done: bool,
    /// What comes next begins inside a page, or nobody knows where.
    lost: bool,
    /// `</mediawiki>` was passed over.
    ended: bool,
    site: SiteInfo,
}

impl<R: Read> Splitter<R> {
    /// Reads the head of a dump, up to its first page.
    ///
    /// # Errors
    /// [`SplitError::NotADump`], or a stream that is broken from the start.
    pub fn new(reader: R) -> Result<Self, SplitError> {
        let mut splitter = Self {
            reader,
            buffer: Vec::new(),
            taken: 0,
            before: 0,
            pages: 0,
            done: false,
            lost: false,
            ended: false,
            site: SiteInfo::default(),
        };
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

    /// Goes on inside a dump: `reader` begins at the byte `before` of the XML, and the first page is the first one that begins at or after
    /// the byte `from`; `pages` lie before it.
    ///
    /// # Errors
    /// A stream that is broken before that byte.
    pub fn at(reader: R, site: SiteInfo, before: u64, from: u64, pages: u64) -> Result<Self, SplitError> {
        let mut splitter = Self { reader, buffer: Vec::new(), taken: 0, before, pages, done: false, lost: true, ended: false, site };
        let mut left = from.saturating_sub(before);
        while left > 0 {
            if !splitter.fill()? {
                break;
            }
            let skipped = left.min(splitter.buffer.len() as u64);
            splitter.before += skipped;
            splitter.buffer.drain(..usize::try_from(skipped).expect("no more than the buffer holds"));
            left -= skipped;
        }
        Ok(splitter)
    }

    /// Goes on after a fault of the stream, with the next page that begins after it. What was read of a page before it is given up.
    pub fn go_on(&mut self) {
        self.before += self.buffer.len() as u64;
        self.buffer.clear();
        (self.taken, self.done, self.lost) = (0, false, true);
    }

    /// Where the next page is looked for, in bytes of the XML.
    pub fn offset(&self) -> u64 {
        self.before + self.taken as u64
    }

    /// Pages so far.
    pub fn pages(&self) -> u64 {
        self.pages
    }

    /// What the dump says of its wiki.
    pub fn site(&self) -> &SiteInfo {
        &self.site
    }

    /// The reader, to ask it what was read.
    pub fn reader(&mut self) -> &mut R {
        &mut self.reader
    }

    /// Reads a block more. Nothing more: false.
    fn fill(&mut self) -> Result<bool, SplitError> {
        // Move the rest to the front only when it is small beside what was given out: each byte moves once at most.
        if self.taken > 0 && self.taken >= self.buffer.len() - self.taken {
            self.before += self.taken as u64;
            self.buffer.drain(..self.taken);
            self.taken = 0;
        }
        let length = self.buffer.len();
        self.buffer.resize(length + BLOCK, 0);
        let read = loop {
            match self.reader.read(&mut self.buffer[length..]) {
                Ok(read) => break read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => {
                    self.buffer.truncate(length);
                    return Err(SplitError::Stream { offset: self.before + length as u64, pages: self.pages, source });
                }
            }
        };
        self.buffer.truncate(length + read);
        Ok(read > 0)
    }

    /// Skips what lies before the first page that begins here.
    fn find_page(&mut self) -> Result<bool, SplitError> {
        loop {
            let rest = &self.buffer[self.taken..];
            if let Some(at) = memmem::find(rest, b"<page") {
                self.taken += at;
                (self.lost, self.ended) = (false, false);
                return Ok(true);
            }
            self.ended |= memmem::find(rest, END).is_some();
            // Either may lie across the border of two blocks.
            self.taken += rest.len().saturating_sub(END.len());
            if !self.fill()? {
                return Ok(false);
            }
        }
    }

    fn next_page(&mut self) -> Result<Option<PageChunk>, SplitError> {
        if self.lost && !self.find_page()? {
            return self.end(false);
        }
        // Searched already, from `taken` on.
        let mut searched = 0;
        // The beginning of a page that is too large, and its offset; what follows is not kept.
        let mut large: Option<(Vec<u8>, u64)> = None;
        loop {
            let rest = &self.buffer[self.taken..];
            if let Some(found) = memmem::find(&rest[searched..], b"</page>") {
                let end = searched + found + b"</page>".len();
                let (xml, offset) = large.unwrap_or_else(|| {
                    let start = memmem::find(&rest[..end], b"<page").unwrap_or(0);
                    let kept = if end - start > MAX_PAGE { start + KEPT } else { end };
                    (rest[start..kept].to_vec(), self.before + (self.taken + start) as u64)
                });
                self.taken += end;
                self.pages += 1;
                return Ok(Some(PageChunk { xml, offset, bytes: self.before + self.taken as u64 - offset }));
            }
            // `</page>` may lie across the border of two blocks.
            searched = rest.len().saturating_sub(b"</page>".len() - 1);
            if large.is_none() && rest.len() > MAX_PAGE {
                // What lies before a page counts for nothing.
                match memmem::find(rest, b"<page") {
                    Some(0) => large = Some((rest[..KEPT].to_vec(), self.before + self.taken as u64)),
                    Some(start) => {
                        self.taken += start;
                        searched = searched.saturating_sub(start);
                    }
                    None => {
                        self.ended |= memmem::find(rest, END).is_some();
                        self.taken += rest.len() - END.len();
                        searched = 0;
                    }
                }
            }
            if large.is_some() {
                self.taken += searched;
                searched = 0;
            }
            if !self.fill()? {
                return self.end(large.is_some());
            }
        }
    }

    /// Nothing more is to come, in the middle of a page or not.
    fn end(&mut self, inside: bool) -> Result<Option<PageChunk>, SplitError> {
        let rest = &self.buffer[self.taken..];
        if !inside && (self.ended || memmem::find(rest, END).is_some()) {
            return Ok(None);
        }
        let place = if inside || memmem::find(rest, b"<page").is_some() { "inside a page" } else { "after a page" };
        Err(SplitError::Truncated { place, offset: self.before + self.buffer.len() as u64, pages: self.pages })
    }
}

impl<R: Read> Iterator for Splitter<R> {
    type Item = Result<PageChunk, SplitError>;

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

    /// Gives out a few bytes at a time, so that every border of blocks is met.
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
    fn pages_are_cut_wherever_blocks_end() {
        let pages: Vec<String> = (0..30).map(|n| format!("<page>{}</page>", "x".repeat(n * 7))).collect();
        let xml = format!("{HEAD}\n{}\n</mediawiki>", pages.join("\n  "));
        for step in [1, 2, 3, 7, 64, 5000] {
            let splitter = Splitter::new(Trickle(xml.as_bytes(), step)).unwrap();
            assert_eq!(splitter.site().dbname, "enwiki");
            let chunks: Vec<PageChunk> = splitter.map(Result::unwrap).collect();
            assert_eq!(chunks.len(), 30);
            for (chunk, page) in chunks.iter().zip(&pages) {
                assert_eq!(chunk.xml, page.as_bytes());
                assert!(xml[usize::try_from(chunk.offset).unwrap()..].starts_with(page));
            }
        }
    }

    #[test]
    fn reading_begins_anywhere() {
        let pages: Vec<String> = (0..20).map(|n| format!("<page>{n}{}</page>", "x".repeat(n * 7))).collect();
        let xml = format!("{HEAD}\n{}\n</mediawiki>", pages.join("\n  "));
        for from in HEAD.len()..xml.len() - "</mediawiki>".len() {
            let before = from - from % 10;
            let splitter = Splitter::at(Trickle(&xml.as_bytes()[before..], 5), SiteInfo::default(), before as u64, from as u64, 0).unwrap();
            let chunks: Vec<PageChunk> = splitter.map(Result::unwrap).collect();
            let expected = xml[from..].matches("<page>").count();
            assert_eq!(chunks.len(), expected, "{from}");
            for chunk in chunks {
                assert!(xml.as_bytes()[usize::try_from(chunk.offset).unwrap()..].starts_with(&chunk.xml));
            }
        }
    }

    #[test]
    fn reading_goes_on_after_a_fault() {
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
        let mut splitter = Splitter::new(Faulty([parts[2], parts[1], parts[0], &head].to_vec())).unwrap();
        let mut found = Vec::new();
        loop {
            match splitter.next() {
                Some(Ok(chunk)) => found.push(String::from_utf8(chunk.xml).unwrap()),
                Some(Err(SplitError::Stream { .. })) => splitter.go_on(),
                Some(Err(error)) => panic!("{error}"),
                None => break,
            }
        }
        assert_eq!(found, ["<page>0</page>", "<page>a</page>", "<page>d</page>"]);
    }

    #[test]
    fn a_page_that_is_too_large_is_passed_over() {
        let large = format!("<page><title>Large</title>{}</page>", "x".repeat(MAX_PAGE * 3));
        let xml = format!("{HEAD}<page>a</page>{large}<page>b</page></mediawiki>");
        let mut splitter = Splitter::new(xml.as_bytes()).unwrap();
        let chunks: Vec<PageChunk> = splitter.by_ref().map(Result::unwrap).collect();
        assert!(splitter.buffer.capacity() < MAX_PAGE * 3, "{}", splitter.buffer.capacity());
        assert_eq!(chunks.iter().map(|chunk| chunk.bytes).collect::<Vec<_>>(), [14, large.len() as u64, 14]);
        assert!(chunks[1].xml.len() == KEPT && large.as_bytes().starts_with(&chunks[1].xml));
        assert!(xml[usize::try_from(chunks[2].offset).unwrap()..].starts_with("<page>b"));
    }

    #[test]
    fn what_is_not_whole_is_an_error() {
        let check = |xml: String| -> String {
            match Splitter::new(xml.as_bytes()) {
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
