//! CoNLL files: a token a line, its tag in the last column, a blank line between sentences.

use std::io::{self, BufRead, BufReader, Read};

use schemas::Tally;

use super::scheme::{Scheme, Tag, TagFault};

/// Longest line that is read, in bytes.
const MAX_LINE: usize = 1 << 16;
/// Longest sentence that is kept, in tokens.
const MAX_TOKENS: usize = 1 << 14;

/// A sentence of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// Number in the file, from 0; sentences that are left out are numbered too, empty ones are not.
    pub number: u32,
    /// Line of its first token, from 1.
    pub line: u64,
    /// The tokens.
    pub tokens: Vec<String>,
    /// Their tags.
    pub tags: Vec<Tag>,
}

/// What the reader comes across.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A sound sentence.
    Sentence(Sentence),
    /// A sentence that is left out for a malformed line.
    Fault(Fault),
}

/// Why a sentence is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The malformed line, from 1.
    pub line: u64,
    /// The kind of fault, as the counters name it.
    pub reason: &'static str,
    /// What was wrong and what would be right.
    pub detail: String,
}

/// What ends the reading of a file.
#[derive(Debug, thiserror::Error)]
pub enum ConllError {
    /// The stream broke.
    #[error("line {0} cannot be read")]
    Io(u64, #[source] io::Error),
    /// The text is in some other encoding.
    #[error("line {0} is not UTF-8; convert the file to UTF-8")]
    Encoding(u64),
    /// This is no text of lines.
    #[error("line {0} is longer than {MAX_LINE} bytes, expected a token and its tag")]
    Long(u64),
    /// This is JSON.
    #[error("line {0} looks like JSON, expected a token and its tag a line")]
    Json(u64),
}

/// Reads a file sentence by sentence.
///
/// - Where a line holds a tab, tabs separate its columns and the token may hold or be a space; otherwise white space does.
/// - White space at the ends of a token is dropped, unless the token is nothing else.
/// - A line of nothing but white space ends a sentence, and so does a `-DOCSTART-` line.
/// - Lines end in LF or CRLF.
///
/// Memory: one line and one sentence, both of limited length.
pub struct Reader<R> {
    input: BufReader<R>,
    scheme: Option<Scheme>,
    line: u64,
    buffer: Vec<u8>,
    number: u32,
    /// Whether a blank line here would end no sentence and be no more than the space after `-DOCSTART-`.
    gap_is_due: bool,
    sentences: Tally,
    lines: Tally,
}

impl<R: Read> Reader<R> {
    /// A reader at the file's start. A prefix that `scheme` lacks is malformed; without one, every known prefix is read.
    pub fn new(input: R, scheme: Option<Scheme>) -> Self {
        Self {
            input: BufReader::new(input),
            scheme,
            line: 0,
            buffer: Vec::new(),
            number: 0,
            gap_is_due: false,
            sentences: Tally::default(),
            lines: Tally::default(),
        }
    }

    /// Sentences so far. A blank line that ends none and follows no `-DOCSTART-` is an empty one.
    pub fn sentences(&self) -> &Tally {
        &self.sentences
    }

    /// Lines so far; out are those of the sentences that were kept.
    pub fn lines(&self) -> &Tally {
        &self.lines
    }

    /// The next sentence; nothing at the end of the file.
    ///
    /// # Errors
    /// What makes the rest of the file unreadable.
    pub fn next_item(&mut self) -> Result<Option<Item>, ConllError> {
        let mut sentence = Sentence { number: self.number, line: self.line + 1, tokens: Vec::new(), tags: Vec::new() };
        let mut fault: Option<Fault> = None;
        let mut lines = 0;
        while self.read_line()? {
            let text = std::str::from_utf8(&self.buffer).map_err(|_| ConllError::Encoding(self.line))?;
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
            if text.split_ascii_whitespace().next() == Some("-DOCSTART-") {
                self.lines.skip("document start");
                self.gap_is_due = true;
                if lines > 0 {
                    break;
                }
                continue;
            }
            if self.line == 1 && looks_like_json(text) {
                return Err(ConllError::Json(1));
            }
            self.gap_is_due = false;
            if lines == 0 {
                sentence.line = self.line;
            }
            lines += 1;
            if fault.is_some() {
                continue;
            }
            match parse_line(text, self.line, self.scheme) {
                Ok((token, tag)) if sentence.tokens.len() < MAX_TOKENS => {
                    sentence.tokens.push(token.to_owned());
                    sentence.tags.push(tag);
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
        Ok(Some(Item::Sentence(sentence)))
    }

    /// Reads a line into the buffer; false at the end of the file.
    fn read_line(&mut self) -> Result<bool, ConllError> {
        self.buffer.clear();
        let line = self.line + 1;
        let mut limited = (&mut self.input).take(MAX_LINE as u64 + 1);
        let read = limited.read_until(b'\n', &mut self.buffer).map_err(|error| ConllError::Io(line, error))?;
        if read > MAX_LINE {
            return Err(ConllError::Long(line));
        }
        self.line = line;
        Ok(read > 0)
    }
}

/// No tag ends so, and a lone bracket is no token with its tag.
fn looks_like_json(line: &str) -> bool {
    let line = line.trim();
    matches!(line, "{" | "[") || line.starts_with("{\"") || line.starts_with("[{")
}

fn parse_line(text: &str, line: u64, scheme: Option<Scheme>) -> Result<(&str, Tag), Fault> {
    let fault = |reason, detail: String| Fault { line, reason, detail };
    let (token, tag) = columns(text)
        .ok_or_else(|| fault("no tag column", format!("`{}` has one column, expected a token and its tag", shortened(text))))?;
    if token.is_empty() {
        return Err(fault("no token", format!("the first column is empty before tag `{tag}`, expected a token")));
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

/// First and last column.
fn columns(text: &str) -> Option<(&str, &str)> {
    if let Some((token, rest)) = text.split_once('\t') {
        let tag = rest.rsplit('\t').next().unwrap_or(rest).trim();
        let trimmed = token.trim();
        return Some((if trimmed.is_empty() { token } else { trimmed }, tag));
    }
    let mut columns = text.split_ascii_whitespace();
    Some((columns.next()?, columns.next_back()?))
}

/// Enough of a text to recognise it by.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, scheme: Option<Scheme>) -> (Vec<String>, Tally, Tally) {
        let mut reader = Reader::new(text.as_bytes(), scheme);
        let mut items = Vec::new();
        while let Some(item) = reader.next_item().expect("the texts of the tests are read to their end") {
            items.push(match item {
                Item::Sentence(sentence) => format!("{}@{} {}", sentence.number, sentence.line, sentence.tokens.join("|")),
                Item::Fault(fault) => format!("{}: {}", fault.line, fault.reason),
            });
        }
        (items, reader.sentences().clone(), reader.lines().clone())
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
            (b"[{\"context\": 1}]".to_vec(), "line 1 looks like JSON, expected a token and its tag a line"),
        ] {
            let mut reader = Reader::new(bytes.as_slice(), None);
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
