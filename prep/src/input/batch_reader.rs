//! Reads the inputs of a run in batches: one after the other, or side by side where one thread decodes each.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;

use tracing::info;

use super::dump_batches::DumpBatches;
use super::folder_batches::FolderBatches;
use super::inputs::OpenedInput;
use super::page_batch::PageBatch;
use super::position::{InputPosition, PendingInputPosition, PendingPosition, ReadPosition};
use super::read_pass::{ReadPass, ReadStep};
use crate::ordered_map::Feed;

/// Dumps read side by side, at most. A constant: the order of the rows depends on it.
pub const MAX_SIDE_BY_SIDE: usize = 8;

/// Reads all inputs from a position on. Returns whether the last one was read to its end: otherwise the consumer failed, the run was
/// interrupted, or a batch with a fatal error was sent.
///
/// Consecutive dumps that only one thread can decode, each from its start (gzip, zstd, xz, UTF-16), are read side by side, up to
/// [`MAX_SIDE_BY_SIDE`]: each gives a batch in turn. All other inputs are read one after the other.
pub fn read_batches(inputs: Vec<OpenedInput>, from: ReadPosition, feed: &mut Feed<'_, PageBatch>, pass: ReadPass<'_>) -> bool {
    let mut reader =
        BatchReader { inputs: inputs.into_iter().map(Some).collect(), open: VecDeque::new(), next_input: from.next_input, feed, pass };
    for position in from.open {
        if !reader.open(position.input, position.within) {
            return false;
        }
    }
    loop {
        while reader.next_joins_open() {
            reader.next_input += 1;
            if !reader.open(reader.next_input - 1, InputPosition::Start) {
                return false;
            }
        }
        let Some(input) = reader.open.pop_front() else { return true };
        if !reader.read_batch(input) {
            return false;
        }
    }
}

/// One input that is being read.
struct OpenInput {
    number: usize,
    is_serial: bool,
    batches: InputBatches,
    /// Position of the next batch.
    position: PendingInputPosition,
}

enum InputBatches {
    Dump(Box<DumpBatches>),
    Folder(FolderBatches),
}

/// Reads all inputs.
struct BatchReader<'a, 'f> {
    /// The inputs; `None` once they are opened.
    inputs: Vec<Option<OpenedInput>>,
    /// Those that are being read, in the order of their turns.
    open: VecDeque<OpenInput>,
    next_input: usize,
    feed: &'a mut Feed<'f, PageBatch>,
    pass: ReadPass<'a>,
}

impl BatchReader<'_, '_> {
    /// Whether the next input is to be opened now.
    fn next_joins_open(&self) -> bool {
        let Some(Some(next)) = self.inputs.get(self.next_input) else { return false };
        let are_serial = next.is_serial() && self.open.iter().all(|input| input.is_serial);
        self.open.is_empty() || (are_serial && self.open.len() < MAX_SIDE_BY_SIDE)
    }

    /// Opens an input at a position, as the last in the order of turns.
    fn open(&mut self, number: usize, from: InputPosition) -> bool {
        let input = self.inputs[number].take().expect("each input is opened once");
        let is_serial = input.is_serial();
        let position = PendingInputPosition::Known(from.clone());
        let batches = match input {
            OpenedInput::Dump { input, path, .. } => match DumpBatches::open(number, *input, path, from, self.pass) {
                Ok(dump) => InputBatches::Dump(Box::new(dump)),
                Err(error) => return self.fail(format!("{error:#}")),
            },
            OpenedInput::Pages { folder, path, bytes_read } => {
                InputBatches::Folder(FolderBatches::new(*folder, path, bytes_read, &from, self.pass))
            }
        };
        self.open.push_back(OpenInput { number, is_serial, batches, position });
        true
    }

    /// Sends the next batch of an input, which then waits for its next turn.
    fn read_batch(&mut self, mut input: OpenInput) -> bool {
        let step = match &mut input.batches {
            InputBatches::Dump(dump) => dump.next_batch(self.pass),
            InputBatches::Folder(folder) => folder.next_batch(self.pass),
        };
        match step {
            ReadStep::Batch(batch) => {
                input.position = match &mut input.batches {
                    InputBatches::Dump(dump) => dump.position(),
                    InputBatches::Folder(folder) => folder.position(),
                };
                self.open.push_back(input);
                self.send(batch)
            }
            ReadStep::Last(batch) => self.send(batch),
            ReadStep::Failed(batch, error) => self.send(batch) && self.fail(error),
        }
    }

    fn send(&mut self, batch: PageBatch) -> bool {
        let pass = self.pass.name;
        for damage in &batch.damage {
            info!(target: "damage", pass, input = damage.path, error = damage.what, lost = damage.lost, "skipped");
        }
        for input in &batch.finished_inputs {
            info!(target: "inputs", pass, input = input.path, bytes = input.bytes, "read to its end");
        }
        let open = self.open.iter().map(|input| (input.number, input.position.clone())).collect();
        let weight = batch.weight;
        let batch = PageBatch { next: PendingPosition { open, next_input: self.next_input }, ..batch };
        !self.pass.interrupted.load(Ordering::Relaxed) && self.feed.send(batch, weight)
    }

    /// Sends the error that ends the run; returns false.
    fn fail(&mut self, error: String) -> bool {
        self.send(PageBatch { fatal: Some(error), ..PageBatch::empty() });
        false
    }
}
