//! The inputs of a run, read in turn and handed on in batches.
//!
//! Where a batch ends depends on the input alone, so that a run which goes on after one makes the same batches.

use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{AsArray, RecordBatch};
use schemas::manifest::{Damage, InputFile};
use schemas::{ReadOptions, ShardFolder};
use serde::{Deserialize, Serialize};

use super::sources::{DumpInput, Source};
use crate::ordered_map::Feed;
use crate::source::{BytesRead, InputStream, PageSplitter, PageXml, ResumePoint, SplitError};

pub(crate) static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Bytes of XML, or pages, in a batch.
const BATCH_BYTES: u64 = 1 << 19;
const BATCH_PAGES: usize = 64;
/// A page from this size on weighs so many times as much in memory: it is held in all its forms at once.
const LARGE_PAGE: usize = 256 << 10;
const LARGE_WEIGHT: u64 = 8;
/// Faults of a stream, without a page between them, after which the rest is given up.
const MAX_FAULTS: usize = 100;

/// A place in the inputs, between two batches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// Which input, by its number.
    pub input: usize,
    /// Where in it.
    pub within: Within,
}

/// A place in an input.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Within {
    /// At its start.
    #[default]
    Start,
    /// In a dump.
    Xml {
        /// Byte of the XML.
        offset: u64,
        /// Pages before it.
        pages: u64,
        /// How to get there.
        place: ResumePoint,
    },
    /// In a folder of pages, after so many rows.
    Row(u64),
}

/// What is handed on at once.
pub(crate) struct Batch {
    pub work: Work,
    /// Bytes of text in it, as it was read.
    pub bytes: u64,
    /// What they count in memory.
    weight: u64,
    /// What was lost on the way.
    pub damage: Vec<Damage>,
    /// What ends the run.
    pub fault: Option<String>,
    /// What was read of an input that ends with it.
    pub ended: Vec<InputFile>,
    /// What comes after it.
    pub next: Position,
}

/// Pages to be made rows of.
pub(crate) enum Work {
    /// Pages of a dump, which is known by its number.
    Chunks {
        dump: usize,
        chunks: Vec<PageXml>,
    },
    /// Rows of a folder of pages.
    Rows {
        shard: PathBuf,
        rows: RecordBatch,
    },
    Nothing,
}

/// Reads all inputs in turn, from a place on. False: it was told to stop before their end.
pub(crate) fn read_all(sources: Vec<Source>, from: Position, feed: &mut Feed<'_, Batch>, skip_damaged: bool) -> bool {
    let mut within = from.within;
    for (number, source) in sources.into_iter().enumerate().skip(from.input) {
        let mut reading = Reading { number, feed, skip_damaged };
        let go_on = match source {
            Source::Dump { input, path, .. } => reading.dump(input, &path, std::mem::take(&mut within)),
            Source::Pages { folder, path, progress } => reading.folder(&folder, &path, &progress, std::mem::take(&mut within)),
        };
        if !go_on {
            return false;
        }
    }
    true
}

/// One input on its way.
struct Reading<'a, 'b> {
    number: usize,
    feed: &'a mut Feed<'b, Batch>,
    skip_damaged: bool,
}

/// A stretch of a dump that is lost, as far as it is known.
struct Lost {
    /// What is wrong.
    what: String,
    /// Where the last whole page before it ends, in bytes of the XML.
    from: u64,
    /// The decoder's words, and how often it had others before the next page.
    cause: Option<String>,
    more: usize,
}

impl Lost {
    fn new(error: &SplitError, from: u64) -> Self {
        Self { what: describe(error), from, cause: cause(error), more: 0 }
    }

    fn damage(self, path: &str, until: &str) -> Damage {
        let more = if self.more > 0 { format!("; {} more faults before the next page", self.more) } else { String::new() };
        let lost = format!("what lies after byte {} of the XML, {until}", self.from);
        Damage { path: path.to_owned(), what: self.what + &more, lost }
    }
}

fn cause(error: &SplitError) -> Option<String> {
    error.source().map(ToString::to_string)
}

/// An error with its causes.
fn describe(error: &SplitError) -> String {
    cause(error).map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

impl Reading<'_, '_> {
    /// Where the next input begins.
    fn after(&self) -> Position {
        Position { input: self.number + 1, within: Within::Start }
    }

    fn send(&mut self, batch: Batch) -> bool {
        let weight = batch.weight;
        !INTERRUPTED.load(Ordering::Relaxed) && self.feed.send(batch, weight)
    }

    /// Ends the run.
    fn fail(&mut self, fault: String) -> bool {
        let next = self.after();
        self.send(Batch { work: Work::Nothing, bytes: 0, weight: 0, damage: Vec::new(), fault: Some(fault), ended: Vec::new(), next });
        false
    }

    fn dump(&mut self, input: DumpInput, path: &str, within: Within) -> bool {
        let (until, expected, index) = (input.until(), input.expected(), input.index());
        let mut splitter = match input.splitter(within) {
            Ok(splitter) => splitter,
            Err(error) => return self.fail(format!("{error:#}")),
        };
        let mut batch = self.chunks();
        let mut lost: Option<Lost> = None;
        // Of a stream that never recovers there is an end too.
        let mut faults_in_a_row = 0;
        loop {
            match splitter.next() {
                Some(Ok(chunk)) => {
                    let bit = splitter.reader().seek_point(chunk.offset).map(|mark| mark.bit);
                    if until.is_some_and(|until| bit.is_some_and(|bit| bit >= until)) {
                        break;
                    }
                    if let Some(lost) = lost.take() {
                        let until = bit.map_or_else(String::new, |bit| format!(" in what begins at byte {} of the file", bit / 8));
                        batch.damage.push(lost.damage(path, &format!("up to the page at byte {} of it{until}", chunk.offset)));
                    }
                    faults_in_a_row = 0;
                    batch.push(chunk);
                }
                Some(Err(error)) if self.skip_damaged => {
                    match &mut lost {
                        // After a fault of the stream, an end without </mediawiki> is no news, nor is the same fault again.
                        Some(lost) => lost.more += usize::from(error.is_recoverable() && cause(&error) != lost.cause),
                        None => lost = Some(Lost::new(&error, splitter.offset())),
                    }
                    if !error.is_recoverable() || faults_in_a_row == MAX_FAULTS {
                        break;
                    }
                    faults_in_a_row += 1;
                    splitter.skip_damage();
                }
                Some(Err(error)) => {
                    // How much was read ahead of the fault is chance, so that its hash says nothing.
                    return self.send(batch) && self.fail(format!("{path}: {}", describe(&error)));
                }
                None => break,
            }
            if batch.is_full() {
                batch.next = self.within(&mut splitter);
                if !self.send(std::mem::replace(&mut batch, self.chunks())) {
                    return false;
                }
            }
        }
        if let Some(lost) = lost {
            batch.damage.push(lost.damage(path, "up to its end"));
        }
        if let Some(what) = index.and_then(|index| index.page_count_mismatch(splitter.pages())) {
            if !self.skip_damaged {
                return self.send(batch) && self.fail(format!("{path}: {what}"));
            }
            batch.damage.push(Damage { path: path.to_owned(), what, lost: "pages that its index lists".to_owned() });
        }
        let read = splitter.reader().input();
        let sound = batch.damage.is_empty();
        if sound && expected.is_some_and(|expected| expected != read) {
            let what = format!("{path} is not the file that the plan was made of: what this part reads has changed");
            return self.send(batch) && self.fail(what);
        }
        batch.ended.push(read);
        self.send(batch)
    }

    fn within(&self, splitter: &mut PageSplitter<InputStream>) -> Position {
        let (offset, pages) = (splitter.offset(), splitter.pages());
        Position { input: self.number, within: Within::Xml { offset, pages, place: splitter.reader().resume_point(offset) } }
    }

    /// A batch of pages of this dump, empty still.
    fn chunks(&self) -> Batch {
        let work = Work::Chunks { dump: self.number, chunks: Vec::new() };
        Batch { work, bytes: 0, weight: 0, damage: Vec::new(), fault: None, ended: Vec::new(), next: self.after() }
    }

    fn folder(&mut self, folder: &ShardFolder, path: &Path, progress: &BytesRead, within: Within) -> bool {
        let first = if let Within::Row(rows) = within { rows } else { 0 };
        let manifest = folder.manifest();
        let (rows, bytes) = (manifest.rows().max(1), manifest.shards.iter().map(|shard| shard.bytes).sum::<u64>());
        let mut done = first;
        progress.add(bytes * first / rows);
        for batch in folder.batches(ReadOptions::default().with_skipped_rows(first)) {
            let (shard, batch) = match batch {
                Ok(batch) => batch,
                Err(error) => {
                    let (path, what) = (path.display().to_string(), format!("{:#}", anyhow::Error::new(error)));
                    if !self.skip_damaged {
                        return self.fail(what);
                    }
                    let damage = vec![Damage { path, what, lost: format!("its rows after the first {done}") }];
                    let next = self.after();
                    return self.send(Batch { work: Work::Nothing, bytes: 0, weight: 0, damage, fault: None, ended: Vec::new(), next });
                }
            };
            progress.add(bytes * (done + batch.num_rows() as u64) / rows - bytes * done / rows);
            let lengths = text_lengths(&batch);
            for from in (0..batch.num_rows()).step_by(BATCH_PAGES) {
                let count = BATCH_PAGES.min(batch.num_rows() - from);
                done += count as u64;
                let lengths = &lengths[from..from + count];
                let (bytes, weight) = (lengths.iter().map(|&bytes| bytes as u64).sum(), lengths.iter().map(|&bytes| weight(bytes)).sum());
                let work = Work::Rows { shard: shard.clone(), rows: batch.slice(from, count) };
                let next = Position { input: self.number, within: Within::Row(done) };
                if !self.send(Batch { work, bytes, weight, damage: Vec::new(), fault: None, ended: Vec::new(), next }) {
                    return false;
                }
            }
        }
        let ended = manifest.shards.iter().map(|shard| InputFile {
            path: path.join(&shard.file).display().to_string(),
            bytes: shard.bytes,
            blake3: shard.blake3.clone(),
        });
        let ended = ended.collect();
        let next = self.after();
        self.send(Batch { work: Work::Nothing, bytes: 0, weight: 0, damage: Vec::new(), fault: None, ended, next })
    }
}

/// Bytes of the text of each row; none where there is no such column, which is an error later on.
fn text_lengths(pages: &RecordBatch) -> Vec<usize> {
    let texts = pages.column_by_name("text").and_then(|column| column.as_string_opt::<i32>());
    (0..pages.num_rows()).map(|row| texts.map_or(0, |texts| texts.value(row).len())).collect()
}

/// What a page counts in memory.
fn weight(bytes: usize) -> u64 {
    bytes as u64 * if bytes < LARGE_PAGE { 1 } else { LARGE_WEIGHT }
}

impl Batch {
    fn push(&mut self, chunk: PageXml) {
        self.bytes += chunk.xml.len() as u64;
        self.weight += weight(chunk.xml.len());
        if let Work::Chunks { chunks, .. } = &mut self.work {
            chunks.push(chunk);
        }
    }

    fn is_full(&self) -> bool {
        let Work::Chunks { chunks, .. } = &self.work else { return false };
        self.bytes >= BATCH_BYTES || chunks.len() >= BATCH_PAGES
    }
}
