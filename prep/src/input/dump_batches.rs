//! The batches of one dump, with the damage between its pages.

use std::error::Error as _;

use schemas::manifest::{Damage, InputFile};
use tracing::debug;

use super::dump::DumpInput;
use super::page_batch::{BatchContent, PageBatch};
use super::position::{InputPosition, PendingInputPosition};
use super::read_pass::{ReadPass, ReadStep};
use crate::source::{InputStream, MultistreamIndex, PageSplitter, SplitError};

/// Number of errors of a stream, without a page between them, after which the rest of the stream is given up.
const MAX_ERRORS_IN_A_ROW: usize = 100;

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

/// A dump that is being read.
pub(super) struct DumpBatches {
    /// Number of the input.
    number: usize,
    path: String,
    /// Bit of the file at which the next part of a plan begins.
    until: Option<u64>,
    /// The bytes of the part as the plan recorded them.
    expected: Option<InputFile>,
    index: Option<MultistreamIndex>,
    splitter: PageSplitter<InputStream>,
    open_damage: Option<OpenDamage>,
    /// Bounds the work on a stream that never recovers.
    errors_in_a_row: usize,
}

impl DumpBatches {
    /// Opens a dump at a position.
    ///
    /// # Errors
    /// It cannot be opened there.
    pub(super) fn open(number: usize, input: DumpInput, path: String, from: InputPosition, pass: ReadPass<'_>) -> anyhow::Result<Self> {
        let (until, expected, index) = (input.until(), input.expected(), input.index());
        let splitter = input.splitter(from)?;
        debug!(target: "inputs", pass = pass.name, input = path, offset = splitter.offset(), pages = splitter.pages(), "reading");
        Ok(Self { number, path, until, expected, index, splitter, open_damage: None, errors_in_a_row: 0 })
    }

    /// The position of the next batch.
    pub(super) fn position(&mut self) -> PendingInputPosition {
        let (offset, pages) = (self.splitter.offset(), self.splitter.pages());
        PendingInputPosition::Xml { offset, pages, place: self.splitter.reader().resume_point(offset) }
    }

    /// Reads the next batch.
    pub(super) fn next_batch(&mut self, pass: ReadPass<'_>) -> ReadStep {
        let mut batch = PageBatch::new(BatchContent::Pages { dump: self.number, pages: Vec::new() });
        loop {
            match self.splitter.next() {
                Some(Ok(page)) => {
                    let bit = self.splitter.reader().seek_point(page.offset).map(|mark| mark.bit);
                    if self.until.is_some_and(|until| bit.is_some_and(|bit| bit >= until)) {
                        break;
                    }
                    if let Some(damage) = self.open_damage.take() {
                        let until = bit.map_or_else(String::new, |bit| format!(" in what begins at byte {} of the file", bit / 8));
                        batch.damage.push(damage.close(&self.path, &format!("up to the page at byte {} of it{until}", page.offset)));
                    }
                    self.errors_in_a_row = 0;
                    batch.push(page);
                }
                Some(Err(error)) if pass.skip_damaged => {
                    let offset = self.splitter.offset();
                    debug!(target: "damage", pass = pass.name, input = self.path, offset, error = describe(&error), "found");
                    match &mut self.open_damage {
                        // After an error of the stream, the missing </mediawiki> and repetitions of the same error say nothing new.
                        Some(damage) => damage.more += usize::from(error.is_recoverable() && cause(&error) != damage.cause),
                        None => self.open_damage = Some(OpenDamage::new(&error, offset)),
                    }
                    if !error.is_recoverable() || self.errors_in_a_row == MAX_ERRORS_IN_A_ROW {
                        break;
                    }
                    self.errors_in_a_row += 1;
                    self.splitter.skip_damage();
                }
                // The input is not listed as read: how far the reader was ahead of the error varies, and so would its hash.
                Some(Err(error)) => return ReadStep::Failed(batch, format!("{}: {}", self.path, describe(&error))),
                None => break,
            }
            if batch.is_full() {
                return ReadStep::Batch(batch);
            }
        }
        self.finish(batch, pass)
    }

    /// Completes the last batch.
    fn finish(&mut self, mut batch: PageBatch, pass: ReadPass<'_>) -> ReadStep {
        let path = &self.path;
        if let Some(damage) = self.open_damage.take() {
            batch.damage.push(damage.close(path, "up to its end"));
        }
        if let Some(what) = self.index.as_ref().and_then(|index| index.page_count_mismatch(self.splitter.pages())) {
            if !pass.skip_damaged {
                return ReadStep::Failed(batch, format!("{path}: {what}"));
            }
            batch.damage.push(Damage { path: path.clone(), what, lost: "pages that its index lists".to_owned() });
        }
        let read = self.splitter.reader().input();
        let is_sound = batch.damage.is_empty();
        if is_sound && self.expected.as_ref().is_some_and(|expected| *expected != read) {
            let what = format!("{path} is not the file that the plan was made of: what this part reads has changed; make a new plan");
            return ReadStep::Failed(batch, what);
        }
        batch.finished_inputs.push(read);
        ReadStep::Last(batch)
    }
}
