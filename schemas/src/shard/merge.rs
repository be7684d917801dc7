//! Shards of several folders in one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::FolderError;
use super::disk::{self, Claimed, HashingFile, io_error, save_json, shard_name, temporary};
use crate::manifest::{FILE_NAME, Manifest, Shard};

/// Copies the shards of folders into one, in their order and with new numbers, and gives it a manifest. Partitions stay what they are.
///
/// # Errors
/// [`FolderError::Exists`] and [`FolderError::Foreign`] as in [`create`](super::ShardWriter::create), a shard that is not what its
/// folder's manifest says, or a failed write.
pub fn join(dir: &Path, overwrite: bool, folders: &[(&Path, &Manifest)], mut manifest: Manifest) -> Result<Manifest, FolderError> {
    let claimed = Claimed::new(dir)?;
    if !claimed.is_empty() && !overwrite {
        return Err(FolderError::Exists(dir.to_owned()));
    }
    let _lock = claimed.keep(&[])?;
    manifest.complete = false;
    save_json(dir, FILE_NAME, &manifest)?;
    let mut shards: Vec<(&Path, &Shard)> =
        folders.iter().flat_map(|(dir, manifest)| manifest.shards.iter().map(|shard| (*dir, shard))).collect();
    if shards.iter().any(|(_, shard)| shard.rows > 0) {
        shards.retain(|(_, shard)| shard.rows > 0);
    } else {
        // A folder of no rows still opens in every reader.
        shards.truncate(1);
    }
    let mut partitions: BTreeMap<&str, Vec<Shard>> = BTreeMap::new();
    for (from, shard) in shards {
        let joined = partitions.entry(shard.folder()).or_default();
        let name = shard_name(joined.len());
        let file = if shard.folder().is_empty() { name } else { format!("{}/{name}", shard.folder()) };
        copy(&from.join(&shard.file), dir, shard, &file)?;
        joined.push(Shard { file, ..shard.clone() });
    }
    manifest.shards = partitions.into_values().flatten().collect();
    manifest.complete = true;
    save_json(dir, FILE_NAME, &manifest)?;
    Ok(manifest)
}

/// Copies a shard, which must have the size and hash that its manifest says.
fn copy(from: &Path, dir: &Path, shard: &Shard, file: &str) -> Result<(), FolderError> {
    let folder = dir.join(shard.folder());
    if !folder.is_dir() {
        fs::create_dir(&folder).map_err(io_error("make", &folder))?;
        disk::sync(dir)?;
    }
    let name = file.rsplit_once('/').map_or(file, |(_, name)| name);
    let to = folder.join(temporary(name));
    let mut source = File::open(from).map_err(io_error("read", from))?;
    let mut copy = HashingFile::create(&to).map_err(io_error("write", &to))?;
    io::copy(&mut source, &mut copy).map_err(io_error("copy", from))?;
    let (bytes, blake3) = copy.finish().map_err(io_error("write", &to))?;
    if (bytes, &blake3) != (shard.bytes, &shard.blake3) {
        disk::remove(&to)?;
        let what = "is not what its manifest says: size or hash differ".to_owned();
        return Err(FolderError::Shard { path: from.to_owned(), what });
    }
    disk::rename(&folder, name)
}
