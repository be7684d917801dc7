//! Reads the inputs of a run, one after the other, in batches.

use std::error::Error as _;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use schemas::ShardFolder;
use schemas::manifest::{Damage, InputFile};
use tracing::{debug, info};

use super::dump::DumpInput;
use super::inputs::OpenedInput;
use super::page_batch::{BatchContent, PageBatch, slice_weight};
use super::position::{InputPosition, PendingPosition, ReadPosition};
use crate::ordered_map::Feed;
use crate::source::{BytesRead, InputStream, PageSplitter, SplitError};

/// Number of errors of a stream, without a page between them, after which the rest of the stream is given up.
const MAX_ERRORS_IN_A_ROW: usize = 100;

/// A pass over the inputs: a run may read them more than once.
#[derive(Debug, Clone, Copy)]
pub struct ReadPass<'a> {
    /// What the inputs are read for, as log events say it.
    pub name: &'static str,
    /// Whether damage is skipped and recorded instead of ending the run.
    pub skip_damaged: bool,
    /// Set when the run is to stop.
    pub interrupted: &'a AtomicBool,
}

/// Reads all inputs from a position on. Returns whether the last one was read to its end: otherwise the consumer failed, the run was
/// interrupted, or a batch with a fatal error was sent.
pub fn read_batches(inputs: Vec<OpenedInput>, from: ReadPosition, feed: &mut Feed<'_, PageBatch>, pass: ReadPass<'_>) -> bool {
    let mut within = from.within;
    for (number, input) in inputs.into_iter().enumerate().skip(from.input) {
        let mut reader = BatchReader { number, feed, pass };
        let finished = match input {
            OpenedInput::Dump { input, path, .. } => reader.read_dump(*input, &path, std::mem::take(&mut within)),
            OpenedInput::Pages { folder, path, bytes_read } => reader.read_folder(*folder, &path, &bytes_read, std::mem::take(&mut within)),
        };
        if !finished {
            return false;
        }
    }
    true
}

/// Reads one input.
struct BatchReader<'a, 'f> {
    /// Number of the input.
    number: usize,
    feed: &'a mut Feed<'f, PageBatch>,
    pass: ReadPass<'a>,
}

/// A damaged stretch of a dump whose end is not known yet.
struct OpenDamage {
    /// The first error.
    what: String,
    /// End of the last whole page before it, in bytes of the XML.
    from: u64,
    /// Cause of the first error, as the decoder words it.
    cause: Option<String>,
    /// Number of errors with another cause before the next page.
    more: usize,
}

impl OpenDamage {
    fn new(error: &SplitError, from: u64) -> Self {
        Self { what: describe(error), from, cause: cause(error), more: 0 }
    }

    fn close(self, path: &str, until: &str) -> Damage {
        let more = if self.more > 0 { format!("; {} more errors before the next page", self.more) } else { String::new() };
        let lost = format!("what lies after byte {} of the XML, {until}", self.from);
        Damage { path: path.to_owned(), what: self.what + &more, lost }
    }
}

fn cause(error: &SplitError) -> Option<String> {
    error.source().map(ToString::to_string)
}

/// An error with its cause.
fn describe(error: &SplitError) -> String {
    cause(error).map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

impl BatchReader<'_, '_> {
    /// The start of the next input.
    fn next_input(&self) -> PendingPosition {
        PendingPosition::Known(ReadPosition { input: self.number + 1, within: InputPosition::Start })
    }

    fn send(&mut self, batch: PageBatch) -> bool {
        let pass = self.pass.name;
        for damage in &batch.damage {
            info!(target: "damage", pass, input = damage.path, error = damage.what, lost = damage.lost, "skipped");
        }
        for input in &batch.finished_inputs {
            info!(target: "inputs", pass, input = input.path, bytes = input.bytes, "read to its end");
        }
        let weight = batch.weight;
        !self.pass.interrupted.load(Ordering::Relaxed) && self.feed.send(batch, weight)
    }

    /// Sends the error that ends the run; returns false.
    fn fail(&mut self, error: String) -> bool {
        let batch = PageBatch { fatal: Some(error), ..PageBatch::empty(self.next_input()) };
        self.send(batch);
        false
    }

    fn read_dump(&mut self, input: DumpInput, path: &str, from: InputPosition) -> bool {
        let (until, expected, index) = (input.until(), input.expected(), input.index());
        let mut splitter = match input.splitter(from) {
            Ok(splitter) => splitter,
            Err(error) => return self.fail(format!("{error:#}")),
        };
        debug!(target: "inputs", pass = self.pass.name, input = path, offset = splitter.offset(), pages = splitter.pages(), "reading");
        let mut batch = self.pages_batch();
        let mut open_damage: Option<OpenDamage> = None;
        // Bounds the work on a stream that never recovers.
        let mut errors_in_a_row = 0;
        loop {
            match splitter.next() {
                Some(Ok(page)) => {
                    let bit = splitter.reader().seek_point(page.offset).map(|mark| mark.bit);
                    if until.is_some_and(|until| bit.is_some_and(|bit| bit >= until)) {
                        break;
                    }
                    if let Some(damage) = open_damage.take() {
                        let until = bit.map_or_else(String::new, |bit| format!(" in what begins at byte {} of the file", bit / 8));
                        batch.damage.push(damage.close(path, &format!("up to the page at byte {} of it{until}", page.offset)));
                    }
                    errors_in_a_row = 0;
                    batch.push(page);
                }
                Some(Err(error)) if self.pass.skip_damaged => {
                    debug!(target: "damage", pass = self.pass.name, input = path, offset = splitter.offset(), error = describe(&error), "found");
                    match &mut open_damage {
                        // After an error of the stream, the missing </mediawiki> and repetitions of the same error say nothing new.
                        Some(damage) => damage.more += usize::from(error.is_recoverable() && cause(&error) != damage.cause),
                        None => open_damage = Some(OpenDamage::new(&error, splitter.offset())),
                    }
                    if !error.is_recoverable() || errors_in_a_row == MAX_ERRORS_IN_A_ROW {
                        break;
                    }
                    errors_in_a_row += 1;
                    splitter.skip_damage();
                }
                Some(Err(error)) => {
                    // The input is not listed as read: how far the reader was ahead of the error varies, and so would its hash.
                    return self.send(batch) && self.fail(format!("{path}: {}", describe(&error)));
                }
                None => break,
            }
            if batch.is_full() {
                batch.next = self.position(&mut splitter);
                if !self.send(std::mem::replace(&mut batch, self.pages_batch())) {
                    return false;
                }
            }
        }
        if let Some(damage) = open_damage {
            batch.damage.push(damage.close(path, "up to its end"));
        }
        if let Some(what) = index.and_then(|index| index.page_count_mismatch(splitter.pages())) {
            if !self.pass.skip_damaged {
                return self.send(batch) && self.fail(format!("{path}: {what}"));
            }
            batch.damage.push(Damage { path: path.to_owned(), what, lost: "pages that its index lists".to_owned() });
        }
        let read = splitter.reader().input();
        let is_sound = batch.damage.is_empty();
        if is_sound && expected.is_some_and(|expected| expected != read) {
            let what = format!("{path} is not the file that the plan was made of: what this part reads has changed; make a new plan");
            return self.send(batch) && self.fail(what);
        }
        batch.finished_inputs.push(read);
        self.send(batch)
    }

    fn position(&self, splitter: &mut PageSplitter<InputStream>) -> PendingPosition {
        let (offset, pages) = (splitter.offset(), splitter.pages());
        PendingPosition::Xml { input: self.number, offset, pages, place: splitter.reader().resume_point(offset) }
    }

    /// A batch for pages of this dump.
    fn pages_batch(&self) -> PageBatch {
        PageBatch::new(BatchContent::Pages { dump: self.number, pages: Vec::new() }, self.next_input())
    }

    fn read_folder(&mut self, folder: ShardFolder, path: &Path, bytes_read: &BytesRead, from: InputPosition) -> bool {
        let first = if let InputPosition::Row(rows) = from { rows } else { 0 };
        debug!(target: "inputs", pass = self.pass.name, input = %path.display(), row = first, "reading");
        let folder = Arc::new(folder);
        let mut end = 0;
        for (number, shard) in folder.manifest().shards.iter().enumerate() {
            let begin = end;
            end += shard.rows;
            let skipped = first.saturating_sub(begin).min(shard.rows);
            bytes_read.add(shard.bytes * skipped / shard.rows.max(1));
            if skipped == shard.rows && skipped > 0 {
                continue;
            }
            let slices = match folder.shard_slices(number, usize::MAX) {
                Ok(slices) => slices,
                Err(error) => {
                    let what = format!("{:#}", anyhow::Error::new(error));
                    if !self.pass.skip_damaged {
                        return self.fail(what);
                    }
                    let shard = folder.shard_path(number).display().to_string();
                    let damage = vec![Damage { path: shard, what, lost: rows_lost(begin + skipped..end) }];
                    if !self.send(PageBatch { damage, ..PageBatch::empty(self.after_row(end)) }) {
                        return false;
                    }
                    continue;
                }
            };
            for slice in slices.into_iter().filter(|slice| slice.range().end > first) {
                let known = usize::try_from(first.saturating_sub(slice.first_row)).expect("fewer rows than the slice has");
                let slice = slice.without_first(known);
                bytes_read.add(shard.bytes * slice.rows as u64 / shard.rows.max(1));
                let (next, weight) = (self.after_row(slice.range().end), slice_weight(slice.bytes));
                let content = BatchContent::Rows { folder: Arc::clone(&folder), slice, skip_damaged: self.pass.skip_damaged };
                if !self.send(PageBatch { weight, ..PageBatch::new(content, next) }) {
                    return false;
                }
            }
        }
        let shards = folder.manifest().shards.iter().map(|shard| InputFile {
            path: path.join(&shard.file).display().to_string(),
            bytes: shard.bytes,
            blake3: shard.blake3.clone(),
        });
        let batch = PageBatch { finished_inputs: shards.collect(), ..PageBatch::empty(self.next_input()) };
        self.send(batch)
    }

    /// The position in a folder after so many rows.
    fn after_row(&self, rows: u64) -> PendingPosition {
        PendingPosition::Known(ReadPosition { input: self.number, within: InputPosition::Row(rows) })
    }
}

/// What a damaged shard or row group loses.
pub fn rows_lost(rows: Range<u64>) -> String {
    format!("its rows {} to {}", rows.start + 1, rows.end)
}
