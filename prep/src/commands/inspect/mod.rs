//! `prep inspect`: statistics and samples of a folder of pages, triples or names, computed with polars.
//!
//! | module | what it holds |
//! |---|---|
//! | [`report`] | the report |
//! | [`triple_statistics`], [`page_statistics`], [`name_statistics`] | the statistics of rows |
//! | [`triple_counter`], [`page_counter`], [`name_counter`] | how they are counted, chunk by chunk |
//! | [`row_chunks`], [`choose_samples`] | rows in chunks of limited size; sample rows |
//! | [`lengths`], [`top_texts`], [`duplicates`] | counters whose memory is limited |
//! | [`token_counter`] | word pieces, with the user's tokenizer |
//! | [`sample`], [`highlight`], [`text_table`] | the report on a terminal |
//! | [`html_report`], [`charts`], [`printable`] | the report as an HTML file |
//!
//! Memory: one chunk of 32,768 rows, the distinct mentions or link targets up to two million, and 16 bytes for each distinct text up to
//! eight million.

pub mod charts;
pub mod choose_samples;
pub mod duplicates;
pub mod highlight;
pub mod html_report;
pub mod lengths;
pub mod name_counter;
pub mod name_statistics;
pub mod page_counter;
pub mod page_statistics;
pub mod printable;
pub mod report;
pub mod row_chunks;
pub mod sample;
pub mod text_table;
pub mod token_counter;
pub mod top_texts;
pub mod triple_counter;
pub mod triple_statistics;

use std::io::{self, IsTerminal, Write};

use anyhow::{Context, bail, ensure};
use schemas::{Manifest, Name, Page, Row, SCHEMA_VERSION, ShardFolder, Triple};

use crate::config::Runtime;
use crate::config::checks::{InspectConfig, ReportKind};
use crate::ordered_map::Limits;
use highlight::HighlightStyle;
use name_counter::count_names;
use page_counter::count_pages;
use report::{FolderReport, RowStatistics};
use row_chunks::RowChunks;
use token_counter::TokenCounter;
use triple_counter::count_triples;

/// Samples by default: as text and JSON, and in an HTML file, where they are browsed.
const DEFAULT_SAMPLES: usize = 3;
const DEFAULT_HTML_SAMPLES: usize = 200;

/// Runs `prep inspect`. A folder that is not complete is a warning.
///
/// # Errors
/// A folder without a manifest or of an unknown schema, a shard or tokenizer that cannot be read, a label that no row has, or an HTML file
/// that cannot be written.
pub fn run(config: &InspectConfig, runtime: &Runtime) -> anyhow::Result<()> {
    let folder = ShardFolder::open_any(&config.dir)?;
    let manifest = folder.manifest();
    check_manifest(config, manifest)?;
    let report = make_report(config, runtime.limits(), manifest)?;
    if let ReportKind::Html(path) = &config.report {
        html_report::write_html(&report, path)?;
        if !runtime.quiet {
            eprintln!("the report is in {}", path.display());
        }
        return Ok(());
    }
    let text = if config.report == ReportKind::Json { serde_json::to_string_pretty(&report)? + "\n" } else { report.to_string() };
    match io::stdout().write_all(text.as_bytes()) {
        // As in `prep inspect … | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}

fn check_manifest(config: &InspectConfig, manifest: &Manifest) -> anyhow::Result<()> {
    let dir = config.dir.display();
    ensure!(manifest.schema_version == SCHEMA_VERSION, "{dir} has schema version {}, expected {SCHEMA_VERSION}", manifest.schema_version);
    if let Some(reason) = manifest.incomplete_reason() {
        eprintln!("warning: {dir} is not complete ({reason})");
    }
    Ok(())
}

fn make_report(config: &InspectConfig, limits: Limits, manifest: &Manifest) -> anyhow::Result<FolderReport> {
    let dir = config.dir.display().to_string();
    let tokens = config.tokenizer.as_deref().map(TokenCounter::from_file).transpose()?;
    let in_colour = config.report == ReportKind::Text && io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let style = if in_colour { HighlightStyle::Colours } else { HighlightStyle::Brackets };
    let samples =
        config.samples.unwrap_or(if matches!(config.report, ReportKind::Html(_)) { DEFAULT_HTML_SAMPLES } else { DEFAULT_SAMPLES });
    let chunks = RowChunks::open(&config.dir, manifest)?;
    let rows = match manifest.schema.as_str() {
        Triple::SCHEMA_NAME => {
            let statistics = count_triples(&chunks, limits, config.label.as_deref(), samples, tokens.as_ref(), style);
            RowStatistics::Triples(statistics.with_context(|| dir.clone())?)
        }
        Page::SCHEMA_NAME => {
            ensure!(config.label.is_none(), "{dir} holds pages, which have no labels; leave out --label");
            RowStatistics::Pages(count_pages(&chunks, limits, samples, tokens.as_ref(), style).with_context(|| dir.clone())?)
        }
        Name::SCHEMA_NAME => {
            let statistics = count_names(&chunks, limits, config.label.as_deref(), samples);
            RowStatistics::Names(statistics.with_context(|| dir.clone())?)
        }
        other => bail!("{dir} holds {other}, expected {}, {} or {}", Page::SCHEMA_NAME, Triple::SCHEMA_NAME, Name::SCHEMA_NAME),
    };
    let mut bytes = 0;
    for shard in chunks.shards() {
        bytes += std::fs::metadata(shard).with_context(|| format!("cannot read {}", shard.display()))?.len();
    }
    let (schema, complete, shards) = (manifest.schema.clone(), manifest.complete, chunks.shards().len() as u64);
    let vanished_templates = manifest.vanished_templates.clone();
    Ok(FolderReport { dir, schema, complete, shards, bytes, vanished_templates, rows })
}
