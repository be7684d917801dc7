//! Where the answers of `predict` go.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufWriter, IsTerminal, Stdout, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use schemas::atomic_file::{self, AtomicFile, temporary_path};
use schemas::{Manifest, ShardWriter, Span, Triple};

use crate::config::Output;

/// Takes the triples of one text after the other.
pub enum Sink {
    /// Standard output: the text with its entities marked.
    Marked {
        /// Buffered, as lines are short.
        out: BufWriter<Stdout>,
        /// Whether a person looks at it.
        colour: bool,
    },
    /// Standard output: a JSON object a text.
    Json(BufWriter<Stdout>),
    /// A JSON object a text, under a temporary name until all is written.
    Jsonl(AtomicFile),
    /// Triples, in a temporary folder of one shard until all is written.
    Parquet {
        /// Writes the shard.
        writer: Box<ShardWriter<Triple>>,
        /// The file's final name.
        path: PathBuf,
    },
}

impl Sink {
    /// Opens the output.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn create(output: &Output) -> Result<Self> {
        Ok(match output {
            Output::Marked => {
                let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
                Self::Marked { out: BufWriter::new(std::io::stdout()), colour }
            }
            Output::Json => Self::Json(BufWriter::new(std::io::stdout())),
            Output::Jsonl(path) => Self::Jsonl(AtomicFile::create(path)?),
            Output::Parquet(path) => {
                let manifest = Manifest::new(concat!("train ", env!("CARGO_PKG_VERSION")), "predict", serde_json::Value::Null);
                let writer = ShardWriter::create(&temporary_path(path), true, manifest)?.with_shard_bytes(usize::MAX);
                Self::Parquet { writer: Box::new(writer), path: path.clone() }
            }
        })
    }

    /// Writes the triples of one text.
    ///
    /// # Errors
    /// A failed write.
    pub fn write(&mut self, triples: &[Triple]) -> Result<()> {
        match self {
            Self::Marked { out, colour } => {
                let text = triples.first().map_or("", |triple| &triple.context);
                let written = writeln!(out, "{}", mark(text, &entities(triples), *colour)).and_then(|()| out.flush());
                written.context("cannot write to standard output")
            }
            Self::Json(out) => {
                let written = writeln!(out, "{}", object(triples)).and_then(|()| out.flush());
                written.context("cannot write to standard output")
            }
            Self::Jsonl(out) => writeln!(out, "{}", object(triples)).with_context(|| format!("cannot write {}", out.path().display())),
            Self::Parquet { writer, .. } => Ok(triples.iter().cloned().try_for_each(|triple| writer.write(triple))?),
        }
    }

    /// Ends the output; a file gets its name now.
    ///
    /// # Errors
    /// A failed write.
    pub fn finish(self) -> Result<()> {
        match self {
            Self::Marked { mut out, .. } | Self::Json(mut out) => out.flush().context("cannot write to standard output"),
            Self::Jsonl(out) => Ok(out.commit()?),
            Self::Parquet { writer, path } => {
                let manifest = writer.finish(Vec::new(), BTreeMap::new(), None)?;
                let dir = temporary_path(&path);
                atomic_file::rename(&dir.join(&manifest.shards[0].file), &path)?;
                fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))
            }
        }
    }
}

/// An entity of a text: chars, half-open.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Entity<'a> {
    start: u32,
    end: u32,
    label: &'a str,
    text: &'a str,
    score: Option<f32>,
    /// Position of its label among those that were looked for.
    colour: usize,
}

/// A text with its entities, as JSON.
fn object(triples: &[Triple]) -> serde_json::Value {
    let text = triples.first().map_or("", |triple| &triple.context);
    let entities: Vec<serde_json::Value> = entities(triples)
        .iter()
        .map(|e| serde_json::json!({ "start": e.start, "end": e.end, "label": e.label, "text": e.text, "score": e.score }))
        .collect();
    serde_json::json!({ "text": text, "entities": entities })
}

/// The entities of all labels, by offset, outer ones first.
fn entities(triples: &[Triple]) -> Vec<Entity<'_>> {
    let mut entities: Vec<Entity<'_>> = triples
        .iter()
        .enumerate()
        .flat_map(|(colour, triple)| {
            let label = triple.label.as_str();
            triple.spans.iter().map(move |span| {
                let Span { start, end, text, score, .. } = span;
                Entity { start: *start, end: *end, label, text, score: *score, colour }
            })
        })
        .collect();
    entities.sort_by_key(|entity| (entity.start, std::cmp::Reverse(entity.end)));
    entities
}

/// Colours of labels on a terminal, by turns: cyan, yellow, magenta, green, blue, red.
const COLOURS: [u8; 6] = [36, 33, 35, 32, 34, 31];

/// The text with each entity as `[Ödön Teleki PER]`, in colour with its score. Of crossing entities of different labels the later ones are left out, as
/// brackets cannot show them.
fn mark(text: &str, entities: &[Entity<'_>], colour: bool) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut open: Vec<&Entity<'_>> = Vec::new();
    let mut next = entities.iter().peekable();
    let begin = |entity: &Entity<'_>| format!("\x1b[1;{}m", COLOURS[entity.colour % COLOURS.len()]);
    let close = |at: u32, open: &mut Vec<&Entity<'_>>, out: &mut String| {
        while let Some(entity) = open.pop_if(|entity| entity.end == at) {
            out.push_str(&if colour {
                let score = entity.score.map_or(String::new(), |score| format!(" {score:.2}"));
                // What is around it goes on in its own colour.
                let outer = open.last().map_or(String::new(), |outer| begin(outer));
                format!("\x1b[0;2m {}{score}\x1b[0m]{outer}", entity.label)
            } else {
                format!(" {}]", entity.label)
            });
        }
    };
    let mut end = 0;
    for (at, char) in text.chars().enumerate() {
        let at = at as u32;
        close(at, &mut open, &mut out);
        while let Some(entity) = next.next_if(|entity| entity.start <= at) {
            if open.last().is_none_or(|outer| entity.end <= outer.end) {
                out.push('[');
                if colour {
                    out.push_str(&begin(entity));
                }
                open.push(entity);
            }
        }
        out.push(char);
        end = at + 1;
    }
    close(end, &mut open, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, spans: &[(u32, u32, &str)], expected: &str) {
        let entities: Vec<Entity<'_>> =
            spans.iter().map(|&(start, end, label)| Entity { start, end, label, text: "", score: None, colour: 0 }).collect();
        assert_eq!(mark(text, &entities, false), expected);
    }

    #[test]
    fn entities_are_marked() {
        check("nobody here", &[], "nobody here");
        check("Ödön Teleki was born", &[(0, 11, "PER")], "[Ödön Teleki PER] was born");
        check("在北京", &[(1, 3, "LOC")], "在[北京 LOC]");
        check("Bank of China", &[(0, 13, "ORG"), (8, 13, "LOC")], "[Bank of [China LOC] ORG]");
        check("a b c", &[(0, 3, "X"), (2, 5, "Y")], "[a b X] c");
        check("ab", &[(0, 1, "X"), (1, 2, "Y")], "[a X][b Y]");
        check("ab", &[(0, 2, "X"), (0, 2, "Y")], "[[ab Y] X]");
    }

    #[test]
    fn colours_tell_labels_apart_and_scores_are_shown() {
        let entity = |start, end, label, colour| Entity { start, end, label, text: "", score: Some(0.987), colour };
        let marked = mark("ab c", &[entity(0, 4, "X", 0), entity(1, 2, "Y", 1)], true);
        let expected = "[\x1b[1;36ma[\x1b[1;33mb\x1b[0;2m Y 0.99\x1b[0m]\x1b[1;36m c\x1b[0;2m X 0.99\x1b[0m]";
        assert_eq!(marked, expected);
    }
}
