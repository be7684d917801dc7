//! `prep verify`: whether a folder is what its manifest says, and its rows what the schemas promise.
//!
//! | what | checked |
//! |---|---|
//! | manifest | complete, known schema and version, counters add up |
//! | files | every shard there with its size and hash, no other Parquet file, nothing half written |
//! | shards | schema, number of rows |
//! | rows | see [`rows`] |
//!
//! A shard whose hash differs is not read any further: nothing is known of what its bytes do to a reader.
//!
//! Memory: a batch of rows, and one sentence of triples.

pub mod rows;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use schemas::manifest::{MANIFEST_FILE, Manifest, Shard};
use schemas::{Page, Row, SCHEMA_VERSION, ShardFolder, Triple};

use crate::cli::{Common, VerifyArgs};
use crate::number_format::{counted, grouped};
use rows::{Check, PageCheck, TripleCheck};

/// Faults that are printed; all are counted.
const SHOWN_FAULTS: u64 = 20;

/// Runs `prep verify`.
///
/// # Errors
/// No readable manifest, or any fault; each fault is a line on standard error.
pub fn run(args: &VerifyArgs, common: &Common) -> anyhow::Result<()> {
    let dir = &args.dir;
    let folder = ShardFolder::open_any(dir)?;
    let manifest = folder.manifest();
    let mut faults = Faults::default();
    check_manifest(manifest, &mut faults);
    check_strays(dir, manifest, &mut faults)?;
    match manifest.schema.as_str() {
        Triple::SCHEMA_NAME => check_shards::<Triple>(dir, manifest, &mut TripleCheck::default(), &mut faults)?,
        Page::SCHEMA_NAME => check_shards::<Page>(dir, manifest, &mut PageCheck, &mut faults)?,
        other => {
            faults.add(format!("{MANIFEST_FILE}: schema `{other}` is unknown, expected {} or {}", Page::SCHEMA_NAME, Triple::SCHEMA_NAME))
        }
    }
    if faults.count > SHOWN_FAULTS {
        eprintln!("fault: and {} more", faults.count - SHOWN_FAULTS);
    }
    if faults.count > 0 {
        bail!("{} is not sound: {}", dir.display(), counted(faults.count, "fault"));
    }
    if !common.quiet {
        let bytes: u64 = manifest.shards.iter().map(|shard| shard.bytes).sum();
        println!(
            "{}: sound; manifest complete, {}, {} of {} in {} ({} bytes) with their hashes, schema and invariants",
            dir.display(),
            counted(manifest.counters.len() as u64, "counter"),
            counted(manifest.rows(), "row"),
            manifest.schema,
            counted(manifest.shards.len() as u64, "shard"),
            grouped(bytes),
        );
    }
    Ok(())
}

/// Prints the first faults and counts all.
#[derive(Default)]
struct Faults {
    count: u64,
}

impl Faults {
    fn add(&mut self, fault: String) {
        self.count += 1;
        if self.count <= SHOWN_FAULTS {
            eprintln!("fault: {fault}");
        }
    }
}

fn check_manifest(manifest: &Manifest, faults: &mut Faults) {
    if !manifest.complete {
        let why = manifest.error.as_deref().unwrap_or("the run that wrote it did not end");
        faults.add(format!("{MANIFEST_FILE}: not complete ({why})"));
    }
    if manifest.schema_version != SCHEMA_VERSION {
        faults.add(format!("{MANIFEST_FILE}: schema version {}, expected {SCHEMA_VERSION}", manifest.schema_version));
    }
    for (name, tally) in &manifest.counters {
        if !tally.adds_up() {
            faults.add(format!("{MANIFEST_FILE}: counter `{name}` does not add up: {tally}"));
        }
    }
    for name in ["rows", manifest.schema.as_str()] {
        let Some(tally) = manifest.counters.get(name) else { continue };
        if tally.out != manifest.rows() {
            faults.add(format!("{MANIFEST_FILE}: counter `{name}` says {} out, but the shards hold {} rows", tally.out, manifest.rows()));
        }
    }
}

/// Files that a reader may take for shards: `*.parquet` that no manifest names, and what a broken run left.
fn check_strays(dir: &Path, manifest: &Manifest, faults: &mut Faults) -> anyhow::Result<()> {
    let mut known = BTreeSet::new();
    for shard in &manifest.shards {
        if !known.insert(shard.file.as_str()) {
            faults.add(format!("{MANIFEST_FILE}: names shard {} twice", shard.file));
        }
    }
    let mut names = names_in(dir)?;
    for folder in names.iter().filter(|name| name.contains('=') && dir.join(name).is_dir()).cloned().collect::<Vec<_>>() {
        names.extend(names_in(&dir.join(&folder))?.into_iter().map(|name| format!("{folder}/{name}")));
    }
    names.sort();
    for name in names {
        if name.ends_with(".tmp") {
            faults.add(format!("{name}: left by a run that did not end"));
        } else if name.ends_with(".parquet") && !known.contains(name.as_str()) {
            faults.add(format!("{name}: a Parquet file that {MANIFEST_FILE} does not name"));
        }
    }
    Ok(())
}

fn names_in(dir: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        names.push(entry.with_context(|| format!("cannot read {}", dir.display()))?.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

/// Whether a shard's path is a file name, or a partition's folder and a file name.
fn is_within(path: &str) -> bool {
    let plain = |name: &str| Path::new(name).file_name() == Some(name.as_ref());
    match path.split_once('/') {
        Some((folder, name)) => folder.contains('=') && plain(folder) && plain(name),
        None => plain(path),
    }
}

fn check_shards<R: Row>(dir: &Path, manifest: &Manifest, check: &mut impl Check<R>, faults: &mut Faults) -> anyhow::Result<()> {
    for shard in &manifest.shards {
        if !is_within(&shard.file) {
            faults.add(format!("{MANIFEST_FILE}: shard {:?} is not a plain file name, nor one in a partition's folder", shard.file));
            continue;
        }
        match check_bytes(dir, shard, faults)? {
            Some(path) => check_rows(&path, shard, check, faults),
            None => check.gap(),
        }
    }
    check.end(&mut |fault| faults.add(fault));
    Ok(())
}

/// The shard's path, where its bytes are those that were written.
fn check_bytes(dir: &Path, shard: &Shard, faults: &mut Faults) -> anyhow::Result<Option<PathBuf>> {
    let path = dir.join(&shard.file);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            faults.add(format!("{}: missing, expected {}", shard.file, counted(shard.rows, "row")));
            return Ok(None);
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let mut hash = blake3::Hasher::new();
    let bytes = io::copy(&mut file, &mut hash).with_context(|| format!("cannot read {}", path.display()))?;
    if bytes != shard.bytes {
        faults.add(format!("{}: {bytes} bytes, expected {}", shard.file, shard.bytes));
        return Ok(None);
    }
    let hash = hash.finalize().to_string();
    if hash != shard.blake3 {
        faults.add(format!("{}: BLAKE3 is {hash}, expected {}", shard.file, shard.blake3));
        return Ok(None);
    }
    Ok(Some(path))
}

fn check_rows<R: Row>(path: &Path, shard: &Shard, check: &mut impl Check<R>, faults: &mut Faults) {
    let name = &shard.file;
    let batches = match schemas::shard::open_shard(path) {
        Ok(batches) => batches,
        Err(error) => return faults.add(format!("{name}: {:#}", anyhow::Error::new(error))),
    };
    let mut rows = 0u64;
    let mut schema_is_checked = false;
    for batch in batches {
        let batch = match batch {
            Ok(batch) => batch,
            Err(error) => return faults.add(format!("{name}: after row {rows}: {error}")),
        };
        if !std::mem::replace(&mut schema_is_checked, true) && batch.schema_ref().fields() != R::schema().fields() {
            faults.add(format!("{name}: its columns are not those of {}", R::SCHEMA_NAME));
        }
        let typed = match R::from_batch(&batch) {
            Ok(typed) => typed,
            Err(error) => return faults.add(format!("{name}: {error}")),
        };
        for row in typed {
            let at = rows;
            if let Err(error) = row.check() {
                faults.add(format!("{name}: row {at}: {error}"));
            }
            check.row(row, &mut |fault| faults.add(format!("{name}: row {at}: {fault}")));
            rows += 1;
        }
    }
    if rows != shard.rows {
        faults.add(format!("{name}: {}, expected {}", counted(rows, "row"), shard.rows));
    }
}
