//! `train predict`: marks entities in text.

mod sink;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatchReader;
use schemas::shard::open_shard;
use schemas::{QuerySet, Row, ShardFolder, Triple};

use crate::answer::{self, Reading};
use crate::config::{Input, PredictConfig};
use crate::data::{BatchSize, Encoder};
use crate::device::{Job, TrainBackend};
use crate::report::Silent;
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
        let reader = folder.load_trained::<B::InnerBackend>(device)?.at(config.environment.precision);
        let encoder = Encoder::new(&folder.pieces, folder.max_length()).keep_triples(true);
        let reading = Reading::new(&folder.pieces, BatchSize::Sequences(config.batch), config.environment.device);
        let mut sink = Sink::create(&config.output)?;
        let (mut texts, mut seconds) = (0, 0.0);
        blocks(&config.input, |block| {
            let started = Instant::now();
            texts += block.len();
            let questions = block.iter().flat_map(|text| questions(text, &config.queries, &config.lang)).collect();
            let mut data = encoder.encode(questions)?;
            let answers = answer::answers(&reader, &data, reading, device, &Silent)?;
            for (triple, answers) in data.triples.iter_mut().zip(answers) {
                triple.spans = answers.into_iter().map(|answer| answer.to_span(&triple.context)).collect();
                triple.impossible = triple.spans.is_empty();
            }
            data.triples.chunks(config.queries.queries.len()).try_for_each(|triples| sink.write(triples))?;
            seconds += started.elapsed().as_secs_f64();
            Ok(())
        })?;
        sink.finish()?;
        if !config.environment.quiet {
            eprintln!("{texts} texts in {seconds:.1} s, {:.1} a second", texts as f64 / f64::max(seconds, 1e-9));
        }
        Ok(())
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
fn blocks(input: &Input, work: impl FnMut(Vec<Text>) -> Result<()>) -> Result<()> {
    let open = |path: &Path| std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()));
    match input {
        Input::Stdin => as_they_come(BufReader::new(std::io::stdin()), work),
        Input::Text(path) => grouped(lines(&path.display().to_string(), open(path)?, false), BLOCK, work),
        Input::Jsonl(path) => grouped(lines(&path.display().to_string(), open(path)?, true), BLOCK, work),
        Input::Triples(dir) => {
            let folder = ShardFolder::open::<Triple>(dir)?;
            contexts(folder.rows::<Triple>().map(|rows| Ok(rows?)), work)
        }
        Input::Parquet(path) => parquet(path, work).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The texts of a column `text`, or the contexts of triples.
fn parquet(path: &Path, work: impl FnMut(Vec<Text>) -> Result<()>) -> Result<()> {
    let shard = open_shard(path)?;
    if shard.schema().column_with_name("text").is_none() {
        let rows = |batch: Result<RecordBatch, ArrowError>| {
            Triple::from_batch(&batch?).context("it has no column `text` and is no shard of triples")
        };
        return contexts(shard.map(rows), work);
    }
    let name = path.display().to_string();
    let mut row = 0;
    let texts = shard.flat_map(|batch| {
        let texts = || -> Result<Vec<Text>> {
            let batch = batch?;
            let column = batch.column_by_name("text").expect("it was found");
            // Programs write strings in several ways.
            let column = cast(column, &DataType::Utf8).context("its column `text` holds no strings")?;
            let texts = column.as_string::<i32>().iter().map(|text| {
                row += 1;
                Text { doc: name.clone(), sentence: row - 1, text: text.unwrap_or_default().to_owned() }
            });
            Ok(texts.collect())
        };
        match texts() {
            Ok(texts) => texts.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        }
    });
    grouped(texts, BLOCK, work)
}

/// The contexts of triples: the rows of a sentence follow each other, and its text is wanted once.
fn contexts(rows: impl Iterator<Item = Result<Vec<Triple>>>, mut work: impl FnMut(Vec<Text>) -> Result<()>) -> Result<()> {
    let mut last = None;
    for rows in rows {
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

/// Lines that are there already are answered together, and nothing is waited for while a line has no answer: whoever writes a
/// line and reads its answer before the next one is served.
fn as_they_come<R: Read>(mut read: BufReader<R>, mut work: impl FnMut(Vec<Text>) -> Result<()>) -> Result<()> {
    let mut sentence = 0;
    loop {
        let mut block = Vec::new();
        while block.is_empty() || (block.len() < BLOCK && read.buffer().contains(&b'\n')) {
            let mut line = String::new();
            if read.read_line(&mut line).with_context(|| format!("-, line {}", sentence + 1))? == 0 {
                break;
            }
            block.push(Text { doc: "-".to_owned(), sentence, text: line.trim_end_matches(['\r', '\n']).to_owned() });
            sentence += 1;
        }
        if block.is_empty() {
            return Ok(());
        }
        work(block)?;
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
    fn lines_are_answered_as_they_come() {
        /// Gives a piece at each call, as a pipe does.
        struct Pipe(Vec<&'static str>);
        impl Read for Pipe {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                if self.0.is_empty() {
                    return Ok(0);
                }
                let piece = self.0.remove(0).as_bytes();
                buffer[..piece.len()].copy_from_slice(piece);
                Ok(piece.len())
            }
        }
        let mut blocks = Vec::new();
        let pipe = Pipe(vec!["one\n", "two\r\n\nfo", "ur\nfive"]);
        as_they_come(BufReader::new(pipe), |block| {
            blocks.push(block.into_iter().map(|text| format!("{} {}", text.sentence, text.text)).collect::<Vec<_>>());
            Ok(())
        })
        .unwrap();
        assert_eq!(blocks, [vec!["0 one"], vec!["1 two", "2 "], vec!["3 four"], vec!["4 five"]]);
    }

    #[test]
    fn a_bad_line_is_named() {
        let read: Vec<Result<Text>> = lines("in.jsonl", "{\"text\":\"a\"}\n{\"txt\":1}\n".as_bytes(), true).collect();
        assert_eq!(read[0].as_ref().unwrap().text, "a");
        let error = format!("{:#}", read[1].as_ref().unwrap_err());
        assert!(error.starts_with("in.jsonl, line 2: expected an object"), "{error}");
    }

    #[test]
    fn a_column_of_texts_is_read_however_its_strings_are_written() {
        use arrow::array::{ArrayRef, LargeStringArray};
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("news.parquet");
        let write = |name: &str| {
            let column: ArrayRef = std::sync::Arc::new(LargeStringArray::from(vec![Some("one"), None, Some("Ödön")]));
            let batch = RecordBatch::try_from_iter_with_nullable([(name, column, true)]).unwrap();
            let file = std::fs::File::create(&path).unwrap();
            let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
            writer.write(&batch).unwrap();
            writer.close().unwrap();
        };
        let read = || {
            let mut texts = Vec::new();
            blocks(&Input::Parquet(path.clone()), |block| {
                texts.extend(block.into_iter().map(|text| format!("{} {}", text.sentence, text.text)));
                Ok(())
            })
            .map(|()| texts)
        };
        write("text");
        assert_eq!(read().unwrap(), ["0 one", "1 ", "2 Ödön"]);
        write("texts");
        assert!(format!("{:#}", read().unwrap_err()).contains("it has no column `text` and is no shard of triples"));
    }
}
