//! What can go wrong with a folder of shards.

use std::io;
use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;

use crate::atomic_file::WriteError;
use crate::manifest::MANIFEST_FILE;
use crate::row::{RowError, SCHEMA_VERSION};

/// What can go wrong with a folder of shards.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The output folder is not empty.
    #[error("output folder {0} is not empty; give another with -o, or replace it with --overwrite")]
    Exists(PathBuf),
    /// Another process holds the lock of the output folder.
    #[error("another run is writing to {0}; wait until it ends, or give another folder with -o")]
    Busy(PathBuf),
    /// A shard differs from what the manifest or the checkpoint says.
    #[error("{path} {what}; make the folder again with --overwrite")]
    Shard {
        /// The shard.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The folder to overwrite holds files that these programs do not write.
    #[error("will not overwrite {0}: it holds {1}, which is not a shard or a manifest; choose another folder")]
    Foreign(PathBuf, String),
    /// There is no manifest.
    #[error("{0} is not a folder of shards: it has no {MANIFEST_FILE}")]
    NoManifest(PathBuf),
    /// The run that wrote the folder did not finish, or lost something.
    #[error("{0} is not complete ({1}); make it again before it is read")]
    Incomplete(PathBuf, String),
    /// The folder holds rows of another schema or schema version.
    #[error("{path} holds {found} of schema version {version}, expected {expected} of version {SCHEMA_VERSION}")]
    Schema {
        /// The folder.
        path: PathBuf,
        /// Schema of the folder.
        found: String,
        /// Version of the folder.
        version: u32,
        /// Schema that was expected.
        expected: &'static str,
    },
    /// The manifest is not valid.
    #[error("{0} is not a manifest")]
    Manifest(PathBuf, #[source] serde_json::Error),
    /// A file could not be written atomically.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Another operation of the file system failed.
    #[error("{0}")]
    Io(String, #[source] io::Error),
    /// A shard could not be read or written as Parquet.
    #[error("{0}")]
    Parquet(PathBuf, #[source] ParquetError),
    /// A row violates an invariant, or a column does not fit the schema.
    #[error("{0}")]
    Row(PathBuf, #[source] RowError),
}

impl FolderError {
    /// For `map_err`: an I/O error with its action and path, as in `cannot read FILE`.
    pub(super) fn io(action: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let what = format!("cannot {action} {}", path.display());
        move |error| Self::Io(what, error)
    }
}
