//! Where the predicted entities are written.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufWriter, IsTerminal, Stdout, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use schemas::atomic_file::{self, AtomicFile};
use schemas::{Manifest, ShardWriter, Triple};

use super::entity::predicted_entities;
use super::marked_text::{MarkOptions, mark_entities};
use crate::config::PredictOutput;

/// Writes the predictions for one text after the other.
pub enum PredictionWriter {
    /// To standard output, as text with the entities marked.
    MarkedText {
        /// Flushed after each text, for its reader may wait for it.
        out: BufWriter<Stdout>,
        /// How entities are marked.
        options: MarkOptions,
    },
    /// To standard output, a JSON object a text.
    JsonToStdout(BufWriter<Stdout>),
    /// To a file, a JSON object a text.
    JsonToFile(Box<AtomicFile>),
    /// To a Parquet file of triples.
    Parquet {
        /// Writes a folder of one shard beside the file.
        writer: Box<ShardWriter<Triple>>,
        /// The file's name.
        path: PathBuf,
    },
}

impl PredictionWriter {
    /// Opens the output. A file appears under its name when [`finish`](Self::finish) is called.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(output: &PredictOutput) -> Result<Self> {
        Ok(match output {
            PredictOutput::Marked { overlapping } => {
                let stdout = std::io::stdout();
                let colour = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
                Self::MarkedText { out: BufWriter::new(stdout), options: MarkOptions { overlapping: *overlapping, colour } }
            }
            PredictOutput::Json => Self::JsonToStdout(BufWriter::new(std::io::stdout())),
            PredictOutput::Jsonl(path) => Self::JsonToFile(Box::new(AtomicFile::create(path)?)),
            PredictOutput::Parquet(path) => {
                let manifest = Manifest::new(concat!("train ", env!("CARGO_PKG_VERSION")), "predict", serde_json::Value::Null);
                let writer = ShardWriter::create(&atomic_file::temporary_path(path), true, manifest)?.with_shard_bytes(usize::MAX);
                Self::Parquet { writer: Box::new(writer), path: path.clone() }
            }
        })
    }

    /// Writes the triples of one text: one for each label, all with the same context.
    ///
    /// # Errors
    /// A failed write.
    pub fn write(&mut self, triples: &[Triple]) -> Result<()> {
        match self {
            Self::MarkedText { out, options } => {
                let text = triples.first().map_or("", |triple| &triple.context);
                write_line(out, &mark_entities(text, &predicted_entities(triples), *options))
            }
            Self::JsonToStdout(out) => write_line(out, &to_json(triples)),
            Self::JsonToFile(file) => {
                let written = writeln!(file, "{}", to_json(triples));
                written.with_context(|| format!("cannot write {}", file.path().display()))
            }
            Self::Parquet { writer, .. } => Ok(triples.iter().cloned().try_for_each(|triple| writer.write(triple))?),
        }
    }

    /// Completes the output and gives a file its name.
    ///
    /// # Errors
    /// A failed write.
    pub fn finish(self) -> Result<()> {
        match self {
            Self::MarkedText { mut out, .. } | Self::JsonToStdout(mut out) => out.flush().context("cannot write to standard output"),
            Self::JsonToFile(file) => Ok(file.commit()?),
            Self::Parquet { writer, path } => {
                let manifest = writer.finish(Vec::new(), BTreeMap::new(), None)?;
                move_only_shard(&manifest, &path)
            }
        }
    }
}

/// Moves the only shard of the temporary folder to its final name and removes the folder.
fn move_only_shard(manifest: &Manifest, path: &Path) -> Result<()> {
    let dir = atomic_file::temporary_path(path);
    atomic_file::rename(&dir.join(&manifest.shards[0].file), path)?;
    fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))
}

/// Writes a line to standard output and flushes it: whoever reads it may wait for it before writing the next text.
fn write_line(out: &mut BufWriter<Stdout>, line: &dyn std::fmt::Display) -> Result<()> {
    writeln!(out, "{line}").and_then(|()| out.flush()).context("cannot write to standard output")
}

/// A text and all its entities, overlapping ones included.
fn to_json(triples: &[Triple]) -> serde_json::Value {
    let text = triples.first().map_or("", |triple| &triple.context);
    let entities: Vec<serde_json::Value> = predicted_entities(triples)
        .iter()
        .map(|e| serde_json::json!({ "start": e.start, "end": e.end, "label": e.label, "text": e.text, "score": e.score }))
        .collect();
    serde_json::json!({ "text": text, "entities": entities })
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::{Origin, Span};

    #[test]
    fn json_holds_overlapping_entities() {
        let triple = |label: &str, start: u32, end: u32, text: &str| {
            let span = Span { start, end, text: text.to_owned(), origin: Origin::Model, score: Some(0.5) };
            Triple { label: label.to_owned(), context: "Bank of China".to_owned(), spans: vec![span], ..Triple::default() }
        };
        let triples = [triple("LOC", 8, 13, "China"), triple("ORG", 0, 13, "Bank of China")];
        let expected = serde_json::json!({
            "text": "Bank of China",
            "entities": [
                { "start": 0, "end": 13, "label": "ORG", "text": "Bank of China", "score": 0.5 },
                { "start": 8, "end": 13, "label": "LOC", "text": "China", "score": 0.5 },
            ],
        });
        assert_eq!(to_json(&triples), expected);
    }
}
