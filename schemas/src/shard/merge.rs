//! Merges folders of shards by copying their shards.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use super::error::FolderError;
use super::output_folder::OutputFolder;
use super::shard_file::ShardFile;
use crate::atomic_file::write_json;
use crate::manifest::{MANIFEST_FILE, Manifest, Shard};

/// Copies the shards of several folders into one, in their order and with new numbers, and writes its manifest. Partitions
/// stay what they are. Returns the manifest.
///
/// Cost: files are copied and hashed as they are, not decoded.
///
/// # Errors
/// [`FolderError::Exists`] and [`FolderError::Foreign`] as in [`ShardWriter::create`](super::ShardWriter::create),
/// [`FolderError::Shard`] for a shard whose size or hash differs from its folder's manifest, or a failed write.
pub fn merge_folders(dir: &Path, overwrite: bool, folders: &[(&Path, &Manifest)], mut manifest: Manifest) -> Result<Manifest, FolderError> {
    let _lock = OutputFolder::lock_new(dir, overwrite)?.clear_except(&[], 0)?;
    manifest.complete = false;
    write_json(&dir.join(MANIFEST_FILE), &manifest)?;
    let mut shards: Vec<(&Path, &Shard)> =
        folders.iter().flat_map(|(dir, manifest)| manifest.shards.iter().map(|shard| (*dir, shard))).collect();
    if shards.iter().any(|(_, shard)| shard.rows > 0) {
        shards.retain(|(_, shard)| shard.rows > 0);
    } else {
        // One empty shard is kept: other programs need a file to see the columns.
        shards.truncate(1);
    }
    let mut partitions: BTreeMap<&str, Vec<Shard>> = BTreeMap::new();
    for (source, shard) in shards {
        let merged = partitions.entry(shard.partition()).or_default();
        merged.push(copy(&source.join(&shard.file), shard, dir, merged.len())?);
    }
    manifest.shards = partitions.into_values().flatten().collect();
    manifest.complete = true;
    write_json(&dir.join(MANIFEST_FILE), &manifest)?;
    Ok(manifest)
}

/// Copies a shard whose size and hash must be those of its manifest.
fn copy(from: &Path, shard: &Shard, dir: &Path, number: usize) -> Result<Shard, FolderError> {
    let mut source = File::open(from).map_err(FolderError::io("read", from))?;
    let mut file = ShardFile::create(dir, shard.partition(), number)?;
    io::copy(&mut source, &mut file).map_err(FolderError::io("copy", from))?;
    let copied = file.shard(shard.rows);
    if (copied.bytes, &copied.blake3) != (shard.bytes, &shard.blake3) {
        let what = "differs from its manifest in size or hash".to_owned();
        return Err(FolderError::Shard { path: from.to_owned(), what });
    }
    file.commit()?;
    Ok(copied)
}
