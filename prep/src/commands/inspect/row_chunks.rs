//! The rows of a folder in chunks that fit into memory.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use polars::prelude::{DataType, ExplodeOptions, Expr, LazyFrame, PlRefPath, ScanArgsParquet, col, cols, len};
use schemas::{Manifest, Page, Row};

use crate::ordered_map::{Feed, Limits, TaskQueue, ordered_map};

/// Triples of a chunk: a few row groups, so that reading one reads little else.
const CHUNK_TRIPLES: u32 = 32_768;
/// Pages of a chunk, which are larger.
const CHUNK_PAGES: u32 = 2048;

/// The rows of a folder, in chunks of 32,768 triples or 2,048 pages of one shard.
pub struct RowChunks {
    shards: Vec<PathBuf>,
    chunks: Vec<Chunk>,
}

struct Chunk {
    shard: usize,
    first_row: u32,
    rows: u32,
}

impl RowChunks {
    /// Opens the shards that the manifest lists. The manifest of an incomplete folder may list none, so there it is those in the folder.
    ///
    /// # Errors
    /// A shard is missing or is not Parquet.
    pub fn open(dir: &Path, manifest: &Manifest) -> anyhow::Result<Self> {
        let listed = || manifest.shards.iter().map(|shard| dir.join(&shard.file)).collect();
        let shards = if manifest.complete { listed() } else { shards_in(dir)? };
        let mut chunks = Vec::new();
        for (shard, path) in shards.iter().enumerate() {
            ensure!(path.is_file(), "{} is missing; see `prep verify`", path.display());
            let count = scan(path)?.select([len().alias("rows")]).collect().with_context(|| format!("cannot read {}", path.display()))?;
            let rows = count.column("rows")?.u32()?.get(0).unwrap_or(0);
            let most = if manifest.schema == Page::SCHEMA_NAME { CHUNK_PAGES } else { CHUNK_TRIPLES };
            let first_rows = (0..rows).step_by(most as usize);
            chunks.extend(first_rows.map(|first_row| Chunk { shard, first_row, rows: most.min(rows - first_row) }));
        }
        Ok(Self { shards, chunks })
    }

    /// The shards.
    pub fn shards(&self) -> &[PathBuf] {
        &self.shards
    }

    /// The number of chunks.
    pub fn len(&self) -> usize {
        self.chunks.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Looks at the chunks on several threads, and takes what was found in their order.
    ///
    /// # Errors
    /// The first error of either.
    pub fn map_in_order<T: Send>(
        &self,
        limits: Limits,
        read: impl Fn(usize) -> anyhow::Result<T> + Sync,
        mut take: impl FnMut(T) -> anyhow::Result<()> + Send,
    ) -> anyhow::Result<()> {
        // A chunk weighs so much that few are in flight: polars has threads of its own, too.
        let weight = limits.budget / (limits.threads as u64 + 1).max(9);
        let send = |feed: &mut Feed<'_, usize>| (0..self.len()).all(|chunk| feed.send(chunk, weight));
        let (_, taken) = ordered_map(limits, &TaskQueue::default(), send, read, |found| take(found?));
        taken
    }

    /// The rows of a chunk.
    ///
    /// # Errors
    /// The shard has a path that polars cannot open.
    pub fn frame(&self, chunk: usize) -> anyhow::Result<LazyFrame> {
        let Chunk { shard, first_row, rows } = self.chunks[chunk];
        Ok(scan(&self.shards[shard])?.slice(i64::from(first_row), rows))
    }
}

fn scan(path: &Path) -> anyhow::Result<LazyFrame> {
    // A path may hold chars that a glob would take for a pattern.
    let args = ScanArgsParquet { glob: false, cache: false, ..ScanArgsParquet::default() };
    let at = PlRefPath::try_from_path(path).with_context(|| format!("cannot read {}", path.display()))?;
    LazyFrame::scan_parquet(at, args).with_context(|| format!("cannot read {}", path.display()))
}

/// The shards in a folder and in the folders of its partitions, in order.
fn shards_in(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut shards = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry.with_context(|| format!("cannot read {}", dir.display()))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.contains('=') && path.is_dir() {
            shards.extend(shards_in(&path)?);
        } else if name.starts_with("part-") && name.ends_with(".parquet") {
            shards.push(path);
        }
    }
    shards.sort();
    Ok(shards)
}

/// The items of a list column, one per row.
pub fn explode_list(frame: LazyFrame, column: &str) -> LazyFrame {
    frame.select([col(column)]).explode(cols([column]), ExplodeOptions { empty_as_null: false, keep_nulls: false })
}

/// A field of a struct column.
pub fn struct_field(column: &str, field: &str) -> Expr {
    col(column).struct_().field_by_name(field)
}

/// How often each value occurs, in order of first appearance; null is not counted.
///
/// # Errors
/// The frame cannot be read, or has no such column.
pub fn value_counts(frame: LazyFrame, value: Expr) -> anyhow::Result<Vec<(String, u64)>> {
    let counts = frame
        .select([value.cast(DataType::String).alias("value")])
        .group_by_stable([col("value")])
        .agg([len().alias("count")])
        .collect()?;
    let (values, counts) = (counts.column("value")?.str()?, counts.column("count")?.u32()?);
    Ok(values.iter().zip(counts.iter()).filter_map(|(value, count)| Some((value?.to_owned(), u64::from(count?)))).collect())
}
