//! CoNLL files: a token a line, its tag in another column, a blank line between sentences.

use std::io::{BufRead, BufReader, Read};

use schemas::Counter;

use super::columns::Columns;
use crate::corpora::scheme::{Scheme, Tag, TagFault};
use crate::corpora::sentence::{Body, Fault, Item, ReadError, Sentence, SentenceReader, shortened};

/// Longest line that is read, in bytes.
const MAX_LINE: usize = 1 << 16;
/// Longest sentence that is kept, in tokens.
const MAX_TOKENS: usize = 1 << 14;
/// What stands in place of a token where a document begins.
pub const DOCUMENT_START: &str = "-DOCSTART-";

/// Reads a file sentence by sentence.
///
/// - Where a line holds a tab, tabs separate its columns and the token may hold or be a space; otherwise white space does.
/// - White space at the ends of a token is dropped, unless the token is nothing else.
/// - A line of nothing but white space ends a sentence, and so does a line with a column [`DOCUMENT_START`].
/// - Lines end in LF or CRLF.
///
/// Memory: one line and one sentence, both of limited length.
pub struct Reader<R> {
    input: BufReader<R>,
    scheme: Option<Scheme>,
    columns: Columns,
    line: u64,
    buffer: Vec<u8>,
    number: u32,
    /// Whether a blank line here would end no sentence and be no more than the space after `-DOCSTART-`.
    gap_is_due: bool,
    sentences: Counter,
    lines: Counter,
}

impl<R: Read> Reader<R> {
    /// A reader at the file's start. A prefix that `scheme` lacks is malformed; without one, every known prefix is read.
    pub fn new(input: R, scheme: Option<Scheme>, columns: Columns) -> Self {
        Self {
            input: BufReader::new(input),
            scheme,
            columns,
            line: 0,
            buffer: Vec::new(),
            number: 0,
            gap_is_due: false,
            sentences: Counter::default(),
            lines: Counter::default(),
        }
    }

    /// Reads a line into the buffer; false at the end of the file.
    fn read_line(&mut self) -> Result<bool, ReadError> {
        self.buffer.clear();
        let line = self.line + 1;
        let mut limited = (&mut self.input).take(MAX_LINE as u64 + 1);
        let read = limited.read_until(b'\n', &mut self.buffer).map_err(|error| ReadError::Io(line, error))?;
        if read > MAX_LINE {
            return Err(ReadError::Long { line, limit: MAX_LINE, expected: "a token and its tag" });
        }
        self.line = line;
        Ok(read > 0)
    }
}

impl<R: Read> SentenceReader for Reader<R> {
    fn next_item(&mut self) -> Result<Option<Item>, ReadError> {
        let (mut tokens, mut tags) = (Vec::new(), Vec::new());
        let mut first = self.line + 1;
        let mut fault: Option<Fault> = None;
        let mut lines = 0;
        while self.read_line()? {
            let text = std::str::from_utf8(&self.buffer).map_err(|_| ReadError::Encoding(self.line))?;
            let text = text.strip_suffix('\n').unwrap_or(text);
            let text = text.strip_suffix('\r').unwrap_or(text);
            if text.trim().is_empty() {
                self.lines.skip("blank");
                if lines > 0 {
                    break;
                }
                if !std::mem::take(&mut self.gap_is_due) {
                    self.sentences.skip("empty");
                }
                continue;
            }
            if text.split_ascii_whitespace().any(|column| column == DOCUMENT_START) {
                self.lines.skip("document start");
                self.gap_is_due = true;
                if lines > 0 {
                    break;
                }
                continue;
            }
            self.gap_is_due = false;
            if lines == 0 {
                first = self.line;
            }
            lines += 1;
            if fault.is_some() {
                continue;
            }
            match parse_line(text, self.line, self.scheme, &self.columns) {
                Ok((token, tag)) if tokens.len() < MAX_TOKENS => {
                    tokens.push(token.to_owned());
                    tags.push(tag);
                }
                Ok(_) => {
                    let detail = format!("the sentence has more than {MAX_TOKENS} tokens, expected a blank line after each sentence");
                    fault = Some(Fault { line: self.line, reason: "too long", detail });
                }
                Err(found) => fault = Some(found),
            }
        }
        if lines == 0 {
            return Ok(None);
        }
        let number = self.number;
        self.number += 1;
        if let Some(fault) = fault {
            self.sentences.skip(fault.reason);
            self.lines.seen += lines;
            *self.lines.skipped.entry("in a sentence left out".to_owned()).or_default() += lines;
            return Ok(Some(Item::Fault(fault)));
        }
        self.sentences.keep();
        self.lines.seen += lines;
        self.lines.out += lines;
        let body = Body::Tagged { tokens, tags };
        Ok(Some(Item::Sentence(Sentence { number, line: first, body, questions: Vec::new() })))
    }

    /// A blank line that ends no sentence and follows no document start is an empty one.
    fn sentences(&self) -> &Counter {
        &self.sentences
    }

    fn parts(&self) -> (&'static str, &Counter) {
        ("lines", &self.lines)
    }
}

fn parse_line<'a>(text: &'a str, line: u64, scheme: Option<Scheme>, columns: &Columns) -> Result<(&'a str, Tag), Fault> {
    let fault = |reason, detail: String| Fault { line, reason, detail };
    let cells: Vec<&str> = if text.contains('\t') { text.split('\t').collect() } else { text.split_ascii_whitespace().collect() };
    let (token, tag) = columns.pick(&cells).ok_or_else(|| {
        let found = if cells.len() == 1 { "one column".to_owned() } else { format!("{} columns", cells.len()) };
        let detail = format!("`{}` has {found}, expected a token and its tag ({columns})", shortened(text));
        fault(if cells.len() == 1 { "no tag column" } else { "other columns" }, detail)
    })?;
    // A token may be a space: in Chinese corpora it stands for the one of the text.
    let token = if token.trim().is_empty() { token } else { token.trim() };
    let tag = tag.trim();
    if token.is_empty() {
        return Err(fault("no token", format!("the token's column is empty beside tag `{tag}`, expected a token")));
    }
    match Tag::parse(tag, scheme) {
        Ok(tag) => Ok((token, tag)),
        Err(TagFault::Unknown) => {
            let detail = format!("unknown tag `{}`, expected O or a label after B-, I-, M-, E-, S-, L- or U-", shortened(tag));
            Err(fault("unknown tag", detail))
        }
        Err(TagFault::NoLabel) => Err(fault("no label", format!("tag `{tag}` has no label, expected one after the hyphen"))),
        Err(TagFault::OtherScheme(scheme)) => {
            let detail = format!("tag `{}` does not belong to scheme {scheme}; give another --scheme, or none", shortened(tag));
            Err(fault("tag of another scheme", detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, scheme: Option<Scheme>) -> (Vec<String>, Counter, Counter) {
        let mut reader = Reader::new(text.as_bytes(), scheme, Columns::default());
        let mut items = Vec::new();
        while let Some(item) = reader.next_item().expect("the texts of the tests are read to their end") {
            items.push(match item {
                Item::Sentence(Sentence { number, line, body: Body::Tagged { tokens, .. }, .. }) => {
                    format!("{number}@{line} {}", tokens.join("|"))
                }
                Item::Sentence(other) => panic!("{other:?}"),
                Item::Fault(fault) => format!("{}: {}", fault.line, fault.reason),
            });
        }
        (items, reader.sentences().clone(), reader.parts().1.clone())
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
            let (items, sentences, lines) = read(text, None);
            assert_eq!(items, expected, "{text:?}");
            assert_eq!(sentences.skipped.get("empty").copied().unwrap_or(0), empty, "{text:?}");
            assert!(sentences.adds_up() && lines.adds_up(), "{text:?}: {sentences}; {lines}");
            assert_eq!(lines.seen, text.lines().count() as u64, "{text:?}");
        }
    }

    #[test]
    fn a_scheme_bounds_the_prefixes() {
        assert_eq!(read("a E-X\n", Some(Scheme::Bio)).0, ["1: tag of another scheme"]);
        assert_eq!(read("a E-X\n", Some(Scheme::Bmes)).0, ["0@1 a"]);
    }

    #[test]
    fn what_is_no_conll_is_an_error() {
        for (bytes, expected) in [
            (b"a O\nb\xff O\n".to_vec(), "line 2 is not UTF-8; convert the file to UTF-8"),
            (vec![b'x'; MAX_LINE + 1], "line 1 is longer than 65536 bytes, expected a token and its tag"),
        ] {
            let mut reader = Reader::new(bytes.as_slice(), None, Columns::default());
            let error = std::iter::from_fn(|| reader.next_item().transpose()).find_map(Result::err);
            assert_eq!(error.map(|error| error.to_string()).as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_sentence_without_end_is_left_out() {
        let text = "a O\n".repeat(MAX_TOKENS + 5);
        let (items, sentences, lines) = read(&text, None);
        assert_eq!(items, [format!("{}: too long", MAX_TOKENS + 1)]);
        assert!(sentences.adds_up() && lines.adds_up());
    }
}
