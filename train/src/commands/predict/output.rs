//! Where the predicted entities are written.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufWriter, IsTerminal, Stdout, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use schemas::atomic_file::{self, AtomicFile};
use schemas::hf_rows::{HfParquetWriter, TaggedSentence};
use schemas::{Manifest, QuerySet, ShardWriter, Triple};

use super::entity::predicted_entities;
use super::flat::tagged_sentence;
use super::input::InputText;
use super::marked_text::{MarkOptions, mark_entities};
use crate::config::{LineFormat, PredictOutput};

/// Writes the predictions for one text after the other.
pub struct PredictionWriter {
    output: Output,
    /// Language of the texts.
    lang: String,
}

enum Output {
    /// Text with the entities marked, to standard output. Flushed after each text, for its reader may wait for it.
    MarkedText { out: BufWriter<Stdout>, options: MarkOptions },
    /// Lines, to standard output or a file.
    Lines { format: LineFormat, out: LineOutput },
    /// Parquet of a Hugging Face data set.
    HfParquet(Box<HfParquetWriter<AtomicFile>>),
    /// A Parquet file of triples, written as the only shard of a folder beside it.
    Parquet { writer: Box<ShardWriter<Triple>>, path: PathBuf },
    /// A folder of triples.
    Folder(Box<ShardWriter<Triple>>),
}

enum LineOutput {
    Stdout(BufWriter<Stdout>),
    File(Box<AtomicFile>),
}

impl PredictionWriter {
    /// Opens the output. A file appears under its name when [`finish`](Self::finish) is called.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(output: &PredictOutput, queries: &QuerySet, lang: &str) -> Result<Self> {
        let manifest = || {
            let config = serde_json::json!({ "queries": queries, "lang": lang });
            Manifest::new(concat!("train ", env!("CARGO_PKG_VERSION")), "predict", config)
        };
        let output = match output {
            PredictOutput::Marked { overlapping } => {
                let stdout = std::io::stdout();
                let colour = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
                Output::MarkedText { out: BufWriter::new(stdout), options: MarkOptions { overlapping: *overlapping, colour } }
            }
            PredictOutput::Lines { format, path } => {
                let out = match path {
                    Some(path) => LineOutput::File(Box::new(AtomicFile::create(path)?)),
                    None => LineOutput::Stdout(BufWriter::new(std::io::stdout())),
                };
                Output::Lines { format: *format, out }
            }
            PredictOutput::HfParquet(path) => {
                let tags = queries.labels().flat_map(|label| [format!("B-{label}"), format!("I-{label}")]);
                let names = std::iter::once("O".to_owned()).chain(tags).collect();
                Output::HfParquet(Box::new(HfParquetWriter::new(AtomicFile::create(path)?, names)?))
            }
            PredictOutput::Parquet(path) => {
                let writer = ShardWriter::create(&atomic_file::temporary_path(path), true, manifest())?.with_shard_bytes(usize::MAX);
                Output::Parquet { writer: Box::new(writer), path: path.clone() }
            }
            PredictOutput::Folder { path, overwrite } => Output::Folder(Box::new(ShardWriter::create(path, *overwrite, manifest())?)),
        };
        Ok(Self { output, lang: lang.to_owned() })
    }

    /// Writes the triples of one text: one for each label, all with the same context.
    ///
    /// # Errors
    /// A failed write.
    pub fn write(&mut self, text: &InputText, triples: &[Triple]) -> Result<()> {
        match &mut self.output {
            Output::MarkedText { out, options } => {
                let context = triples.first().map_or("", |triple| &triple.context);
                write_line(out, &mark_entities(context, &predicted_entities(triples), *options))
            }
            Output::Lines { format, out } => {
                let line = match format {
                    LineFormat::Json => to_json(text, triples).to_string(),
                    LineFormat::Conll => to_conll(&tagged_sentence(text, triples, &self.lang)),
                    LineFormat::HuggingFace => serde_json::to_string(&tagged_sentence(text, triples, &self.lang))?,
                };
                match out {
                    LineOutput::Stdout(out) => write_line(out, &line),
                    LineOutput::File(file) => {
                        let written = writeln!(file, "{line}");
                        written.with_context(|| format!("cannot write {}", file.path().display()))
                    }
                }
            }
            Output::HfParquet(writer) => Ok(writer.write(tagged_sentence(text, triples, &self.lang))?),
            Output::Parquet { writer, .. } | Output::Folder(writer) => {
                Ok(triples.iter().cloned().try_for_each(|triple| writer.write(triple))?)
            }
        }
    }

    /// Completes the output and gives a file its name.
    ///
    /// # Errors
    /// A failed write.
    pub fn finish(self) -> Result<()> {
        let complete = |writer: Box<ShardWriter<Triple>>| writer.finish(Vec::new(), BTreeMap::new(), None);
        match self.output {
            Output::MarkedText { mut out, .. } | Output::Lines { out: LineOutput::Stdout(mut out), .. } => {
                out.flush().context("cannot write to standard output")
            }
            Output::Lines { out: LineOutput::File(file), .. } => Ok(file.commit()?),
            Output::HfParquet(writer) => Ok(writer.finish()?.commit()?),
            Output::Parquet { writer, path } => move_only_shard(&complete(writer)?, &path),
            Output::Folder(writer) => complete(writer).map(drop).map_err(Into::into),
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

/// A text and its entities, with the other fields of the input. Where the input has tokens, entities are also given by these, half-open.
fn to_json(text: &InputText, triples: &[Triple]) -> serde_json::Value {
    let context = triples.first().map_or("", |triple| &triple.context);
    let entities: Vec<serde_json::Value> = predicted_entities(triples)
        .iter()
        .map(|e| {
            let mut entity = serde_json::json!({ "start": e.start, "end": e.end, "label": e.label, "text": e.text, "score": e.score });
            if let Some(tokens) = &text.tokens {
                entity["start_token"] = tokens.partition_point(|token| token.end <= e.start).into();
                entity["end_token"] = tokens.partition_point(|token| token.start < e.end).into();
            }
            entity
        })
        .collect();
    let mut object = text.fields.clone();
    object.insert("text".to_owned(), context.into());
    object.insert("entities".to_owned(), entities.into());
    object.into()
}

/// A token and its tag a line; the blank line after a sentence ends the last one.
fn to_conll(sentence: &TaggedSentence) -> String {
    let column = |token: &String| token.replace(['\t', '\n', '\r'], " ");
    sentence.tokens.iter().zip(&sentence.tags).map(|(token, tag)| format!("{}\t{tag}\n", column(token))).collect()
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
        assert_eq!(to_json(&InputText::default(), &triples), expected);
        let text = InputText::of_json(r#"{"id": 7, "tokens": ["Bank", "of", "China"]}"#, true).unwrap();
        let json = to_json(&text, &triples);
        assert_eq!((&json["id"], &json["tokens"][2], &json["entities"][1]["start_token"]), (&7.into(), &"China".into(), &2.into()));
        assert_eq!((&json["entities"][0]["start_token"], &json["entities"][0]["end_token"]), (&0.into(), &3.into()));
    }
}
