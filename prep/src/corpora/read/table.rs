//! CSV and TSV files with named columns: a token and its tag per row, or a sentence per row.

use std::io::Read;

use schemas::Counter;

use super::corpus_reader::{CorpusReadError, CorpusReader, MalformedSentence, ReadSentence, SentenceCounts, excerpt};
use super::lines::TextLines;
use super::options::ReaderOptions;
use super::table_cells::{ends_within_quotes, list_items, split_cells};
use super::table_columns::TableColumns;
use super::tagged_tokens::{MAX_TOKENS, RawTag, annotate};
use crate::corpora::sentence::{Annotation, SentenceNotes};

/// Bytes that a row may have: it may hold a sentence.
const MAX_ROW_BYTES: usize = 1 << 20;
/// Lines that a cell between quotes may go over.
const MAX_ROW_LINES: u64 = 1 << 10;
/// Tokens that the only sentence of a file may have before it is reported.
const MANY_TOKENS: usize = 64;

/// Reads a table.
///
/// - The first row names the columns. Tabs separate cells where it has one, else commas or semicolons.
/// - A cell of the sentence's column begins a sentence where it is filled and another than before, or filled after an empty one. Without
///   that column, blank rows separate sentences.
/// - Where a cell holds a list, as Python or JSON write it, or the column has whole sentences, a row is a sentence.
/// - A sentence with a malformed row, or of more than 65,536 tokens, is malformed.
///
/// Memory: one row of at most 1 MiB and one sentence.
pub struct TableReader<'a, R> {
    lines: TextLines<R>,
    options: ReaderOptions<'a>,
    columns: Option<TableColumns>,
    /// A row that was read and belongs to the next sentence.
    next_row: Option<Row>,
    /// What the sentence's column held last, and whether the last row had it.
    sentence: String,
    row_had_sentence: bool,
    most_tokens: usize,
    counts: SentenceCounts,
}

/// A row.
struct Row {
    line: u64,
    lines: u64,
    cells: Vec<String>,
    /// Bytes that begin the row, for messages.
    start: String,
}

/// The rows of a sentence while it is read.
#[derive(Default)]
struct RowsOfSentence {
    first: u64,
    lines: u64,
    tokens: Vec<String>,
    tags: Vec<(RawTag, u64)>,
    malformed: Option<MalformedSentence>,
}

impl<'a, R: Read> TableReader<'a, R> {
    /// A reader at the start of a file.
    pub fn new(input: R, options: ReaderOptions<'a>) -> Self {
        Self {
            lines: TextLines::new(input, MAX_ROW_BYTES, "a row of a table"),
            options,
            columns: None,
            next_row: None,
            sentence: String::new(),
            row_had_sentence: false,
            most_tokens: 0,
            counts: SentenceCounts::default(),
        }
    }

    /// The next row; one without text in its cells is blank. `None` at the end of the file.
    fn read_row(&mut self, delimiter: Option<char>) -> Result<Option<Row>, CorpusReadError> {
        let Some(mut text) = self.lines.next_line()?.map(str::to_owned) else { return Ok(None) };
        let line = self.lines.number();
        let mut lines = 1;
        // In TSV a quote may be a token.
        while delimiter != Some('\t') && ends_within_quotes(&text) {
            let at_limit = lines == MAX_ROW_LINES || text.len() > MAX_ROW_BYTES;
            let Some(next) = self.lines.next_line()?.filter(|_| !at_limit) else {
                let detail = format!(
                    "line {line}: a quote of `{}` is not closed, expected a pair around a cell, and `\"\"` for a quote in it",
                    excerpt(&text)
                );
                return Err(CorpusReadError::Form { detail });
            };
            text.push('\n');
            text.push_str(next);
            lines += 1;
        }
        let cells = match delimiter {
            Some(delimiter) => split_cells(&text, delimiter),
            None => Vec::new(),
        };
        Ok(Some(Row { line, lines, cells, start: if delimiter.is_some() { excerpt(&text) } else { text } }))
    }

    /// The columns, which the first row names.
    fn columns(&mut self) -> Result<Option<TableColumns>, CorpusReadError> {
        if self.columns.is_none() {
            let Some(header) = self.read_row(None)? else { return Ok(None) };
            *self.counts.lines.skipped.entry("header".to_owned()).or_default() += header.lines;
            self.counts.lines.seen += header.lines;
            let columns = TableColumns::of_header(&header.start, &self.options);
            self.columns = Some(columns.map_err(|detail| CorpusReadError::Form { detail: format!("line {}: {detail}", header.line) })?);
        }
        Ok(self.columns.clone())
    }

    /// Reads the rows of the next sentence that has any.
    fn read_rows(&mut self, columns: &TableColumns) -> Result<RowsOfSentence, CorpusReadError> {
        let mut sentence = RowsOfSentence::default();
        loop {
            let row = match self.next_row.take() {
                Some(row) => row,
                None => match self.read_row(Some(columns.delimiter))? {
                    None => break,
                    Some(row) if row.cells.iter().all(|cell| cell.trim().is_empty()) => {
                        (0..row.lines).for_each(|_| self.counts.lines.skip("blank"));
                        self.row_had_sentence = false;
                        if sentence.lines > 0 {
                            break;
                        }
                        continue;
                    }
                    Some(row) => row,
                },
            };
            if sentence.lines > 0 && self.begins_sentence(&row, columns) {
                self.next_row = Some(row);
                break;
            }
            if let Some(number) = columns.sentence.and_then(|at| row.cells.get(at)).map(|cell| cell.trim()) {
                self.row_had_sentence = !number.is_empty();
                if self.row_had_sentence {
                    self.sentence = number.to_owned();
                }
            }
            sentence.add(&row, columns, &self.options);
        }
        Ok(sentence)
    }

    fn begins_sentence(&self, row: &Row, columns: &TableColumns) -> bool {
        match columns.sentence.and_then(|at| row.cells.get(at)).map(|cell| cell.trim()) {
            Some(number) => !number.is_empty() && (number != self.sentence || !self.row_had_sentence),
            None => columns.has_sentences,
        }
    }
}

impl RowsOfSentence {
    fn add(&mut self, row: &Row, columns: &TableColumns, options: &ReaderOptions<'_>) {
        if self.lines == 0 {
            self.first = row.line;
        }
        self.lines += row.lines;
        if self.malformed.is_none() {
            let malformed = |(reason, detail)| MalformedSentence { line: row.line, reason, detail, ends_run: true };
            self.malformed = self.read(row, columns, options).err().map(malformed);
        }
    }

    fn read(&mut self, row: &Row, columns: &TableColumns, options: &ReaderOptions<'_>) -> Result<(), (&'static str, String)> {
        if row.cells.len() != columns.width {
            let detail =
                format!("`{}` has {} cells and the first line has {}, expected as many", row.start, row.cells.len(), columns.width);
            return Err(("other columns", detail));
        }
        let (token, tag) = (&row.cells[columns.token], &row.cells[columns.tag]);
        let (tokens, tags) = match list_items(tag) {
            Some(tags) => (list_items(token).unwrap_or_else(|| words(token)), tags),
            None if columns.has_sentences => (words(token), words(tag)),
            None => (vec![trimmed(token)], vec![tag.trim().to_owned()]),
        };
        if tokens.len() != tags.len() {
            let detail = format!("`{}` has {} tokens and {} tags, expected a tag for each token", row.start, tokens.len(), tags.len());
            return Err(("other number of tags", detail));
        }
        if tokens.iter().any(String::is_empty) {
            return Err(("no token", format!("the token's cell of `{}` is empty, expected a token", row.start)));
        }
        if self.tokens.len() + tokens.len() > MAX_TOKENS {
            return Err(("too long", format!("the sentence has more than {MAX_TOKENS} tokens, expected another number for each sentence")));
        }
        let raw = |tag: String| match (options.class_names, tag.parse()) {
            (Some(_), Ok(number)) => RawTag::Number(number),
            _ => RawTag::Name(tag),
        };
        self.tokens.extend(tokens);
        self.tags.extend(tags.into_iter().map(|tag| (raw(tag), row.line)));
        Ok(())
    }

    fn into_annotation(self, options: &ReaderOptions<'_>) -> Result<(Annotation, SentenceNotes), MalformedSentence> {
        match self.malformed {
            Some(malformed) => Err(malformed),
            None => annotate(self.tokens, self.tags, options.tag_rules(), options.class_names)
                .map_err(|(line, reason, detail)| MalformedSentence { line, reason, detail, ends_run: true }),
        }
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// A token without white space at its ends, unless it is nothing else.
fn trimmed(token: &str) -> String {
    if token.trim().is_empty() { token.to_owned() } else { token.trim().to_owned() }
}

impl<R: Read> CorpusReader for TableReader<'_, R> {
    fn next_sentence(&mut self) -> Result<Option<ReadSentence>, CorpusReadError> {
        let Some(columns) = self.columns()? else { return Ok(None) };
        let sentence = self.read_rows(&columns)?;
        if sentence.lines == 0 {
            return Ok(None);
        }
        self.most_tokens = self.most_tokens.max(sentence.tokens.len());
        let (first, lines) = (sentence.first, sentence.lines);
        let read = sentence.into_annotation(&self.options);
        Ok(Some(self.counts.add(first, lines, read)))
    }

    fn sentences(&self) -> &Counter {
        &self.counts.sentences
    }

    fn records(&self) -> (&'static str, &Counter) {
        ("lines", &self.counts.lines)
    }

    fn class_names(&self) -> Option<&[String]> {
        self.options.class_names
    }

    fn oddity(&self) -> Option<String> {
        let is_one = self.counts.numbered() == 1 && self.most_tokens > MANY_TOKENS;
        is_one.then(|| {
            format!(
                "has {} tokens in one sentence; expected a column that numbers the sentences (see --sentence-field) or blank rows",
                self.most_tokens
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sentences of a table, as `line tokens: tags of entities`; skipped ones as `line: reason`.
    fn read_with(text: &str, options: &ReaderOptions<'_>) -> Result<Vec<String>, String> {
        let mut reader = TableReader::new(text.as_bytes(), options.clone());
        let mut sentences = Vec::new();
        while let Some(sentence) = reader.next_sentence().map_err(|error| error.to_string())? {
            sentences.push(match sentence {
                ReadSentence::Skipped(malformed) => format!("{}: {}", malformed.line, malformed.reason),
                ReadSentence::Read(sentence) => {
                    let Annotation::Tags { tokens, tags } = sentence.annotation else { panic!() };
                    let labels: Vec<&str> = tags.iter().filter_map(|tag| tag.label()).collect();
                    format!("{} {}: {}", sentence.line, tokens.join("|"), labels.join("|"))
                }
            });
        }
        assert!(reader.sentences().adds_up() && reader.records().1.adds_up());
        assert_eq!(reader.records().1.seen, text.lines().count() as u64, "{text}");
        Ok(sentences)
    }

    fn read(text: &str) -> Vec<String> {
        read_with(text, &ReaderOptions::default()).unwrap()
    }

    #[test]
    fn sentences_are_told_by_their_column() {
        let expected = ["2 Ada|is: PER", "4 Bo|,: PER"];
        for text in [
            "Sentence #,Word,POS,Tag\nSentence: 1,Ada,NNP,B-PER\n,is,VBZ,O\nSentence: 2,Bo,NNP,B-PER\n,\",\",X,O\n",
            "sentence_id,token,tag\n1,Ada,B-PER\n1,is,O\n2,Bo,B-PER\n2,\",\",O\n",
            // Two sentences with one number, of which only the first row has it.
            "sentence_id,token,tag\n1,Ada,B-PER\n,is,O\n1,Bo,B-PER\n,\",\",O",
            "sentence_id\ttoken\ttag\r\n1\tAda\tB-PER\r\n1\tis\tO\r\n2\tBo\tB-PER\r\n2\t,\tO\r\n",
            "x;tag;word;sent\n;B-PER;Ada;1\n;O;is;1\n;B-PER;Bo;2\n;O;,;2\n",
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        assert_eq!(read("word,tag\nAda,B-PER\n\n,\nBo,B-PER\n"), ["2 Ada: PER", "5 Bo: PER"]);
        assert_eq!(read("word,tag\n"), [""; 0]);
    }

    #[test]
    fn rows_may_be_sentences() {
        for text in [
            "Sentence #,Sentence,POS,Tag\nSentence: 1,Ada is here,\"['X', 'Y']\",\"['B-PER', 'O', 'O']\"\nSentence: 2,Bo,['X'],['B-PER']\n",
            "text,labels\nAda is here,B-PER O O\nBo,B-PER\n",
            "id,tokens,ner_tags,sentence_id\n0,\"['Ada', 'is', 'here']\",\"['B-PER' 'O' 'O']\",a\n1,\"[\"\"Bo\"\"]\",\"[\"\"B-PER\"\"]\",b\n",
        ] {
            assert_eq!(read(text), ["2 Ada|is|here: PER", "3 Bo: PER"], "{text}");
        }
    }

    #[test]
    fn malformed_rows_are_named() {
        for (text, expected) in [
            ("word,tag\nAda,B-PER,x\n\nBo,B-PER\n", &["2: other columns", "4 Bo: PER"][..]),
            ("word,tag\n,B-PER\n", &["2: no token"]),
            ("word,tag\nAda,O\nBo,\n", &["3: no tag"]),
            ("text,labels\nAda is,O\n", &["2: other number of tags"]),
            ("word,tag\n\"a\nb\",O\n", &["2 a\nb: "]),
            ("word\ttag\n\"\tO\n\"\tO\n", &["2 \"|\": "]),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        let error = |text: &str| read_with(text, &ReaderOptions::default()).unwrap_err();
        assert!(error("word,tag\n\"a,O\nb,O\n").starts_with("line 2: a quote of"));
        assert!(error("a,b\n1,2\n").starts_with("line 1: no column of tags"));
        let names = ["O", "B-PER"].map(str::to_owned);
        let options = ReaderOptions { class_names: Some(&names), ..ReaderOptions::default() };
        assert_eq!(read_with("word,tag\nAda,1\nis,0\n", &options).unwrap(), ["2 Ada|is: PER"]);
    }
}
