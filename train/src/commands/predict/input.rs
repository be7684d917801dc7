//! The texts to find entities in, read in blocks.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result};
use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatchReader;
use schemas::shard::open_shard;
use schemas::{ReadOptions, ShardFolder, Triple, TripleViews};

use crate::config::PredictInput;

/// Texts in a block: memory does not grow with the input.
const BLOCK_TEXTS: usize = 512;

/// The columns of triples that are read.
const COLUMNS: [&str; 3] = ["doc", "sentence", "context"];

/// A text to find entities in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputText {
    /// Name of the file, or document of a triple.
    pub doc: String,
    /// Number of the line, or sentence of a triple.
    pub sentence: u32,
    /// The text.
    pub text: String,
}

/// Hands the texts of an input to `work`, a block at a time, in order.
///
/// Standard input is not waited for while a text has no answer: a program may write a line and read its answer before it writes
/// the next one.
///
/// # Errors
/// The input cannot be read, by file and line; what `work` returns.
pub fn for_each_block(input: &PredictInput, work: impl FnMut(Vec<InputText>) -> Result<()>) -> Result<()> {
    let open = |path: &Path| File::open(path).with_context(|| format!("cannot read {}", path.display()));
    match input {
        PredictInput::Stdin => available_lines(BufReader::new(std::io::stdin()), work),
        PredictInput::Text(path) => in_blocks(lines(&path.display().to_string(), open(path)?, LineFormat::Text), work),
        PredictInput::Jsonl(path) => in_blocks(lines(&path.display().to_string(), open(path)?, LineFormat::Json), work),
        PredictInput::Triples(dir) => {
            let folder = ShardFolder::open::<Triple>(dir)?;
            let batches = folder.batches(ReadOptions::default().with_columns(&COLUMNS));
            contexts(batches.map(|batch| Ok(batch?.1)), work).with_context(|| format!("cannot read {}", dir.display()))
        }
        PredictInput::Parquet(path) => parquet(path, work).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The column `text` of a Parquet file, or where it has none, the contexts of its triples.
fn parquet(path: &Path, work: impl FnMut(Vec<InputText>) -> Result<()>) -> Result<()> {
    let shard = open_shard(path)?;
    if shard.schema().column_with_name("text").is_none() {
        return contexts(shard.map(|batch| Ok(batch?)), work);
    }
    let name = path.display().to_string();
    let mut row = 0;
    let texts = shard.flat_map(|batch| {
        let texts = || -> Result<Vec<InputText>> {
            let batch = batch?;
            let column = batch.column_by_name("text").expect("the schema has it");
            // Utf8, LargeUtf8, Utf8View or a dictionary of them, by the program that wrote the file.
            let column = cast(column, &DataType::Utf8).context("its column `text` holds no strings")?;
            let texts = column.as_string::<i32>().iter().map(|text| {
                row += 1;
                InputText { doc: name.clone(), sentence: row - 1, text: text.unwrap_or_default().to_owned() }
            });
            Ok(texts.collect())
        };
        match texts() {
            Ok(texts) => texts.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        }
    });
    in_blocks(texts, work)
}

/// The contexts of triples. The triples of a sentence follow each other, and its context is read once.
fn contexts(batches: impl Iterator<Item = Result<RecordBatch>>, mut work: impl FnMut(Vec<InputText>) -> Result<()>) -> Result<()> {
    let mut last: Option<(String, u32)> = None;
    for batch in batches {
        let batch = batch?;
        let triples = TripleViews::new(&batch, &COLUMNS).context("it has no column `text` and is no shard of triples")?;
        let mut block = Vec::new();
        for triple in triples.iter() {
            if last.as_ref().is_none_or(|(doc, sentence)| (doc.as_str(), *sentence) != (triple.doc(), triple.sentence())) {
                last = Some((triple.doc().to_owned(), triple.sentence()));
                block.push(InputText { doc: triple.doc().to_owned(), sentence: triple.sentence(), text: triple.context().to_owned() });
            }
        }
        work(block)?;
    }
    Ok(())
}

/// Lines of a stream; a block holds those that have arrived, and at least one.
fn available_lines<R: Read>(mut read: BufReader<R>, mut work: impl FnMut(Vec<InputText>) -> Result<()>) -> Result<()> {
    let mut sentence = 0;
    loop {
        let mut block = Vec::new();
        while block.is_empty() || (block.len() < BLOCK_TEXTS && read.buffer().contains(&b'\n')) {
            let mut line = String::new();
            if read.read_line(&mut line).with_context(|| format!("-, line {}", sentence + 1))? == 0 {
                break;
            }
            block.push(InputText { doc: "-".to_owned(), sentence, text: line.trim_end_matches(['\r', '\n']).to_owned() });
            sentence += 1;
        }
        if block.is_empty() {
            return Ok(());
        }
        work(block)?;
    }
}

fn in_blocks(mut texts: impl Iterator<Item = Result<InputText>>, mut work: impl FnMut(Vec<InputText>) -> Result<()>) -> Result<()> {
    loop {
        let block: Vec<InputText> = texts.by_ref().take(BLOCK_TEXTS).collect::<Result<_>>()?;
        if block.is_empty() {
            return Ok(());
        }
        work(block)?;
    }
}

/// What a line of a file is.
#[derive(Debug, Clone, Copy)]
enum LineFormat {
    /// The text itself. Empty lines stay, so that lines out are lines in.
    Text,
    /// A JSON object with the text under `text`.
    Json,
}

fn lines(name: &str, read: impl Read, format: LineFormat) -> impl Iterator<Item = Result<InputText>> {
    #[derive(serde::Deserialize)]
    struct Object {
        text: String,
    }
    BufReader::new(read).lines().enumerate().map(move |(number, line)| {
        let place = || format!("{name}, line {}", number + 1);
        let line = line.with_context(place)?;
        let text = match format {
            LineFormat::Text => line.trim_end_matches('\r').to_owned(),
            LineFormat::Json => {
                let object = serde_json::from_str::<Object>(&line);
                object.with_context(|| format!("{}: expected an object with a string `text`", place()))?.text
            }
        };
        Ok(InputText { doc: name.to_owned(), sentence: number as u32, text })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_of_standard_input_holds_the_lines_that_have_arrived() {
        /// Gives one string at each call, as a pipe does.
        struct Pipe(Vec<&'static str>);
        impl Read for Pipe {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                if self.0.is_empty() {
                    return Ok(0);
                }
                let chunk = self.0.remove(0).as_bytes();
                buffer[..chunk.len()].copy_from_slice(chunk);
                Ok(chunk.len())
            }
        }
        let mut blocks = Vec::new();
        let pipe = Pipe(vec!["one\n", "two\r\n\nfo", "ur\nfive"]);
        available_lines(BufReader::new(pipe), |block| {
            blocks.push(block.into_iter().map(|text| format!("{} {}", text.sentence, text.text)).collect::<Vec<_>>());
            Ok(())
        })
        .unwrap();
        assert_eq!(blocks, [vec!["0 one"], vec!["1 two", "2 "], vec!["3 four"], vec!["4 five"]]);
    }

    #[test]
    fn an_error_names_file_and_line() {
        let read: Vec<Result<InputText>> = lines("in.jsonl", "{\"text\":\"a\"}\n{\"txt\":1}\n".as_bytes(), LineFormat::Json).collect();
        assert_eq!(read[0].as_ref().unwrap().text, "a");
        let error = format!("{:#}", read[1].as_ref().unwrap_err());
        assert!(error.starts_with("in.jsonl, line 2: expected an object"), "{error}");
    }

    #[test]
    fn a_column_of_texts_is_read_in_any_string_type() {
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
            for_each_block(&PredictInput::Parquet(path.clone()), |block| {
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
