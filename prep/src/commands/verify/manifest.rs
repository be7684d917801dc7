//! Checks the manifest of a folder, and the files beside it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Context;
use schemas::SCHEMA_VERSION;
use schemas::manifest::{MANIFEST_FILE, Manifest};

use super::problems::Problems;

/// Checks that the manifest is complete, of the current schema version, and that its counters add up.
pub fn check_manifest(manifest: &Manifest, problems: &mut Problems<impl FnMut(String)>) {
    if let Some(reason) = manifest.incomplete_reason() {
        problems.add(format!("{MANIFEST_FILE}: not complete ({reason})"));
    }
    if manifest.schema_version != SCHEMA_VERSION {
        problems.add(format!("{MANIFEST_FILE}: schema version {}, expected {SCHEMA_VERSION}", manifest.schema_version));
    }
    for (name, counter) in &manifest.counters {
        if !counter.adds_up() {
            problems.add(format!("{MANIFEST_FILE}: counter `{name}` does not add up: {counter}"));
        }
    }
    for name in ["rows", manifest.schema.as_str()] {
        let Some(counter) = manifest.counters.get(name) else { continue };
        if counter.out != manifest.rows() {
            problems.add(format!(
                "{MANIFEST_FILE}: counter `{name}` says {} out, but the shards hold {} rows",
                counter.out,
                manifest.rows()
            ));
        }
    }
}

/// Finds files that a reader could take for shards: Parquet files that the manifest does not list, and temporary files of a stopped run.
///
/// # Errors
/// The folder cannot be read.
pub fn check_files(dir: &Path, manifest: &Manifest, problems: &mut Problems<impl FnMut(String)>) -> anyhow::Result<()> {
    let mut listed = BTreeSet::new();
    for shard in &manifest.shards {
        if !listed.insert(shard.file.as_str()) {
            problems.add(format!("{MANIFEST_FILE}: lists shard {} twice", shard.file));
        }
    }
    let mut names = names_in(dir)?;
    let partitions: Vec<String> = names.iter().filter(|name| name.contains('=') && dir.join(name).is_dir()).cloned().collect();
    for partition in partitions {
        names.extend(names_in(&dir.join(&partition))?.into_iter().map(|name| format!("{partition}/{name}")));
    }
    names.sort();
    for name in names {
        if name.ends_with(".tmp") {
            problems.add(format!("{name}: left by a run that did not end"));
        } else if name.ends_with(".parquet") && !listed.contains(name.as_str()) {
            problems.add(format!("{name}: a Parquet file that {MANIFEST_FILE} does not list"));
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
