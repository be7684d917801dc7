//! A pass over the pages of folders, on several threads.

use std::sync::atomic::Ordering;

use anyhow::{Context, bail};
use schemas::{FolderError, Page, RowSlice, ShardFolder};

use crate::input::batch_reader::read_batches;
use crate::input::inputs::Inputs;
use crate::input::page_batch::BatchContent;
use crate::input::position::ReadPosition;
use crate::input::read_pass::ReadPass;
use crate::ordered_map::{Limits, TaskQueue, ordered_map};

/// How pages are read.
#[derive(Debug, Clone, Copy)]
pub struct PassSettings<'a> {
    /// What is in flight.
    pub limits: Limits,
    /// The pass.
    pub pass: ReadPass<'a>,
}

/// Reads all pages. `look` looks at each, on several threads; `take` takes what was found in a row group, in order; `progress` is called
/// with the number of pages so far.
///
/// # Errors
/// A shard that cannot be read, an interruption, or an error of `take`.
pub(super) fn read_pages<T: Default + Send>(
    inputs: Inputs,
    settings: PassSettings<'_>,
    look: impl Fn(&Page<'_>, &mut T) -> anyhow::Result<()> + Sync,
    mut take: impl FnMut(T) -> anyhow::Result<()> + Send,
    mut progress: impl FnMut(u64) + Send,
) -> anyhow::Result<()> {
    let PassSettings { limits, pass } = settings;
    let mut pages = 0;
    let (_, result) = ordered_map(
        limits,
        &TaskQueue::default(),
        |feed| read_batches(inputs.opened, ReadPosition::default(), feed, pass),
        |batch| -> anyhow::Result<(u64, T)> {
            if let Some(error) = batch.fatal {
                bail!("{error}");
            }
            let mut found = T::default();
            // Inputs are folders of pages.
            let BatchContent::Rows { folder, slice, .. } = &batch.content else { return Ok((0, found)) };
            look_at_slice(folder, slice, |page| look(page, &mut found))?;
            Ok((slice.rows as u64, found))
        },
        |found| -> anyhow::Result<()> {
            let (count, found) = found?;
            pages += count;
            progress(pages);
            take(found)
        },
    );
    result?;
    if pass.interrupted.load(Ordering::Relaxed) {
        bail!("interrupted");
    }
    Ok(())
}

fn look_at_slice(folder: &ShardFolder, slice: &RowSlice, mut look: impl FnMut(&Page<'_>) -> anyhow::Result<()>) -> anyhow::Result<()> {
    for rows in folder.read_slice(slice, None)? {
        let pages = Page::views(&rows).map_err(|error| FolderError::Row(folder.shard_of(slice), error))?;
        for page in &pages {
            look(page).with_context(|| format!("{}: {}", folder.shard_of(slice).display(), page.title))?;
        }
    }
    Ok(())
}
