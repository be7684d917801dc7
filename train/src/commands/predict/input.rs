//! The texts to find entities in, read in blocks.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use arrow::record_batch::RecordBatchReader;
use schemas::shard::open_shard;
use schemas::{ReadOptions, ShardFolder, Triple, TripleViews};

pub use super::input_line::InputText;
use crate::config::PredictInput;

/// Texts in a block: memory does not grow with the input.
const BLOCK_TEXTS: usize = 512;

/// The columns of triples that are read.
const COLUMNS: [&str; 3] = ["doc", "sentence", "context"];

/// Bad lines that are reported one by one; all are counted.
const REPORTED_LINES: usize = 5;

/// What becomes of most bad lines, for messages.
const SKIPPED: &str = "the line is skipped";

/// Lines that are no text, and texts.
#[derive(Debug, Default)]
pub struct LineCounts {
    /// Texts.
    pub texts: usize,
    /// Bad lines.
    pub bad: usize,
    /// What is wrong with the first bad lines.
    pub messages: Vec<String>,
}

impl LineCounts {
    fn add_bad(&mut self, message: String) {
        self.bad += 1;
        if self.messages.len() < REPORTED_LINES {
            self.messages.push(message);
        }
    }
}

/// Hands the texts of an input to `work`, a block at a time, in order.
///
/// Standard input is not waited for while a text has no answer: a program may write a line and read its answer before it writes
/// the next one. A bad line is counted; a line of text that is not UTF-8 is an empty text, so that lines out are lines in. `spaces` tells
/// whether tokens are joined by spaces.
///
/// # Errors
/// The input cannot be read; what `work` returns.
pub fn for_each_block(
    input: &PredictInput,
    spaces: bool,
    counts: &mut LineCounts,
    mut work: impl FnMut(Vec<InputText>) -> Result<()>,
) -> Result<()> {
    let mut texts = 0;
    let counted = |block: Vec<InputText>| {
        texts += block.len();
        work(block)
    };
    let read = read_blocks(input, spaces, counts, counted);
    counts.texts += texts;
    read
}

fn read_blocks(input: &PredictInput, spaces: bool, counts: &mut LineCounts, work: impl FnMut(Vec<InputText>) -> Result<()>) -> Result<()> {
    let open = |path: &Path| File::open(path).with_context(|| format!("cannot read {}", path.display()));
    match input {
        PredictInput::Stdin => available_lines(BufReader::new(std::io::stdin()), counts, work),
        PredictInput::Text(path) => in_blocks(lines(&path.display().to_string(), open(path)?, LineFormat::Text), counts, work),
        PredictInput::Jsonl(path) => in_blocks(lines(&path.display().to_string(), open(path)?, LineFormat::Json { spaces }), counts, work),
        PredictInput::Triples(dir) => {
            let folder = ShardFolder::open::<Triple>(dir)?;
            let batches = folder.batches(ReadOptions::default().with_columns(&COLUMNS));
            contexts(batches.map(|batch| Ok(batch?.1)), work).with_context(|| format!("cannot read {}", dir.display()))
        }
        PredictInput::Parquet(path) => parquet(path, spaces, counts, work).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The column `text` of a Parquet file; where it has none, its `tokens`, or else the contexts of its triples. A column `id` stays with
/// the texts.
fn parquet(path: &Path, spaces: bool, counts: &mut LineCounts, work: impl FnMut(Vec<InputText>) -> Result<()>) -> Result<()> {
    let shard = open_shard(path)?;
    let column = ["text", "tokens", "words"].into_iter().find(|name| shard.schema().column_with_name(name).is_some());
    let Some(column) = column else {
        return contexts(shard.map(|batch| Ok(batch?)), work);
    };
    let name = path.display().to_string();
    let mut row = 0;
    let texts = shard.flat_map(|batch| {
        let texts = || -> Result<Vec<InputText>> {
            let batch = batch?;
            let mut texts = column_texts(&batch, column, spaces)?;
            let ids = batch.column_by_name("id").and_then(|ids| cast(ids, &DataType::Utf8).ok());
            for (at, text) in texts.iter_mut().enumerate() {
                (text.doc, text.sentence) = (name.clone(), row);
                row += 1;
                if let Some(ids) = ids.as_ref().map(|ids| ids.as_string::<i32>()).filter(|ids| ids.is_valid(at)) {
                    text.fields.insert("id".to_owned(), ids.value(at).into());
                }
            }
            Ok(texts)
        };
        match texts() {
            Ok(texts) => texts.into_iter().map(|text| Ok(Line::Text(text))).collect(),
            Err(error) => vec![Err(error)],
        }
    });
    in_blocks(texts, counts, work)
}

/// The texts of a column of strings, or of lists of tokens.
fn column_texts(batch: &RecordBatch, name: &str, spaces: bool) -> Result<Vec<InputText>> {
    let column = batch.column_by_name(name).with_context(|| format!("no column `{name}`"))?;
    if !matches!(column.data_type(), DataType::List(_) | DataType::LargeList(_)) {
        // Utf8, LargeUtf8, Utf8View or a dictionary of them, by the program that wrote the file.
        let column = cast(column, &DataType::Utf8).with_context(|| format!("its column `{name}` holds no strings"))?;
        let text = |text: Option<&str>| InputText { text: text.unwrap_or_default().to_owned(), ..InputText::default() };
        return Ok(column.as_string::<i32>().iter().map(text).collect());
    }
    let list = DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)));
    let column = cast(column, &list).with_context(|| format!("its column `{name}` holds no lists of strings"))?;
    let rows = column.as_list::<i32>().iter().map(|row| {
        let tokens: Vec<String> =
            row.map_or(Vec::new(), |row| row.as_string::<i32>().iter().map(|token| token.unwrap_or_default().to_owned()).collect());
        InputText::of_tokens(&tokens, spaces)
    });
    Ok(rows.collect())
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
                let (doc, text) = (triple.doc().to_owned(), triple.context().to_owned());
                block.push(InputText { doc, sentence: triple.sentence(), text, ..InputText::default() });
            }
        }
        work(block)?;
    }
    Ok(())
}

/// Lines of a stream; a block holds those that have arrived, and at least one.
fn available_lines<R: Read>(
    mut read: BufReader<R>,
    counts: &mut LineCounts,
    mut work: impl FnMut(Vec<InputText>) -> Result<()>,
) -> Result<()> {
    let mut number = 0;
    loop {
        let mut block = Vec::new();
        while block.is_empty() || (block.len() < BLOCK_TEXTS && read.buffer().contains(&b'\n')) {
            let mut line = Vec::new();
            if read.read_until(b'\n', &mut line).with_context(|| format!("-, line {}", number + 1))? == 0 {
                break;
            }
            line.pop_if(|end| *end == b'\n');
            parse_line("-", number, line, LineFormat::Text).add_to(&mut block, counts);
            number += 1;
        }
        if block.is_empty() {
            return Ok(());
        }
        work(block)?;
    }
}

/// A line of an input.
enum Line {
    Text(InputText),
    /// A line that is no text, with what is wrong with it, and the text that stands for it.
    Bad(String, Option<InputText>),
    /// A blank line between JSON objects.
    Blank,
}

impl Line {
    fn add_to(self, block: &mut Vec<InputText>, counts: &mut LineCounts) {
        match self {
            Self::Text(text) => block.push(text),
            Self::Bad(message, text) => {
                counts.add_bad(message);
                block.extend(text);
            }
            Self::Blank => {}
        }
    }
}

fn in_blocks(
    mut lines: impl Iterator<Item = Result<Line>>,
    counts: &mut LineCounts,
    mut work: impl FnMut(Vec<InputText>) -> Result<()>,
) -> Result<()> {
    let mut block = Vec::new();
    loop {
        let line = lines.next().transpose()?;
        let is_end = line.is_none();
        if let Some(line) = line {
            line.add_to(&mut block, counts);
        }
        if block.len() == BLOCK_TEXTS || (is_end && !block.is_empty()) {
            work(std::mem::take(&mut block))?;
        }
        if is_end {
            return Ok(());
        }
    }
}

/// What a line of a file is.
#[derive(Debug, Clone, Copy)]
enum LineFormat {
    /// The text itself. Empty lines stay, so that lines out are lines in.
    Text,
    /// A JSON object with the text under `text`, or tokens that are joined by spaces or by nothing. Blank lines are skipped.
    Json {
        /// See above.
        spaces: bool,
    },
}

fn lines(name: &str, read: impl Read, format: LineFormat) -> impl Iterator<Item = Result<Line>> {
    BufReader::new(read).split(b'\n').enumerate().map(move |(number, line)| {
        let line = line.with_context(|| format!("{name}, line {}", number + 1))?;
        Ok(parse_line(name, number, line, format))
    })
}

/// A line, given without its end and with its number, from 0.
fn parse_line(name: &str, number: usize, mut line: Vec<u8>, format: LineFormat) -> Line {
    if number == 0 && line.starts_with("\u{feff}".as_bytes()) {
        line.drain(..3);
    }
    let place = || format!("{name}, line {}", number + 1);
    let named = |text: InputText| InputText { doc: name.to_owned(), sentence: number as u32, ..text };
    let Ok(line) = String::from_utf8(line) else {
        let stands_for_it = matches!(format, LineFormat::Text).then(|| named(InputText::default()));
        let outcome = if stands_for_it.is_some() { "it is answered as an empty text" } else { SKIPPED };
        return Line::Bad(format!("{}: not UTF-8; {outcome}", place()), stands_for_it);
    };
    let line = line.trim_end_matches('\r');
    match format {
        LineFormat::Text => Line::Text(named(InputText { text: line.to_owned(), ..InputText::default() })),
        LineFormat::Json { .. } if line.trim().is_empty() => Line::Blank,
        LineFormat::Json { spaces } => match InputText::of_json(line, spaces) {
            Ok(text) => Line::Text(named(text)),
            Err(problem) => Line::Bad(format!("{}: {problem}; {SKIPPED}", place()), None),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_of_standard_input_holds_the_lines_that_have_arrived() {
        /// Gives one string at each call, as a pipe does.
        struct Pipe(Vec<&'static [u8]>);
        impl Read for Pipe {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                if self.0.is_empty() {
                    return Ok(0);
                }
                let chunk = self.0.remove(0);
                buffer[..chunk.len()].copy_from_slice(chunk);
                Ok(chunk.len())
            }
        }
        let mut blocks = Vec::new();
        let pipe = Pipe(vec![b"\xef\xbb\xbfone\n", b"two\r\n\nfo", b"ur\nb\xff\nfive"]);
        let mut counts = LineCounts::default();
        available_lines(BufReader::new(pipe), &mut counts, |block| {
            blocks.push(block.into_iter().map(|text| format!("{} {}", text.sentence, text.text)).collect::<Vec<_>>());
            Ok(())
        })
        .unwrap();
        assert_eq!(blocks, [vec!["0 one"], vec!["1 two", "2 "], vec!["3 four", "4 "], vec!["5 five"]]);
        assert_eq!((counts.bad, counts.messages), (1, vec!["-, line 5: not UTF-8; it is answered as an empty text".to_owned()]));
    }

    #[test]
    fn bad_lines_are_counted_and_the_rest_goes_on() {
        let read = |text: &[u8], format| {
            let (mut texts, mut counts) = (Vec::new(), LineCounts::default());
            in_blocks(lines("in", text, format), &mut counts, |block| {
                texts.extend(block.into_iter().map(|text| format!("{} {}", text.sentence, text.text)));
                Ok(())
            })
            .unwrap();
            (texts, counts.bad, counts.messages)
        };
        let json = "\u{feff}{\"text\":\"a\"}\n\n{\"txt\":1}\r\n \n{\"text\":\"b\"}\r\n";
        let (texts, bad, messages) = read(json.as_bytes(), LineFormat::Json { spaces: true });
        assert_eq!((texts, bad), (vec!["0 a".to_owned(), "4 b".to_owned()], 1));
        assert!(messages[0].starts_with("in, line 3: expected an object"), "{messages:?}");
        let (texts, bad, messages) = read(b"\xef\xbb\xbfa\r\n\nb\xff\nc", LineFormat::Text);
        assert_eq!(
            (texts.join("|").as_str(), bad, messages),
            ("0 a|1 |2 |3 c", 1, vec!["in, line 3: not UTF-8; it is answered as an empty text".to_owned()])
        );
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
            for_each_block(&PredictInput::Parquet(path.clone()), true, &mut LineCounts::default(), |block| {
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
