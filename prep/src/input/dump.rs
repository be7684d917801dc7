//! One dump among the inputs: a file, a range of a file that a plan names, or a stream that can be read once.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use schemas::manifest::InputFile;

use super::plan::{PlannedDump, PlannedRange};
use super::position::InputPosition;
use crate::source::{
    BytesRead, DumpPage, FilePart, InputStream, MalformedPage, MultistreamIndex, PageSplitter, PageXml, SiteInfo, check_unchanged,
    is_serial,
};

/// A dump whose head was read.
pub struct DumpInput {
    /// Where it is; `-` is standard input.
    pub path: PathBuf,
    /// Bytes that are read of the file; 0 if the number is unknown.
    pub bytes: u64,
    /// What the head says about the wiki.
    pub site: SiteInfo,
    /// Name of its compression format.
    pub format: &'static str,
    /// Whether only one thread can decode it, from its start.
    pub is_serial: bool,
    /// The range of the file that is read.
    part: FilePart,
    /// The bytes of that range as the plan recorded them.
    expected: Option<InputFile>,
    index: Option<MultistreamIndex>,
    /// Threads that decode bzip2.
    threads: usize,
    bytes_read: BytesRead,
    /// The opened dump, where it cannot be opened a second time or was opened at a resume point.
    splitter: Option<Box<PageSplitter<InputStream>>>,
}

/// What workers need to know about a dump.
pub struct DumpInfo {
    /// Its path.
    pub path: String,
    /// What its head says about the wiki.
    pub site: SiteInfo,
    /// Language of the wiki.
    pub lang: String,
    /// Byte of the file at which the XML offsets start; `None`: the start of the file.
    from: Option<u64>,
}

impl DumpInput {
    /// Reads the head of a dump. A file is closed again until its turn comes: many inputs would need many threads and much memory at once.
    pub(super) fn open(path: &Path, threads: usize, bytes_read: &BytesRead) -> anyhow::Result<Self> {
        let name = || path.display().to_string();
        let is_file = path.is_file();
        let stream = if is_file {
            InputStream::open(path, BytesRead::default())
        } else {
            InputStream::open_with_threads(path, threads, bytes_read.clone())
        }?;
        let (format, is_serial) = (stream.format(), stream.is_serial());
        let mut splitter = PageSplitter::new(stream).with_context(name)?;
        let site = splitter.site().clone();
        if is_file && let Some(Ok(page)) = splitter.next() {
            // The first page tells a dump of histories or of stubs, before anything is made.
            let error = DumpPage::parse(&page, &site).err().filter(MalformedPage::is_of_whole_dump);
            error.map_or(Ok(()), Err).with_context(name)?;
        }
        Ok(Self {
            path: path.to_owned(),
            bytes: if is_file { std::fs::metadata(path).with_context(name)?.len() } else { 0 },
            site,
            format,
            is_serial,
            part: FilePart::WHOLE,
            expected: None,
            index: None,
            threads,
            bytes_read: bytes_read.clone(),
            splitter: (!is_file).then(|| Box::new(splitter)),
        })
    }

    /// A range of a dump that a plan names.
    pub(super) fn planned(dump: &PlannedDump, range: &PlannedRange, threads: usize, bytes_read: &BytesRead) -> anyhow::Result<Self> {
        let path = Path::new(&dump.input.path);
        let found = std::fs::metadata(path).with_context(|| format!("cannot open {}", path.display()))?.len();
        let planned = dump.input.bytes;
        ensure!(found == planned, "{} has {found} bytes, but had {planned} when the plan was made; make a new plan", path.display());
        Ok(Self {
            path: path.to_owned(),
            bytes: range.bytes,
            site: dump.site.clone(),
            format: "planned part",
            is_serial: is_serial(path).with_context(|| format!("cannot read {}", path.display()))?,
            part: range.part.clone(),
            expected: Some(InputFile { bytes: range.bytes, blake3: range.blake3.clone(), ..dump.input.clone() }),
            index: None,
            threads,
            bytes_read: bytes_read.clone(),
            splitter: None,
        })
    }

    /// The same dump, to be compared with its multistream index.
    pub(super) fn with_index(self, index: Option<MultistreamIndex>) -> Self {
        Self { index, ..self }
    }

    /// What the bytes read must be, where a plan recorded them.
    pub(super) fn expected(&self) -> Option<InputFile> {
        self.expected.clone()
    }

    /// The multistream index that the dump must agree with.
    pub(super) fn index(&self) -> Option<MultistreamIndex> {
        self.index.clone()
    }

    /// Bit of the file at which the next part of a plan begins.
    pub(super) fn until(&self) -> Option<u64> {
        self.part.end_bit
    }

    pub(super) fn info(&self, path: &str, lang: &str) -> DumpInfo {
        let from = self.part.start.map(|mark| mark.bit / 8);
        DumpInfo { path: path.to_owned(), site: self.site.clone(), lang: lang.to_owned(), from }
    }

    /// The pages from a position on; if the dump is open already, from where it is.
    pub(super) fn splitter(self, from: InputPosition) -> anyhow::Result<PageSplitter<InputStream>> {
        match self.splitter {
            Some(splitter) => Ok(*splitter),
            None => self.open_from(from),
        }
    }

    /// Opens the dump at a position at once, so that a changed file is found before the run starts.
    pub(super) fn seek(&mut self, to: InputPosition) -> anyhow::Result<()> {
        self.splitter = Some(Box::new(self.open_from(to)?));
        Ok(())
    }

    /// Checks that the dump still has the bytes that an earlier run read.
    pub(super) fn check_unchanged(&self, read: &InputFile) -> anyhow::Result<()> {
        check_unchanged(&self.part, read)
    }

    fn open_from(&self, from: InputPosition) -> anyhow::Result<PageSplitter<InputStream>> {
        let name = || self.path.display().to_string();
        let open = |place| InputStream::open_part(&self.path, &self.part, place, self.threads, self.bytes_read.clone());
        match from {
            InputPosition::Xml { offset, pages, place } => {
                let before = place.seek_point.map_or(0, |point| point.offset);
                PageSplitter::resume(open(Some(&place))?, self.site.clone(), before, offset, pages)
            }
            _ => match self.part.start {
                Some(mark) => PageSplitter::resume(open(None)?, self.site.clone(), mark.offset, mark.offset, 0),
                None => PageSplitter::new(open(None)?),
            },
        }
        .with_context(name)
    }
}

impl DumpInfo {
    /// An empty one, for an input that is no dump.
    pub(super) fn none(path: String) -> Self {
        Self { path, site: SiteInfo::default(), lang: String::new(), from: None }
    }

    /// Where a page is, for a message: its byte and its title.
    pub fn locate(&self, page: &PageXml) -> String {
        let xml = page.xml();
        let xml = String::from_utf8_lossy(&xml[..xml.len().min(2000)]);
        let title = xml.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).map(|(title, _)| format!(" ({title})"));
        let from = self.from.map(|byte| format!(" from byte {byte} of the file on")).unwrap_or_default();
        format!("page at byte {} of the XML{from}{}", page.offset, title.unwrap_or_default())
    }
}

/// Refuses an input that can be read only once: standard input, a pipe or a device.
///
/// # Errors
/// Names the option that needs the second pass.
pub(super) fn check_rereadable(path: &Path, option: &str) -> anyhow::Result<()> {
    let is_stdin = path.as_os_str() == "-";
    let name = if is_stdin { "standard input".to_owned() } else { path.display().to_string() };
    // A missing file is reported when it is opened.
    let is_rereadable = !is_stdin && (path.is_file() || !path.exists());
    ensure!(is_rereadable, "{option} reads its inputs twice, but {name} can be read only once; save it to a file first");
    Ok(())
}
