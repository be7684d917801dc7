//! CoNLL files: a token and its tag per line, a blank line between sentences.

use std::io::{BufRead, BufReader, Read};

use schemas::Counter;

use super::conll_columns::ConllColumns;
use super::corpus_reader::{CorpusReadError, CorpusReader, MalformedSentence, ReadSentence, excerpt};
use crate::corpora::format::DOCUMENT_START;
use crate::corpora::sentence::{AnnotatedSentence, Annotation};
use crate::corpora::tagging::scheme::TaggingScheme;
use crate::corpora::tagging::tag::{Tag, TagError};

/// Bytes that a line may have.
const MAX_LINE_BYTES: usize = 1 << 16;
/// Tokens that a sentence may have.
const MAX_TOKENS: usize = 1 << 14;

/// Reads a CoNLL file.
///
/// - Columns are separated by tabs where a line holds one, so that a token may hold or be a space; otherwise by white space.
/// - White space at the ends of a token is trimmed, unless the token is nothing else.
/// - A blank line ends a sentence, and so does a line with a column [`DOCUMENT_START`].
/// - Lines end in LF or CRLF.
/// - A sentence with a malformed line, or of more than 16,384 tokens, is skipped.
///
/// Memory: one line of at most 64 KiB and one sentence.
pub struct ConllReader<R> {
    input: BufReader<R>,
    scheme: Option<TaggingScheme>,
    columns: ConllColumns,
    /// Number of the current line, from 1.
    line: u64,
    line_bytes: Vec<u8>,
    next_number: u32,
    /// Whether the last line was a document start: a blank line after it is no empty sentence.
    after_document_start: bool,
    sentences: Counter,
    lines: Counter,
}

/// The lines of a sentence while it is read.
#[derive(Default)]
struct PartialSentence {
    first_line: u64,
    lines: u64,
    tokens: Vec<String>,
    tags: Vec<Tag>,
    malformed: Option<MalformedSentence>,
}

impl<R: Read> ConllReader<R> {
    /// A reader at the start of a file. With a scheme, prefixes of other schemes are malformed; without one, every known prefix is read.
    pub fn new(input: R, scheme: Option<TaggingScheme>, columns: ConllColumns) -> Self {
        Self {
            input: BufReader::new(input),
            scheme,
            columns,
            line: 0,
            line_bytes: Vec::new(),
            next_number: 0,
            after_document_start: false,
            sentences: Counter::default(),
            lines: Counter::default(),
        }
    }

    /// Reads the next line; false at the end of the file.
    fn read_line(&mut self) -> Result<bool, CorpusReadError> {
        self.line_bytes.clear();
        let line = self.line + 1;
        let mut limited = (&mut self.input).take(MAX_LINE_BYTES as u64 + 1);
        let read = limited.read_until(b'\n', &mut self.line_bytes).map_err(|source| CorpusReadError::Io { line, source })?;
        if read > MAX_LINE_BYTES {
            return Err(CorpusReadError::LineTooLong { line, limit: MAX_LINE_BYTES, expected: "a token and its tag" });
        }
        self.line = line;
        Ok(read > 0)
    }

    /// Reads lines up to the end of the next sentence that has any.
    fn read_sentence_lines(&mut self) -> Result<PartialSentence, CorpusReadError> {
        let mut sentence = PartialSentence::default();
        while self.read_line()? {
            let text = std::str::from_utf8(&self.line_bytes).map_err(|_| CorpusReadError::Encoding { line: self.line })?;
            let text = text.strip_suffix('\n').unwrap_or(text);
            let text = text.strip_suffix('\r').unwrap_or(text);
            if text.trim().is_empty() {
                self.lines.skip("blank");
                if sentence.lines > 0 {
                    break;
                }
                if !std::mem::take(&mut self.after_document_start) {
                    self.sentences.skip("empty");
                }
                continue;
            }
            if text.split_ascii_whitespace().any(|column| column == DOCUMENT_START) {
                self.lines.skip("document start");
                self.after_document_start = true;
                if sentence.lines > 0 {
                    break;
                }
                continue;
            }
            self.after_document_start = false;
            sentence.add_line(text, self.line, self.scheme, &self.columns);
        }
        Ok(sentence)
    }
}

impl PartialSentence {
    fn add_line(&mut self, text: &str, line: u64, scheme: Option<TaggingScheme>, columns: &ConllColumns) {
        if self.lines == 0 {
            self.first_line = line;
        }
        self.lines += 1;
        if self.malformed.is_some() {
            return;
        }
        match parse_line(text, line, scheme, columns) {
            Ok((token, tag)) if self.tokens.len() < MAX_TOKENS => {
                self.tokens.push(token.to_owned());
                self.tags.push(tag);
            }
            Ok(_) => {
                let detail = format!("the sentence has more than {MAX_TOKENS} tokens, expected a blank line after each sentence");
                self.malformed = Some(MalformedSentence { line, reason: "too long", detail });
            }
            Err(malformed) => self.malformed = Some(malformed),
        }
    }
}

impl<R: Read> CorpusReader for ConllReader<R> {
    fn next_sentence(&mut self) -> Result<Option<ReadSentence>, CorpusReadError> {
        let PartialSentence { first_line, lines, tokens, tags, malformed } = self.read_sentence_lines()?;
        if lines == 0 {
            return Ok(None);
        }
        let number = self.next_number;
        self.next_number += 1;
        self.lines.seen += lines;
        if let Some(malformed) = malformed {
            self.sentences.skip(malformed.reason);
            *self.lines.skipped.entry("in a skipped sentence".to_owned()).or_default() += lines;
            return Ok(Some(ReadSentence::Skipped(malformed)));
        }
        self.sentences.keep();
        self.lines.out += lines;
        let annotation = Annotation::Tags { tokens, tags };
        Ok(Some(ReadSentence::Read(AnnotatedSentence { number, line: first_line, annotation, questions: Vec::new() })))
    }

    /// A blank line that ends no sentence and follows no document start counts as an empty one.
    fn sentences(&self) -> &Counter {
        &self.sentences
    }

    fn records(&self) -> (&'static str, &Counter) {
        ("lines", &self.lines)
    }
}

fn parse_line<'a>(
    text: &'a str,
    line: u64,
    scheme: Option<TaggingScheme>,
    columns: &ConllColumns,
) -> Result<(&'a str, Tag), MalformedSentence> {
    let malformed = |reason, detail: String| MalformedSentence { line, reason, detail };
    let cells: Vec<&str> = if text.contains('\t') { text.split('\t').collect() } else { text.split_ascii_whitespace().collect() };
    let (token, tag) = columns.pick(&cells).ok_or_else(|| {
        let found = if cells.len() == 1 { "one column".to_owned() } else { format!("{} columns", cells.len()) };
        let detail = format!("`{}` has {found}, expected a token and its tag ({columns})", excerpt(text));
        malformed(if cells.len() == 1 { "no tag column" } else { "other columns" }, detail)
    })?;
    // A token may be a space: in Chinese corpora it stands for a space of the text.
    let token = if token.trim().is_empty() { token } else { token.trim() };
    let tag = tag.trim();
    if token.is_empty() {
        return Err(malformed("no token", format!("the token's column is empty beside tag `{tag}`, expected a token")));
    }
    let tag = Tag::parse(tag, scheme).map_err(|error| match error {
        TagError::Unknown => {
            let detail = format!("unknown tag `{}`, expected O or a label after B-, I-, M-, E-, S-, L- or U-", excerpt(tag));
            malformed("unknown tag", detail)
        }
        TagError::NoLabel => malformed("no label", format!("tag `{tag}` has no label, expected one after the hyphen")),
        TagError::OtherScheme(scheme) => {
            let detail = format!("tag `{}` does not belong to scheme {scheme}; give another --scheme, or none", excerpt(tag));
            malformed("tag of another scheme", detail)
        }
    })?;
    Ok((token, tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sentences of a file as `number@line tokens`, skipped ones as `line: reason`; and the counts of sentences and lines.
    fn read(text: &str, scheme: Option<TaggingScheme>) -> (Vec<String>, Counter, Counter) {
        let mut reader = ConllReader::new(text.as_bytes(), scheme, ConllColumns::default());
        let mut sentences = Vec::new();
        while let Some(sentence) = reader.next_sentence().unwrap() {
            sentences.push(match sentence {
                ReadSentence::Read(AnnotatedSentence { number, line, annotation: Annotation::Tags { tokens, .. }, .. }) => {
                    format!("{number}@{line} {}", tokens.join("|"))
                }
                ReadSentence::Read(other) => panic!("{other:?}"),
                ReadSentence::Skipped(malformed) => format!("{}: {}", malformed.line, malformed.reason),
            });
        }
        (sentences, reader.sentences().clone(), reader.records().1.clone())
    }

    #[test]
    fn sentences_are_read() {
        for (text, expected, empty) in [
            ("a\tO\nb\tB-X\n\nc\tO\n", &["0@1 a|b", "1@4 c"][..], 0),
            ("a O\r\nb O\r\n\r\nc O", &["0@1 a|b", "1@4 c"], 0),
            ("a O\n \t \nb O\n\n\n\nc O\n", &["0@1 a", "1@3 b", "2@7 c"], 2),
            ("-DOCSTART- -X- O\n\na NN O\n-DOCSTART- O\nb NN O\n", &["0@3 a", "1@5 b"], 0),
            ("日\tO\n \tO\nk\tO\n", &["0@1 日| |k"], 0),
            (" New York \tX\tB-X\n", &["0@1 New York"], 0),
            ("a\u{a0}b O\n", &["0@1 a\u{a0}b"], 0),
            ("", &[], 0),
            ("\n\n", &[], 2),
            ("a O\nb\n\nc O\n", &["2: no tag column", "1@4 c"], 0),
            ("a Q-X\nb\n\n", &["1: unknown tag"], 0),
            ("a\t\n", &["1: unknown tag"], 0),
            ("\tO\n", &["1: no token"], 0),
            ("a B-\n", &["1: no label"], 0),
        ] {
            let (found, sentences, lines) = read(text, None);
            assert_eq!(found, expected, "{text:?}");
            assert_eq!(sentences.skipped.get("empty").copied().unwrap_or(0), empty, "{text:?}");
            assert!(sentences.adds_up() && lines.adds_up(), "{text:?}: {sentences}; {lines}");
            assert_eq!(lines.seen, text.lines().count() as u64, "{text:?}");
        }
    }

    #[test]
    fn a_given_scheme_refuses_other_prefixes() {
        assert_eq!(read("a E-X\n", Some(TaggingScheme::Bio)).0, ["1: tag of another scheme"]);
        assert_eq!(read("a E-X\n", Some(TaggingScheme::Bmes)).0, ["0@1 a"]);
    }

    #[test]
    fn unreadable_lines_are_errors() {
        for (bytes, expected) in [
            (b"a O\nb\xff O\n".to_vec(), "line 2 is not UTF-8; convert the file to UTF-8"),
            (vec![b'x'; MAX_LINE_BYTES + 1], "line 1 is longer than 65536 bytes, expected a token and its tag"),
        ] {
            let mut reader = ConllReader::new(bytes.as_slice(), None, ConllColumns::default());
            let error = std::iter::from_fn(|| reader.next_sentence().transpose()).find_map(Result::err);
            assert_eq!(error.map(|error| error.to_string()).as_deref(), Some(expected));
        }
    }

    #[test]
    fn too_long_sentences_are_skipped() {
        let text = "a O\n".repeat(MAX_TOKENS + 5);
        let (found, sentences, lines) = read(&text, None);
        assert_eq!(found, [format!("{}: too long", MAX_TOKENS + 1)]);
        assert!(sentences.adds_up() && lines.adds_up());
    }
}
