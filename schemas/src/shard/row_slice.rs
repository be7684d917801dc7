//! Folders read out of order: consecutive rows of a row group, wherever they lie.

use std::ops::Range;
use std::path::PathBuf;

use arrow::array::RecordBatch;

use super::error::FolderError;
use super::folder::{ShardFolder, open_columns};

/// A row group with more bytes of values is divided into several slices.
const MAX_SLICE_BYTES: u64 = 12 << 20;

/// Consecutive rows of one row group: what is read at once where a folder is read out of order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowSlice {
    /// Number of its first row in the folder.
    pub first_row: u64,
    /// Number of its first row in the shard.
    pub first_in_shard: u64,
    /// Number of rows.
    pub rows: usize,
    /// Bytes of its values, about.
    pub bytes: u64,
    /// Index of the shard in the manifest.
    shard: usize,
    /// Index of the row group in the shard.
    row_group: usize,
    /// Rows of the row group before the slice.
    before: usize,
}

impl RowSlice {
    /// Numbers of its rows in the folder.
    pub fn range(&self) -> Range<u64> {
        self.first_row..self.first_row + self.rows as u64
    }

    /// The slice without its first rows.
    ///
    /// # Panics
    /// It has fewer.
    #[must_use]
    pub fn without_first(self, rows: usize) -> Self {
        Self {
            first_row: self.first_row + rows as u64,
            first_in_shard: self.first_in_shard + rows as u64,
            rows: self.rows - rows,
            before: self.before + rows,
            ..self
        }
    }
}

impl ShardFolder {
    /// All rows in order, in slices of at most `most_rows` rows and about 12 MiB of values. A row group with more is divided evenly.
    ///
    /// Cost: reads the footer of each shard. Memory: 56 bytes a slice.
    ///
    /// # Errors
    /// A shard that is missing, is not Parquet, or has other rows than the manifest says.
    ///
    /// # Panics
    /// `most_rows` is 0.
    pub fn slices(&self, most_rows: usize) -> Result<Vec<RowSlice>, FolderError> {
        let shards = (0..self.manifest().shards.len()).map(|shard| self.shard_slices(shard, most_rows));
        Ok(shards.collect::<Result<Vec<_>, _>>()?.concat())
    }

    /// The rows of one shard, by its index in the manifest, as [`slices`](Self::slices) divides them.
    ///
    /// # Errors
    /// As [`slices`](Self::slices).
    ///
    /// # Panics
    /// There is no such shard, or `most_rows` is 0.
    pub fn shard_slices(&self, shard: usize, most_rows: usize) -> Result<Vec<RowSlice>, FolderError> {
        let shards = &self.manifest().shards;
        let before_shard: u64 = shards[..shard].iter().map(|shard| shard.rows).sum();
        let path = self.shard_path(shard);
        let mut slices = Vec::new();
        let mut first_row = before_shard;
        for (row_group, metadata) in open_columns(&path, None)?.metadata().row_groups().iter().enumerate() {
            let group_rows = usize::try_from(metadata.num_rows()).unwrap_or_default();
            let group_bytes = u64::try_from(metadata.total_byte_size()).unwrap_or_default();
            // A page of rows is read as a whole: more parts than rows make no sense.
            let by_bytes = usize::try_from(group_bytes.div_ceil(MAX_SLICE_BYTES)).unwrap_or(usize::MAX).min(group_rows);
            let parts = group_rows.div_ceil(most_rows).max(by_bytes);
            for part in 0..parts {
                let (before, end) = (group_rows * part / parts, group_rows * (part + 1) / parts);
                slices.push(RowSlice {
                    first_row,
                    first_in_shard: first_row - before_shard,
                    rows: end - before,
                    bytes: group_bytes / parts as u64,
                    shard,
                    row_group,
                    before,
                });
                first_row += (end - before) as u64;
            }
        }
        let (rows, expected) = (first_row - before_shard, shards[shard].rows);
        if rows != expected {
            return Err(FolderError::Shard { path, what: format!("has {rows} rows, but {expected} in the manifest") });
        }
        Ok(slices)
    }

    /// The rows of a slice of this folder as Arrow batches of at most 512 rows, with some columns or all.
    ///
    /// Cost: opens the shard and reads its footer; rows of the row group before the slice are skipped.
    ///
    /// # Errors
    /// As [`batches`](Self::batches), with the path of the shard.
    pub fn read_slice(&self, slice: &RowSlice, columns: Option<&[&str]>) -> Result<Vec<RecordBatch>, FolderError> {
        let path = self.shard_of(slice);
        let columns: Option<Vec<String>> = columns.map(|columns| columns.iter().map(|&column| column.to_owned()).collect());
        let parquet_error = |error| FolderError::Parquet(path.clone(), error);
        let builder = open_columns(&path, columns.as_deref())?.with_row_groups(vec![slice.row_group]);
        let batches = builder.with_offset(slice.before).with_limit(slice.rows).build().map_err(parquet_error)?;
        batches.map(|batch| batch.map_err(|error| parquet_error(error.into()))).collect()
    }

    /// Path of the shard that holds a slice, within the folder.
    ///
    /// # Panics
    /// It is no slice of this folder.
    pub fn shard_name(&self, slice: &RowSlice) -> &str {
        &self.manifest().shards[slice.shard].file
    }

    /// Path of the shard that holds a slice.
    ///
    /// # Panics
    /// It is no slice of this folder.
    pub fn shard_of(&self, slice: &RowSlice) -> PathBuf {
        self.shard_path(slice.shard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Manifest;
    use crate::shard::ShardWriter;
    use crate::triple::Triple;
    use crate::triple_view::TripleViews;

    fn sentences(folder: &ShardFolder, slice: &RowSlice) -> Vec<u32> {
        let batches = folder.read_slice(slice, Some(&["sentence"])).unwrap();
        let numbers = |batch| TripleViews::new(batch, &["sentence"]).unwrap().iter().map(|triple| triple.sentence()).collect::<Vec<_>>();
        batches.iter().flat_map(numbers).collect()
    }

    #[test]
    fn slices_hold_each_row_once_and_are_read_in_any_order() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = Manifest::new("test 0", "none", serde_json::json!({}));
        let mut writer = ShardWriter::create(dir.path(), false, manifest).unwrap().with_shard_bytes(20_000).with_row_group_rows(500);
        let triple = |sentence| Triple { sentence, context: format!("It was the {sentence}th."), ..Triple::default() };
        (0..20_000).try_for_each(|number| writer.write(triple(number))).unwrap();
        assert!(writer.finish(Vec::new(), Default::default(), None).unwrap().shards.len() > 1, "the test wants several shards");
        let folder = ShardFolder::open::<Triple>(dir.path()).unwrap();
        for most_rows in [200, 100_000] {
            let slices = folder.slices(most_rows).unwrap();
            assert!(slices.iter().all(|slice| slice.rows <= most_rows && slice.rows > 0));
            assert_eq!(slices.iter().map(|slice| slice.rows).sum::<usize>(), 20_000);
            for slice in slices.iter().rev() {
                let expected: Vec<u32> = slice.range().map(|row| row as u32).collect();
                assert_eq!(sentences(&folder, slice), expected);
                assert_eq!(sentences(&folder, &slice.without_first(3)), expected[3..]);
            }
        }
    }

    #[test]
    fn a_shard_with_other_rows_than_its_manifest_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = Manifest::new("test 0", "none", serde_json::json!({}));
        let mut writer = ShardWriter::create(dir.path(), false, manifest).unwrap();
        writer.write(Triple::default()).unwrap();
        let mut manifest = writer.finish(Vec::new(), Default::default(), None).unwrap();
        manifest.shards[0].rows = 7;
        crate::atomic_file::write_json(&dir.path().join(crate::manifest::MANIFEST_FILE), &manifest).unwrap();
        let error = ShardFolder::open::<Triple>(dir.path()).unwrap().slices(10).unwrap_err().to_string();
        assert!(error.contains("part-00000.parquet has 1 rows, but 7 in the manifest"), "{error}");
    }
}
