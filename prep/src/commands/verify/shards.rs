//! Checks the shards of a folder: their bytes, their schema and their rows.

use std::fs::File;
use std::io;
use std::path::Path;

use anyhow::Context;
use schemas::manifest::{MANIFEST_FILE, Shard};
use schemas::{FolderError, Row, RowSlice, ShardFolder};

use super::problems::Problems;
use super::row_invariants::{RowInvariants, RowProblem};
use crate::number_format::counted;
use crate::ordered_map::{Feed, Limits, TaskQueue, ordered_map, row_weight};

/// Checks all shards that the manifest lists: their bytes, a shard a thread, then their rows, a row group a thread.
///
/// # Errors
/// A shard exists but cannot be read.
pub fn check_shards<R: Row + Send, I: RowInvariants<R>>(
    folder: &ShardFolder,
    limits: Limits,
    mut invariants: I,
    problems: &mut Problems<impl FnMut(String) + Send>,
) -> anyhow::Result<()> {
    let sound = check_all_bytes(folder, limits, problems)?;
    let (_, checked) = ordered_map(
        limits,
        &TaskQueue::default(),
        |feed| send_slices(folder, &sound, feed),
        |part| match part {
            ShardPart::Slice(slice) => check_slice::<R, I>(folder, slice),
            ShardPart::Unread(problem) => CheckedSlice { problems: problem.into_iter().collect(), rows: None },
        },
        |CheckedSlice { problems: found, rows }| -> anyhow::Result<()> {
            found.into_iter().for_each(|problem| problems.add(problem));
            let Some((rows, slice)) = rows else {
                invariants.rows_missing();
                return Ok(());
            };
            let mut of_rows: Vec<RowProblem> = Vec::new();
            if !invariants.join(rows, &mut of_rows) {
                let rows = read_rows::<R>(folder, &slice)?;
                invariants.check_rows(slice.first_in_shard, rows, &mut of_rows);
            }
            let name = folder.shard_name(&slice);
            of_rows.iter().for_each(|(row, problem)| problems.add(format!("{name}: row {row}: {problem}")));
            Ok(())
        },
    );
    checked?;
    invariants.check_end(&mut |problem| problems.add(problem));
    Ok(())
}

/// What a thread looks at.
enum ShardPart {
    Slice(RowSlice),
    /// A shard whose rows cannot be read, with the problem, if it is not reported yet.
    Unread(Option<String>),
}

/// What a thread has found out.
struct CheckedSlice<T> {
    problems: Vec<String>,
    /// What the rows tell, and which they are; none if they cannot be read.
    rows: Option<(T, RowSlice)>,
}

/// Checks size and hash of each shard. Returns for each whether its bytes are those of the manifest.
fn check_all_bytes(folder: &ShardFolder, limits: Limits, problems: &mut Problems<impl FnMut(String) + Send>) -> anyhow::Result<Vec<bool>> {
    let mut sound = Vec::new();
    let (_, checked) = ordered_map(
        limits,
        &TaskQueue::default(),
        |feed| folder.manifest().shards.iter().all(|shard| feed.send(shard, 0)),
        |shard| {
            if is_plain_path(&shard.file) {
                return check_bytes(folder.path(), shard);
            }
            Ok(Some(format!("{MANIFEST_FILE}: shard {:?} is not a file name, alone or after a partition's folder", shard.file)))
        },
        |problem| -> anyhow::Result<()> {
            let problem = problem?;
            sound.push(problem.is_none());
            problem.into_iter().for_each(|problem| problems.add(problem));
            Ok(())
        },
    );
    checked.map(|()| sound)
}

/// Hands out the row groups of all sound shards.
fn send_slices(folder: &ShardFolder, sound: &[bool], feed: &mut Feed<'_, ShardPart>) -> bool {
    let shards = &folder.manifest().shards;
    (0..shards.len()).all(|number| {
        if !sound[number] {
            return feed.send(ShardPart::Unread(None), 0);
        }
        match folder.shard_slices(number, usize::MAX) {
            Ok(slices) => slices.into_iter().all(|slice| feed.send(ShardPart::Slice(slice), row_weight(slice.bytes))),
            Err(FolderError::Shard { what, .. }) => feed.send(ShardPart::Unread(Some(format!("{}: {what}", shards[number].file))), 0),
            Err(error) => {
                let problem = format!("{}: {:#}", shards[number].file, anyhow::Error::new(error));
                feed.send(ShardPart::Unread(Some(problem)), 0)
            }
        }
    })
}

/// Checks the rows of a slice.
fn check_slice<R: Row, I: RowInvariants<R>>(folder: &ShardFolder, slice: RowSlice) -> CheckedSlice<I::Slice> {
    let name = folder.shard_name(&slice);
    let batches = match folder.read_slice(&slice, None) {
        Ok(batches) => batches,
        Err(error) => {
            let range = slice.first_in_shard..slice.first_in_shard + slice.rows as u64;
            let problem = format!("{name}: rows {} to {}: {:#}", range.start, range.end - 1, anyhow::Error::new(error));
            return CheckedSlice { problems: vec![problem], rows: None };
        }
    };
    let mut problems = Vec::new();
    // Said once for a shard.
    let has_other_columns = batches.first().is_some_and(|batch| batch.schema_ref().fields() != R::schema().fields());
    if slice.first_in_shard == 0 && has_other_columns {
        problems.push(format!("{name}: its columns are not those of {}", R::SCHEMA_NAME));
    }
    match batches.iter().map(R::from_batch).collect::<Result<Vec<_>, _>>() {
        Ok(rows) => {
            let rows: Vec<R> = rows.into_iter().flatten().collect();
            for (number, row) in (slice.first_in_shard..).zip(&rows) {
                if let Err(error) = row.check() {
                    problems.push(format!("{name}: row {number}: {error}"));
                }
            }
            CheckedSlice { problems, rows: Some((I::check_slice(slice.first_in_shard, rows), slice)) }
        }
        Err(error) => {
            problems.push(format!("{name}: {error}"));
            CheckedSlice { problems, rows: None }
        }
    }
}

fn read_rows<R: Row>(folder: &ShardFolder, slice: &RowSlice) -> anyhow::Result<Vec<R>> {
    let batches = folder.read_slice(slice, None)?;
    let rows = batches.iter().map(R::from_batch).collect::<Result<Vec<_>, _>>()?;
    Ok(rows.into_iter().flatten().collect())
}

/// Whether the path of a shard is a file name, or the folder of a partition and a file name. Others could lead out of the folder.
fn is_plain_path(path: &str) -> bool {
    let is_plain = |name: &str| Path::new(name).file_name() == Some(name.as_ref());
    match path.split_once('/') {
        Some((partition, name)) => partition.contains('=') && is_plain(partition) && is_plain(name),
        None => is_plain(path),
    }
}

/// What is wrong with the size or the hash of a shard; `None` if both are those of the manifest.
fn check_bytes(dir: &Path, shard: &Shard) -> anyhow::Result<Option<String>> {
    let path = dir.join(&shard.file);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Some(format!("{}: missing, expected {}", shard.file, counted(shard.rows, "row"))));
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let mut hasher = blake3::Hasher::new();
    let bytes = io::copy(&mut file, &mut hasher).with_context(|| format!("cannot read {}", path.display()))?;
    let hash = hasher.finalize().to_string();
    Ok(if bytes != shard.bytes {
        Some(format!("{}: {bytes} bytes, expected {}", shard.file, shard.bytes))
    } else {
        (hash != shard.blake3).then(|| format!("{}: BLAKE3 is {hash}, expected {}", shard.file, shard.blake3))
    })
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
