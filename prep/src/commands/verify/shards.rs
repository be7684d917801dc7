//! Checks the shards of a folder: their bytes, their schema and their rows.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use schemas::Row;
use schemas::manifest::{MANIFEST_FILE, Manifest, Shard};

use super::problems::Problems;
use super::row_invariants::RowInvariants;
use crate::number_format::counted;

/// Checks all shards that the manifest lists.
///
/// # Errors
/// A shard exists but cannot be read.
pub fn check_shards<R: Row>(
    dir: &Path,
    manifest: &Manifest,
    invariants: &mut impl RowInvariants<R>,
    problems: &mut Problems<impl FnMut(String)>,
) -> anyhow::Result<()> {
    for shard in &manifest.shards {
        if !is_plain_path(&shard.file) {
            problems.add(format!("{MANIFEST_FILE}: shard {:?} is not a file name, alone or after a partition's folder", shard.file));
            continue;
        }
        match check_bytes(dir, shard, problems)? {
            Some(path) => check_rows(&path, shard, invariants, problems),
            None => invariants.rows_missing(),
        }
    }
    invariants.check_end(&mut |problem| problems.add(problem));
    Ok(())
}

/// Whether the path of a shard is a file name, or the folder of a partition and a file name. Others could lead out of the folder.
fn is_plain_path(path: &str) -> bool {
    let is_plain = |name: &str| Path::new(name).file_name() == Some(name.as_ref());
    match path.split_once('/') {
        Some((partition, name)) => partition.contains('=') && is_plain(partition) && is_plain(name),
        None => is_plain(path),
    }
}

/// The path of a shard that has the size and the hash of the manifest.
fn check_bytes(dir: &Path, shard: &Shard, problems: &mut Problems<impl FnMut(String)>) -> anyhow::Result<Option<PathBuf>> {
    let path = dir.join(&shard.file);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            problems.add(format!("{}: missing, expected {}", shard.file, counted(shard.rows, "row")));
            return Ok(None);
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let mut hasher = blake3::Hasher::new();
    let bytes = io::copy(&mut file, &mut hasher).with_context(|| format!("cannot read {}", path.display()))?;
    let hash = hasher.finalize().to_string();
    if bytes != shard.bytes {
        problems.add(format!("{}: {bytes} bytes, expected {}", shard.file, shard.bytes));
    } else if hash != shard.blake3 {
        problems.add(format!("{}: BLAKE3 is {hash}, expected {}", shard.file, shard.blake3));
    } else {
        return Ok(Some(path));
    }
    Ok(None)
}

fn check_rows<R: Row>(path: &Path, shard: &Shard, invariants: &mut impl RowInvariants<R>, problems: &mut Problems<impl FnMut(String)>) {
    let name = &shard.file;
    let batches = match schemas::shard::open_shard(path) {
        Ok(batches) => batches,
        Err(error) => return problems.add(format!("{name}: {:#}", anyhow::Error::new(error))),
    };
    let mut rows = 0u64;
    let mut is_first_batch = true;
    for batch in batches {
        let batch = match batch {
            Ok(batch) => batch,
            Err(error) => return problems.add(format!("{name}: after row {rows}: {error}")),
        };
        if std::mem::take(&mut is_first_batch) && batch.schema_ref().fields() != R::schema().fields() {
            problems.add(format!("{name}: its columns are not those of {}", R::SCHEMA_NAME));
        }
        let batch_rows = match R::from_batch(&batch) {
            Ok(batch_rows) => batch_rows,
            Err(error) => return problems.add(format!("{name}: {error}")),
        };
        for row in batch_rows {
            let number = rows;
            if let Err(error) = row.check() {
                problems.add(format!("{name}: row {number}: {error}"));
            }
            invariants.check_row(row, &mut |problem| problems.add(format!("{name}: row {number}: {problem}")));
            rows += 1;
        }
    }
    if rows != shard.rows {
        problems.add(format!("{name}: {}, expected {}", counted(rows, "row"), shard.rows));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_lie_in_the_folder() {
        for (path, expected) in [
            ("part-00000.parquet", true),
            ("entities=1-3/part-00000.parquet", true),
            ("../part-00000.parquet", false),
            ("/part-00000.parquet", false),
            ("folder/part-00000.parquet", false),
            ("entities=1-3/../part-00000.parquet", false),
            ("", false),
        ] {
            assert_eq!(is_plain_path(path), expected, "{path}");
        }
    }
}
