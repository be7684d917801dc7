//! Folders of Parquet shards: one writer and one reader for all of them.
//!
//! A shard is written under a temporary name, synced and renamed; the manifest likewise. So whatever bears its final name is
//! whole, and a folder is finished only when its manifest says so.
//!
//! | module | what it does |
//! |---|---|
//! | [`write`](mod@write) | rows to shards |
//! | [`read`] | shards to rows |
//! | [`join`] | folders to one |
//! | [`disk`] | files that are there whole or not at all |

pub mod disk;
pub mod join;
pub mod read;
pub mod write;

use std::io;
use std::path::PathBuf;

use parquet::errors::ParquetError;

use crate::SCHEMA_VERSION;
use crate::manifest::FILE_NAME;
use crate::row::RowError;

pub use read::{Folder, open_shard};
pub use write::{Checked, SHARD_BYTES, ShardWriter};

/// Rows handed to the Parquet library at once. Fixed, so that the bytes do not depend on how rows arrive.
const BATCH_ROWS: usize = 512;

/// What can go wrong with a folder of shards.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Something is there already.
    #[error("output folder {0} is not empty; give another with -o, or replace it with --overwrite")]
    Exists(PathBuf),
    /// Another program writes to it right now.
    #[error("another run is writing to {0}; wait for its end, or give another folder with -o")]
    Busy(PathBuf),
    /// A shard that an earlier part of the run wrote is not there as it was.
    #[error("{path} {what}; make the folder again with --overwrite")]
    Shard {
        /// The shard.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// It is to be overwritten, but holds what these programs do not write.
    #[error("will not overwrite {0}: it holds {1}, which is not a shard or a manifest; choose another folder")]
    Foreign(PathBuf, String),
    /// There is no manifest.
    #[error("{0} is not a folder of shards: it has no {FILE_NAME}")]
    NoManifest(PathBuf),
    /// The run that wrote it did not end, or lost something.
    #[error("{0} is not complete ({1}); make it again before it is read")]
    Incomplete(PathBuf, String),
    /// Other rows than asked for.
    #[error("{path} holds {found} of schema version {version}, expected {expected} of version {SCHEMA_VERSION}")]
    Schema {
        /// The folder.
        path: PathBuf,
        /// Schema it has.
        found: String,
        /// Version it has.
        version: u32,
        /// Schema that was asked for.
        expected: &'static str,
    },
    /// The manifest cannot be read as one.
    #[error("{0} is not a manifest")]
    Manifest(PathBuf, #[source] serde_json::Error),
    /// The file system said no.
    #[error("{0}")]
    Io(String, #[source] io::Error),
    /// The Parquet library said no.
    #[error("{0}")]
    Parquet(PathBuf, #[source] ParquetError),
    /// A row breaks an invariant, or a column does not fit.
    #[error("{0}")]
    Row(PathBuf, #[source] RowError),
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::{Manifest, Origin, Span, Triple};

    fn triple(number: u32) -> Triple {
        Triple {
            id: format!("d:{number}:PER"),
            doc: "d".to_owned(),
            sentence: number,
            lang: "en".to_owned(),
            label: "PER".to_owned(),
            query: "who?".to_owned(),
            context: format!("It was Ödön the {number}th."),
            spans: vec![Span { start: 7, end: 11, text: "Ödön".to_owned(), origin: Origin::Gold, score: None }],
            impossible: false,
        }
    }

    fn manifest() -> Manifest {
        Manifest::new("test 0", "none", serde_json::json!({}))
    }

    fn write(dir: &Path, overwrite: bool, rows: u32, error: Option<String>) -> Result<Manifest, FolderError> {
        let mut writer = ShardWriter::create(dir, overwrite, manifest())?.with_shard_bytes(20_000);
        (0..rows).try_for_each(|number| writer.write(triple(number)))?;
        writer.finish(Vec::new(), BTreeMap::new(), error)
    }

    #[test]
    fn rows_survive_several_shards() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = write(dir.path(), false, 20_000, None).unwrap();
        assert!(manifest.shards.len() > 1, "the test wants several shards");
        assert_eq!(manifest.rows(), 20_000);
        let folder = Folder::open::<Triple>(dir.path()).unwrap();
        let rows: Vec<Triple> = folder.rows().collect::<Result<Vec<_>, _>>().unwrap().concat();
        assert!(rows.iter().enumerate().all(|(number, row)| *row == triple(number as u32)));
        assert_eq!(rows.len(), 20_000);
        for shard in &manifest.shards {
            let bytes = fs::read(dir.path().join(&shard.file)).unwrap();
            assert_eq!((bytes.len() as u64, blake3::hash(&bytes).to_string()), (shard.bytes, shard.blake3.clone()));
        }
    }

    #[test]
    fn an_existing_folder_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), false, 3, None).unwrap();
        assert!(matches!(write(dir.path(), false, 3, None), Err(FolderError::Exists(_))));
        assert_eq!(write(dir.path(), true, 4, None).unwrap().rows(), 4);
        fs::write(dir.path().join("thesis.txt"), "mine").unwrap();
        assert!(matches!(write(dir.path(), true, 3, None), Err(FolderError::Foreign(..))));
        assert_eq!(Folder::open::<Triple>(dir.path()).unwrap().manifest().rows(), 4);
    }

    #[test]
    fn an_unfinished_folder_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), false, 3, Some("page 4 is cut off".to_owned())).unwrap();
        let error = Folder::open::<Triple>(dir.path()).unwrap_err().to_string();
        assert!(error.contains("page 4 is cut off"), "{error}");
        assert!(matches!(Folder::open::<crate::Page>(dir.path()), Err(FolderError::Schema { .. })));
        drop(ShardWriter::<Triple>::create(dir.path(), true, manifest()).unwrap());
        assert!(matches!(Folder::open::<Triple>(dir.path()), Err(FolderError::Incomplete(..))));
    }

    #[test]
    fn rows_are_parted_into_folders() {
        let dir = tempfile::tempdir().unwrap();
        let folders = || ["n=few", "n=many", "n=none"].map(str::to_owned);
        let write = |overwrite| {
            let mut writer = ShardWriter::create(dir.path(), overwrite, manifest())?.with_partitions(folders());
            for (partition, numbers) in [(0, 0..10), (1, 10..2000)] {
                let rows = Checked::all(numbers.map(triple)).map_err(|error| FolderError::Row(dir.path().to_owned(), error))?;
                rows.iter().try_for_each(|rows| writer.write_checked(partition, rows))?;
            }
            writer.finish(Vec::new(), BTreeMap::new(), None)
        };
        let manifest = write(false).unwrap();
        let shards: Vec<(&str, u64)> = manifest.shards.iter().map(|shard| (shard.file.as_str(), shard.rows)).collect();
        assert_eq!(shards, [("n=few/part-00000.parquet", 10), ("n=many/part-00000.parquet", 1990)]);
        let rows: Vec<Triple> = Folder::open::<Triple>(dir.path()).unwrap().rows().collect::<Result<Vec<_>, _>>().unwrap().concat();
        assert!(rows.len() == 2000 && rows.iter().enumerate().all(|(number, row)| *row == triple(number as u32)));
        assert!(matches!(write(false), Err(FolderError::Exists(_))));
        write(true).unwrap();
        fs::write(dir.path().join("n=few/thesis.txt"), "mine").unwrap();
        assert!(matches!(write(true), Err(FolderError::Foreign(_, name)) if name == "n=few/thesis.txt"));
    }

    #[test]
    fn a_wrong_span_is_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = ShardWriter::create(dir.path(), false, manifest()).unwrap();
        let mut wrong = triple(1);
        wrong.spans[0].end += 1;
        assert!(matches!(writer.write(wrong), Err(FolderError::Row(..))));
    }

    #[test]
    fn no_rows_make_an_empty_shard() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(write(dir.path(), false, 0, None).unwrap().shards.len(), 1);
        assert_eq!(Folder::open::<Triple>(dir.path()).unwrap().rows::<Triple>().count(), 0);
    }
}
