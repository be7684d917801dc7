//! `prep verify`: whether a folder is what its manifest says, and whether its rows keep what the schemas promise.
//!
//! | what | checked | in |
//! |---|---|---|
//! | manifest | complete, known schema and version, counters add up | [`manifest`] |
//! | files | no other Parquet file, nothing left by a stopped run | [`manifest`] |
//! | shards | present, with their size, hash, schema and number of rows | [`shards`] |
//! | rows | the invariants of triples, pages and names | [`triple_invariants`], [`page_invariants`], [`name_invariants`] |
//!
//! Rows of a shard with another hash are not read: nothing is known about its bytes.
//!
//! Shards are hashed side by side, and row groups are read and checked side by side; what takes neighbouring rows to tell is checked in their
//! order.
//!
//! Memory: a few row groups, within `--memory`.

pub mod manifest;
pub mod name_invariants;
pub mod page_invariants;
pub mod problems;
pub mod row_invariants;
pub mod shards;
pub mod triple_invariants;

use anyhow::bail;
use schemas::manifest::MANIFEST_FILE;
use schemas::{Manifest, Name, Page, Row, ShardFolder, Triple};

use crate::config::Runtime;
use crate::config::checks::VerifyConfig;
use crate::number_format::{counted, grouped};
use manifest::{check_files, check_manifest};
use name_invariants::NameInvariants;
use page_invariants::PageInvariants;
use problems::Problems;
use shards::check_shards;
use triple_invariants::TripleInvariants;

/// Runs `prep verify`.
///
/// # Errors
/// There is no readable manifest, or there is any problem. Problems are reported on standard error, a line each.
pub fn run(config: &VerifyConfig, runtime: &Runtime) -> anyhow::Result<()> {
    let dir = &config.dir;
    let folder = ShardFolder::open_any(dir)?;
    let manifest = folder.manifest();
    let mut problems = Problems::new(|line| eprintln!("{line}"));
    check_manifest(manifest, &mut problems);
    check_files(dir, manifest, &mut problems)?;
    match manifest.schema.as_str() {
        Triple::SCHEMA_NAME => check_shards::<Triple, _>(&folder, runtime.limits(), TripleInvariants::default(), &mut problems)?,
        Page::SCHEMA_NAME => check_shards::<Page<'static>, _>(&folder, runtime.limits(), PageInvariants, &mut problems)?,
        Name::SCHEMA_NAME => check_shards::<Name, _>(&folder, runtime.limits(), NameInvariants::default(), &mut problems)?,
        other => {
            let (pages, triples, names) = (Page::SCHEMA_NAME, Triple::SCHEMA_NAME, Name::SCHEMA_NAME);
            problems.add(format!("{MANIFEST_FILE}: schema `{other}` is unknown, expected {pages}, {triples} or {names}"));
        }
    }
    let count = problems.finish();
    if count > 0 {
        bail!("{} is not valid: {}", dir.display(), counted(count, "problem"));
    }
    if !runtime.quiet {
        println!("{}: {}", dir.display(), summary(manifest));
    }
    Ok(())
}

fn summary(manifest: &Manifest) -> String {
    let bytes: u64 = manifest.shards.iter().map(|shard| shard.bytes).sum();
    format!(
        "valid; manifest complete, {}, {} of {} in {} ({} bytes) with their hashes, schema and invariants",
        counted(manifest.counters.len() as u64, "counter"),
        counted(manifest.rows(), "row"),
        manifest.schema,
        counted(manifest.shards.len() as u64, "shard"),
        grouped(bytes),
    )
}
