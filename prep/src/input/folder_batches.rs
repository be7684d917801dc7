//! The batches of a folder of pages: row groups, which the workers read.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use schemas::manifest::{Damage, InputFile};
use schemas::{RowSlice, ShardFolder};
use tracing::debug;

use super::page_batch::{BatchContent, PageBatch};
use super::position::{InputPosition, PendingInputPosition};
use super::read_pass::{ReadPass, ReadStep};
use crate::ordered_map::row_weight;
use crate::source::BytesRead;

/// A folder that is being read.
pub(super) struct FolderBatches {
    folder: Arc<ShardFolder>,
    path: PathBuf,
    bytes_read: BytesRead,
    /// Rows before the next batch.
    rows: u64,
    /// Number of the next shard, and of the rows before it.
    shard: usize,
    rows_before_shard: u64,
    /// The row groups of the shard before it that are not read yet.
    slices: VecDeque<RowSlice>,
}

impl FolderBatches {
    /// A folder from a position on.
    pub(super) fn new(folder: ShardFolder, path: PathBuf, bytes_read: BytesRead, from: &InputPosition, pass: ReadPass<'_>) -> Self {
        let rows = if let InputPosition::Row(rows) = from { *rows } else { 0 };
        debug!(target: "inputs", pass = pass.name, input = %path.display(), row = rows, "reading");
        Self { folder: Arc::new(folder), path, bytes_read, rows, shard: 0, rows_before_shard: 0, slices: VecDeque::new() }
    }

    /// The position of the next batch.
    pub(super) fn position(&self) -> PendingInputPosition {
        PendingInputPosition::Known(InputPosition::Row(self.rows))
    }

    /// The next batch: a row group, or the damage in the place of a shard.
    pub(super) fn next_batch(&mut self, pass: ReadPass<'_>) -> ReadStep {
        let shards = Arc::clone(&self.folder);
        let shards = &shards.manifest().shards;
        loop {
            if let Some(slice) = self.slices.pop_front() {
                // A run is resumed between two row groups; one of an earlier version, within one.
                let read_before = usize::try_from(self.rows.saturating_sub(slice.first_row)).unwrap_or(usize::MAX);
                if read_before >= slice.rows {
                    continue;
                }
                let slice = slice.without_first(read_before);
                let shard = &shards[self.shard - 1];
                self.bytes_read.add(shard.bytes * slice.rows as u64 / shard.rows.max(1));
                self.rows = slice.range().end;
                let content = BatchContent::Rows { folder: Arc::clone(&self.folder), slice, skip_damaged: pass.skip_damaged };
                return ReadStep::Batch(PageBatch { weight: row_weight(slice.bytes), ..PageBatch::new(content) });
            }
            let Some(shard) = shards.get(self.shard) else { return ReadStep::Last(self.finish()) };
            let range = self.rows_before_shard..self.rows_before_shard + shard.rows;
            (self.shard, self.rows_before_shard) = (self.shard + 1, range.end);
            let read_before = self.rows.clamp(range.start, range.end) - range.start;
            self.bytes_read.add(shard.bytes * read_before / shard.rows.max(1));
            if self.rows >= range.end {
                continue;
            }
            match self.folder.shard_slices(self.shard - 1, usize::MAX) {
                Ok(slices) => self.slices = slices.into(),
                Err(error) => {
                    let what = format!("{:#}", anyhow::Error::new(error));
                    if !pass.skip_damaged {
                        return ReadStep::Failed(PageBatch::empty(), what);
                    }
                    let path = self.folder.shard_path(self.shard - 1).display().to_string();
                    let damage = vec![Damage { path, what, lost: rows_lost(self.rows.max(range.start)..range.end) }];
                    self.rows = range.end;
                    return ReadStep::Batch(PageBatch { damage, ..PageBatch::empty() });
                }
            }
        }
    }

    /// The batch that lists the shards as read.
    fn finish(&self) -> PageBatch {
        let shards = self.folder.manifest().shards.iter().map(|shard| InputFile {
            path: self.path.join(&shard.file).display().to_string(),
            bytes: shard.bytes,
            blake3: shard.blake3.clone(),
        });
        PageBatch { finished_inputs: shards.collect(), ..PageBatch::empty() }
    }
}

/// What a damaged shard or row group loses.
pub fn rows_lost(rows: Range<u64>) -> String {
    format!("its rows {} to {}", rows.start + 1, rows.end)
}
