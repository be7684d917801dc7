//! `train predict`: marks entities in text.

mod sink;

use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::path::Path;

use anyhow::{Context, Result};
use schemas::{Folder, QuerySet, Triple};

use crate::answer::{self, Reading};
use crate::config::{Input, PredictConfig};
use crate::data::{BatchSize, Encoder};
use crate::device::{Job, TrainBackend};
use crate::run::ModelFolder;
use sink::Sink;

/// Texts answered at once: memory stays the same however long the input is.
const BLOCK: usize = 512;

/// Reads text and marks its entities.
pub struct Prediction(pub PredictConfig);

/// A text to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Text {
    doc: String,
    sentence: u32,
    text: String,
}

impl Job for Prediction {
    type Output = ();

    fn run<B: TrainBackend>(self, device: &B::Device) -> Result<()> {
        let config = self.0;
        let folder = ModelFolder::open_run(&config.run)?;
        let reader = folder.load_reader::<B::InnerBackend>(device)?;
        let encoder = Encoder::new(&folder.pieces, folder.max_length()).keep_triples(true);
        let reading = Reading { quiet: true, ..Reading::new(&folder.pieces, BatchSize::Sequences(config.batch), config.environment) };
        let mut sink = Sink::create(&config.output)?;
        blocks(&config.input, |block| {
            let questions = block.iter().flat_map(|text| questions(text, &config.queries, &config.lang)).collect();
            let mut data = encoder.encode(questions)?;
            let answers = answer::answers(&reader, &data, reading, device)?;
            for (triple, answers) in data.triples.iter_mut().zip(answers) {
                triple.spans = answers.into_iter().map(|answer| answer.to_span(&triple.context)).collect();
                triple.impossible = triple.spans.is_empty();
            }
            data.triples.chunks(config.queries.queries.len()).try_for_each(|triples| sink.write(triples))
        })?;
        sink.finish()
    }
}

/// One triple for each label.
fn questions<'a>(text: &'a Text, queries: &'a QuerySet, lang: &'a str) -> impl Iterator<Item = Triple> + 'a {
    queries.queries.iter().map(move |query| Triple {
        id: format!("{}:{}:{}", text.doc, text.sentence, query.label),
        doc: text.doc.clone(),
        sentence: text.sentence,
        lang: lang.to_owned(),
        label: query.label.clone(),
        query: query.text.clone(),
        context: text.text.clone(),
        spans: Vec::new(),
        impossible: true,
    })
}

/// Hands the input's texts on, some at a time.
fn blocks(input: &Input, mut work: impl FnMut(Vec<Text>) -> Result<()>) -> Result<()> {
    let open = |path: &Path| std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()));
    match input {
        // A person who types a line waits for its answer.
        Input::Stdin if std::io::stdin().is_terminal() => grouped(lines("-", std::io::stdin(), false), 1, work),
        Input::Stdin => grouped(lines("-", std::io::stdin(), false), BLOCK, work),
        Input::Text(path) => grouped(lines(&path.display().to_string(), open(path)?, false), BLOCK, work),
        Input::Jsonl(path) => grouped(lines(&path.display().to_string(), open(path)?, true), BLOCK, work),
        Input::Triples(dir) => {
            let folder = Folder::open::<Triple>(dir)?;
            // The rows of a sentence follow each other; its text is wanted once.
            let mut last = None;
            for rows in folder.rows::<Triple>() {
                let mut block = Vec::new();
                for Triple { doc, sentence, context: text, .. } in rows? {
                    let key = Some((doc.clone(), sentence));
                    if last != key {
                        last = key;
                        block.push(Text { doc, sentence, text });
                    }
                }
                work(block)?;
            }
            Ok(())
        }
    }
}

fn grouped(mut texts: impl Iterator<Item = Result<Text>>, size: usize, mut work: impl FnMut(Vec<Text>) -> Result<()>) -> Result<()> {
    loop {
        let block: Vec<Text> = texts.by_ref().take(size).collect::<Result<_>>()?;
        if block.is_empty() {
            return Ok(());
        }
        work(block)?;
    }
}

/// A text a line; of a JSON object, its `text`. Empty lines of plain text stay, so that lines out are lines in.
fn lines(name: &str, read: impl Read, json: bool) -> impl Iterator<Item = Result<Text>> {
    #[derive(serde::Deserialize)]
    struct Object {
        text: String,
    }
    BufReader::new(read).lines().enumerate().map(move |(number, line)| {
        let place = || format!("{name}, line {}", number + 1);
        let line = line.with_context(place)?;
        let text = if json {
            serde_json::from_str::<Object>(&line).with_context(|| format!("{}: expected an object with a string `text`", place()))?.text
        } else {
            line.trim_end_matches('\r').to_owned()
        };
        Ok(Text { doc: name.to_owned(), sentence: number as u32, text })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_is_named() {
        let read: Vec<Result<Text>> = lines("in.jsonl", "{\"text\":\"a\"}\n{\"txt\":1}\n".as_bytes(), true).collect();
        assert_eq!(read[0].as_ref().unwrap().text, "a");
        let error = format!("{:#}", read[1].as_ref().unwrap_err());
        assert!(error.starts_with("in.jsonl, line 2: expected an object"), "{error}");
    }
}
