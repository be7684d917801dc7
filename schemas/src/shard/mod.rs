//! Folders of Parquet shards with a manifest: one writer and one reader for all programs.
//!
//! Shards and manifest are written atomically (see [`atomic_file`](crate::atomic_file)). A file with its final name is
//! therefore complete, and a folder is complete when its manifest says so.
//!
//! | module | what it does |
//! |---|---|
//! | [`writer`] | rows to shards |
//! | [`folder`] | shards to rows |
//! | [`row_slice`] | shards to rows in any order, by parts of row groups |
//! | [`merge`] | shards of several folders into one |
//! | [`batch`] | batches whose rows were checked |
//! | [`error`] | what can go wrong with a folder |
//! | [`executor`] | where row groups are encoded |
//! | `open_shard`, `row_group` | a shard while rows are gathered, encoded and appended |
//! | `output_folder` | locking and clearing the folder that is written to |
//! | `shard_file` | a shard while it is written: name, size and hash |

pub mod batch;
pub mod error;
pub mod executor;
pub mod folder;
pub mod merge;
mod open_shard;
mod output_folder;
mod row_group;
pub mod row_slice;
mod shard_file;
#[cfg(test)]
mod tests;
pub mod writer;

pub use batch::CheckedBatch;
pub use error::FolderError;
pub use executor::{Executor, Task};
pub use folder::{ReadOptions, ShardFolder, open_shard};
pub use merge::merge_folders;
pub use output_folder::{remove_leftovers, spill_file};
pub use row_group::ROW_GROUP_BYTES;
pub use row_slice::RowSlice;
pub use writer::{SHARD_BYTES, ShardWriter};
