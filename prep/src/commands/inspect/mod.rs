//! `prep inspect`: what a folder holds, counted with polars, and some of its rows.
//!
//! | module | what it holds |
//! |---|---|
//! | [`parts`] | the shards as lazy frames of limited size |
//! | [`triples`], [`pages`] | the reports |
//! | [`count`] | counts that add up over the parts |
//! | [`tokens`] | tokens, with the user's tokenizer |
//! | [`mark`] | texts with their spans marked |
//! | [`html`], [`chart`] | the report as a page |
//!
//! Memory: one part of 32,768 rows, the distinct mentions or titles up to two million, and 16 bytes for each distinct text up to eight
//! million.

pub mod chart;
pub mod count;
pub mod html;
pub mod mark;
pub mod pages;
pub mod parts;
pub mod tokens;
pub mod triples;

use std::io::{self, IsTerminal, Write};
use std::ops::Range;

use anyhow::{Context, bail, ensure};
use schemas::{Page, Row, SCHEMA_VERSION, ShardFolder, Triple};
use serde::Serialize;

use crate::cli::{Common, InspectArgs};
use crate::number_format::{counted, grouped};
use count::Count;
use mark::{Style, printable};
use parts::Parts;
use tokens::TokenCounter;

/// Mentions, titles and texts that the report holds, and those that a terminal shows.
const SHOWN: usize = 30;
const SHOWN_ON_TERMINAL: usize = 10;
/// Samples by default: as text and JSON, and on a page, where they are browsed.
const SAMPLES: usize = 3;
const SAMPLES_ON_PAGE: usize = 200;
/// Bins of a histogram.
const BINS: u64 = 30;

/// What is known of a folder.
#[derive(Debug, Serialize)]
struct Report {
    dir: String,
    schema: String,
    complete: bool,
    shards: u64,
    bytes: u64,
    #[serde(flatten)]
    rows: Rows,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Rows {
    Triples(triples::TripleReport),
    Pages(pages::PageReport),
}

/// A row to show.
#[derive(Debug, Serialize)]
pub struct Sample {
    /// A triple's id or a page's title.
    pub id: String,
    /// The triple's question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Its label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The text with its spans marked.
    pub marked: String,
    /// The text alone.
    #[serde(skip)]
    pub text: String,
    /// Its spans in chars, each with a triple's label or a link's target.
    #[serde(skip)]
    pub spans: Vec<(Range<u32>, String)>,
}

/// Runs `prep inspect`.
///
/// # Errors
/// A folder without a manifest or of unknown rows, a shard that cannot be read, a label that no row has, or a tokenizer that cannot be
/// read, or a page that cannot be written. An incomplete folder is no error but a warning.
pub fn run(args: &InspectArgs, common: &Common) -> anyhow::Result<()> {
    let dir = args.dir.display().to_string();
    let folder = ShardFolder::open_any(&args.dir)?;
    let manifest = folder.manifest();
    ensure!(manifest.schema_version == SCHEMA_VERSION, "{dir} has schema version {}, expected {SCHEMA_VERSION}", manifest.schema_version);
    if !manifest.complete {
        let why = manifest.error.as_deref().unwrap_or("the run that wrote it did not end, or is not at its end yet");
        eprintln!("warning: {dir} is not complete ({why})");
    }
    let tokens = args.tokenizer.as_deref().map(TokenCounter::from_file).transpose()?;
    let coloured = !args.json && io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let style = if coloured { Style::Colours } else { Style::Brackets };
    let samples = args.sample.unwrap_or(if args.html.is_some() { SAMPLES_ON_PAGE } else { SAMPLES });
    let parts = Parts::open(&args.dir, manifest)?;
    let rows = match manifest.schema.as_str() {
        Triple::SCHEMA_NAME => {
            Rows::Triples(triples::report(&parts, args.label.as_deref(), samples, tokens.as_ref(), style).with_context(|| dir.clone())?)
        }
        Page::SCHEMA_NAME => {
            ensure!(args.label.is_none(), "{dir} holds pages, and pages have no labels; leave out --label");
            Rows::Pages(pages::report(&parts, samples, tokens.as_ref(), style).with_context(|| dir.clone())?)
        }
        other => bail!("{dir} holds {other}, expected {} or {}", Page::SCHEMA_NAME, Triple::SCHEMA_NAME),
    };
    let mut bytes = 0;
    for shard in parts.shards() {
        bytes += std::fs::metadata(shard).with_context(|| format!("cannot read {}", shard.display()))?.len();
    }
    let shards = parts.shards().len() as u64;
    let report = Report { dir, schema: manifest.schema.clone(), complete: manifest.complete, shards, bytes, rows };
    if let Some(path) = &args.html {
        html::write(&report, path)?;
        if !common.quiet {
            eprintln!("the page is {}", path.display());
        }
        return Ok(());
    }
    let text = if args.json { serde_json::to_string_pretty(&report)? + "\n" } else { report.to_string() };
    match io::stdout().write_all(text.as_bytes()) {
        // `prep inspect … | head`
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}

impl Report {
    /// What the folder holds, in a line.
    fn summary(&self) -> String {
        let state = if self.complete { "" } else { ", not complete" };
        format!("{} in {}, {} bytes{state}", self.schema, counted(self.shards, "shard"), grouped(self.bytes))
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}: {}\n", self.dir, self.summary())?;
        let samples = match &self.rows {
            Rows::Triples(report) => report.fmt(f).map(|()| &report.samples),
            Rows::Pages(report) => report.fmt(f).map(|()| &report.samples),
        }?;
        for sample in samples {
            let query = sample.query.as_ref().map(|query| format!("  {}", printable(query))).unwrap_or_default();
            writeln!(f, "\n{}{query}\n  {}", printable(&sample.id), sample.marked)?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", printable(&self.text), grouped(self.count))
    }
}

/// The first few of the most frequent texts, in a line.
fn most_frequent(counts: &[Count]) -> String {
    let counts: Vec<String> = counts.iter().take(SHOWN_ON_TERMINAL).map(Count::to_string).collect();
    counts.join(", ")
}

/// Columns of text: the first to the left, the others to the right.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let cells = row.iter().enumerate().map(|(column, cell)| match column {
                0 => format!("{cell:<0$}", width(0)),
                _ => format!("{cell:>0$}", width(column)),
            });
            cells.collect::<Vec<_>>().join("  ")
        })
        .collect();
    lines.join("\n")
}
