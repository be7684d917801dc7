//! CoNLL files: a token and its tag per line, a blank line between sentences.

use std::io::Read;

use schemas::Counter;

use super::conll_columns::ConllColumns;
use super::corpus_reader::{CorpusReadError, CorpusReader, MalformedSentence, ReadSentence, SentenceCounts, excerpt};
use super::lines::TextLines;
use crate::corpora::format::DOCUMENT_START;
use crate::corpora::sentence::{Annotation, SentenceNotes};
use crate::corpora::tagging::tag::{Tag, TagError, TagNotation, TagRules};

/// Bytes that a line may have.
const MAX_LINE_BYTES: usize = 1 << 16;
/// Tokens that a sentence may have.
const MAX_TOKENS: usize = 1 << 14;
/// Tokens that the only sentence of a file may have before it is reported.
const MANY_TOKENS: usize = 64;

/// Reads a CoNLL file.
///
/// - Columns are separated by tabs where a line holds one, so that a token may hold or be a space; otherwise by white space.
/// - White space at the ends of a token is trimmed, unless the token is nothing else. Empty columns at the end of a line are ignored.
/// - A blank line ends a sentence, and so does a line with a column [`DOCUMENT_START`].
/// - Lines that begin with `#` before the first token of a sentence are comments, unless they end in a tag.
/// - Lines end in LF, CRLF or CR.
/// - A sentence with a malformed line, or of more than 16,384 tokens, is malformed. All lines of a file have as many columns.
///
/// Memory: one line of at most 64 KiB and one sentence.
pub struct ConllReader<'a, R> {
    lines: TextLines<R>,
    rules: TagRules<'a>,
    columns: ConllColumns,
    /// The number of columns, with the first line that has them.
    width: Option<(usize, u64)>,
    counts: SentenceCounts,
    /// Whether the last line was a document start: a blank line after it is no empty sentence.
    after_document_start: bool,
    /// Tokens of the longest sentence, and whether a token that ends sentences stands before its last one.
    most_tokens: usize,
    ends_inside: bool,
}

/// The lines of a sentence while it is read.
#[derive(Default)]
struct PartialSentence {
    first_line: u64,
    lines: u64,
    tokens: Vec<String>,
    tags: Vec<Tag>,
    notes: SentenceNotes,
    malformed: Option<MalformedSentence>,
}

/// A line with a token and its tag.
struct TaggedToken {
    token: String,
    tag: Tag,
    /// An unusual notation of the tag, with the tag.
    notation: Option<(TagNotation, String)>,
    /// Number of columns.
    width: usize,
}

impl<'a, R: Read> ConllReader<'a, R> {
    /// A reader at the start of a file.
    pub fn new(input: R, rules: TagRules<'a>, columns: ConllColumns) -> Self {
        Self {
            lines: TextLines::new(input, MAX_LINE_BYTES, "a token and its tag"),
            rules,
            columns,
            width: None,
            counts: SentenceCounts::default(),
            after_document_start: false,
            most_tokens: 0,
            ends_inside: false,
        }
    }

    /// Reads lines up to the end of the next sentence that has any.
    fn read_sentence_lines(&mut self) -> Result<PartialSentence, CorpusReadError> {
        let mut sentence = PartialSentence::default();
        while let Some(text) = self.lines.next_line()? {
            if text.trim().is_empty() {
                self.counts.lines.skip("blank");
                if sentence.lines > 0 {
                    break;
                }
                if !std::mem::take(&mut self.after_document_start) {
                    self.counts.sentences.skip("empty");
                }
                continue;
            }
            if text.split_ascii_whitespace().any(|column| column == DOCUMENT_START) {
                self.counts.lines.skip("document start");
                self.after_document_start = true;
                if sentence.lines > 0 {
                    break;
                }
                continue;
            }
            if sentence.lines == 0 && is_comment(text, self.rules) {
                self.counts.lines.skip("comment");
                continue;
            }
            self.after_document_start = false;
            let text = text.to_owned();
            sentence.add_line(&text, self.lines.number(), self.rules, &self.columns, &mut self.width);
        }
        Ok(sentence)
    }
}

/// Whether a line before the first token of a sentence is a comment, as in `# id 5`.
fn is_comment(text: &str, rules: TagRules<'_>) -> bool {
    let last = text.trim_end().rsplit(['\t', ' ']).next().unwrap_or_default();
    text.starts_with('#') && !(last.len() < text.trim_end().len() && rules.is_surely_tag(last))
}

impl PartialSentence {
    fn add_line(&mut self, text: &str, line: u64, rules: TagRules<'_>, columns: &ConllColumns, width: &mut Option<(usize, u64)>) {
        if self.lines == 0 {
            self.first_line = line;
        }
        self.lines += 1;
        if self.malformed.is_some() {
            return;
        }
        match parse_line(text, line, rules, columns, *width) {
            Ok(TaggedToken { token, tag, notation, width: found }) if self.tokens.len() < MAX_TOKENS => {
                self.tokens.push(token);
                self.tags.push(tag);
                width.get_or_insert((found, line));
                if let Some((notation, tag)) = notation {
                    self.notes.add_notation(notation, &tag, line);
                }
            }
            Ok(_) => {
                let detail = format!("the sentence has more than {MAX_TOKENS} tokens, expected a blank line after each sentence");
                self.malformed = Some(MalformedSentence { line, reason: "too long", detail, ends_run: true });
            }
            Err(malformed) => self.malformed = Some(malformed),
        }
    }
}

impl<R: Read> CorpusReader for ConllReader<'_, R> {
    fn next_sentence(&mut self) -> Result<Option<ReadSentence>, CorpusReadError> {
        let PartialSentence { first_line, lines, tokens, tags, notes, malformed } = self.read_sentence_lines()?;
        if lines == 0 {
            return Ok(None);
        }
        if malformed.is_none() {
            self.most_tokens = self.most_tokens.max(tokens.len());
            let ends = |token: &String| matches!(token.as_str(), "." | "!" | "?" | "。" | "！" | "？" | "।" | "۔" | "؟" | "။" | "។");
            self.ends_inside |= tokens.iter().rev().skip(1).any(ends);
        }
        let read = malformed.map_or(Ok((Annotation::Tags { tokens, tags }, notes)), Err);
        Ok(Some(self.counts.add(first_line, lines, read)))
    }

    /// A blank line that ends no sentence and follows no document start counts as an empty one.
    fn sentences(&self) -> &Counter {
        &self.counts.sentences
    }

    fn records(&self) -> (&'static str, &Counter) {
        ("lines", &self.counts.lines)
    }

    fn oddity(&self) -> Option<String> {
        let is_one = self.counts.numbered() == 1 && (self.most_tokens > MANY_TOKENS || self.ends_inside);
        is_one.then(|| {
            format!("has no blank line between its {} tokens, which are one sentence; expected one after each sentence", self.most_tokens)
        })
    }
}

/// The columns of a line. A first column that is a space, between spaces, is found by the number of columns that the file has.
fn split_columns(text: &str, width: Option<usize>) -> Vec<&str> {
    // A tab behind columns that spaces separate separates nothing.
    let written = text.trim_end();
    if written.contains('\t') || (text.contains('\t') && !written.contains(' ')) {
        return text.split('\t').collect();
    }
    let mut cells: Vec<&str> = text.split_ascii_whitespace().collect();
    if text.starts_with("  ") && cells.len() + 1 == width.unwrap_or(2) {
        cells.insert(0, &text[..1]);
    }
    cells
}

fn parse_line(
    text: &str,
    line: u64,
    rules: TagRules<'_>,
    columns: &ConllColumns,
    width: Option<(usize, u64)>,
) -> Result<TaggedToken, MalformedSentence> {
    let malformed = |reason, detail: String| MalformedSentence { line, reason, detail, ends_run: true };
    let mut cells = split_columns(text, width.map(|(columns, _)| columns));
    let mut picked = columns.pick(&cells);
    // A tab at the end of a line makes an empty column.
    while cells.len() > 2 && picked.is_none_or(|(_, tag)| tag.trim().is_empty()) && cells.last().is_some_and(|last| last.trim().is_empty())
    {
        cells.pop();
        picked = columns.pick(&cells);
    }
    let found = if cells.len() == 1 { "one column".to_owned() } else { format!("{} columns", cells.len()) };
    let (token, tag) = picked.ok_or_else(|| {
        let of_others = width.map_or(String::new(), |(width, line)| format!("; line {line} has {width}"));
        let detail = format!("`{}` has {found}, expected a token and its tag ({columns}){of_others}", excerpt(text));
        malformed(if cells.len() == 1 { "no tag column" } else { "other columns" }, detail)
    })?;
    if let Some((width, first)) = width.filter(|(width, _)| *width != cells.len()) {
        let detail = format!(
            "`{}` has {found} and line {first} has {width}, expected as many in each line; separate columns by tabs where tokens hold spaces",
            excerpt(text)
        );
        return Err(malformed("other columns", detail));
    }
    // A token may be a space: in Chinese corpora it stands for a space of the text.
    let token = if token.trim().is_empty() { token } else { token.trim() };
    let tag = tag.trim();
    if token.is_empty() {
        return Err(malformed("no token", format!("the token's column is empty beside tag `{tag}`, expected a token")));
    }
    let (read, notation) = read_tag(tag, rules).map_err(|(reason, detail)| malformed(reason, detail))?;
    let has_trailing_tab = text.ends_with('\t') && text.trim_end().ends_with(tag);
    let notation = notation.or_else(|| has_trailing_tab.then_some(TagNotation::TrailingTab));
    let notation = notation.map(|notation| (notation, tag.to_owned()));
    Ok(TaggedToken { token: token.to_owned(), tag: read, notation, width: cells.len() })
}

/// Reads a tag; an error is the reason, as counters name it, and what was found and expected.
pub(super) fn read_tag(tag: &str, rules: TagRules<'_>) -> Result<(Tag, Option<TagNotation>), (&'static str, String)> {
    rules.read(tag).map_err(|error| match error {
        TagError::Empty => ("no tag", "the tag's column is empty, expected O or a label after B-, I-, M-, E-, S-, L- or U-".to_owned()),
        TagError::NoLabel => ("no label", format!("tag `{tag}` has no label, expected one after the hyphen")),
        TagError::NeedsLabel => {
            ("no label", format!("tag `{tag}` has no label; name the label of all entities with --label, which the query set has"))
        }
        TagError::OtherScheme(scheme) => {
            let detail = format!("tag `{}` does not belong to scheme {scheme}; give another --scheme, or none", excerpt(tag));
            ("tag of another scheme", detail)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpora::sentence::AnnotatedSentence;
    use crate::corpora::tagging::scheme::TaggingScheme;

    /// The sentences of a file as `number@line tokens`, skipped ones as `line: reason`; and the counts of sentences and lines.
    fn read(text: &str, scheme: Option<TaggingScheme>) -> (Vec<String>, Counter, Counter) {
        let mut reader = ConllReader::new(text.as_bytes(), TagRules { scheme, ..TagRules::default() }, ConllColumns::default());
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
            ("a Q-X\nb\n\n", &["2: no tag column"], 0),
            ("a\t\n", &["1: no tag"], 0),
            ("a\tO\t\nb\tB-X \t\t\n", &["0@1 a|b"], 0),
            ("a O\t\nb B-X \t\n", &["0@1 a|b"], 0),
            ("a\tNN\tO\t\n\nb\tNN\tO\n", &["0@1 a", "1@3 b"], 0),
            ("a O\n\nNew York B-X\n", &["0@1 a", "3: other columns"], 0),
            ("a O\n  O\nb O\n", &["0@1 a| |b"], 0),
            ("a NN O\n  NN O\n", &["0@1 a| "], 0),
            ("a O\rb O\r\rc O\r", &["0@1 a|b", "1@4 c"], 0),
            ("# id 5\n# text = a b\na O\n\n# id 6\tdomain=en\nb O\n", &["0@3 a", "1@6 b"], 0),
            ("# O\na O\n\n#tag\tB-X\n# O\n", &["0@1 #|a", "1@4 #tag|#"], 0),
            ("a O\n# O\n", &["0@1 a|#"], 0),
            ("\tO\n", &["1: no token"], 0),
            ("a B-\n", &["1: no label"], 0),
        ] {
            let (found, sentences, lines) = read(text, None);
            assert_eq!(found, expected, "{text:?}");
            assert_eq!(sentences.skipped.get("empty").copied().unwrap_or(0), empty, "{text:?}");
            assert!(sentences.adds_up() && lines.adds_up(), "{text:?}: {sentences}; {lines}");
            let ends_in_cr = !text.contains('\n');
            let expected = if ends_in_cr { text.split_terminator('\r').count() } else { text.lines().count() };
            assert_eq!(lines.seen, expected as u64, "{text:?}");
        }
    }

    #[test]
    fn a_given_scheme_refuses_other_prefixes() {
        assert_eq!(read("a E-X\n", Some(TaggingScheme::Bio)).0, ["1: tag of another scheme"]);
        assert_eq!(read("a E-X\n", Some(TaggingScheme::Bmes)).0, ["0@1 a"]);
    }

    #[test]
    fn a_file_without_blank_lines_is_odd() {
        let oddity = |text: &str| {
            let mut reader = ConllReader::new(text.as_bytes(), TagRules::default(), ConllColumns::default());
            while reader.next_sentence().unwrap().is_some() {}
            reader.oddity().is_some()
        };
        let text = "a O\n. O\n".repeat(3);
        assert_eq!([oddity(&text), oddity(&(text.clone() + "\n")), oddity(&(text + "\nb O\n"))], [true, true, false]);
        assert_eq!([oddity("a O\n. O\n"), oddity(&"a O\n".repeat(70))], [false, true]);
    }

    #[test]
    fn unreadable_lines_are_errors() {
        for (bytes, expected) in [
            (b"a O\nb\xff O\n".to_vec(), "line 2 is not UTF-8; convert the file to UTF-8"),
            (vec![b'x'; MAX_LINE_BYTES + 1], "line 1 is longer than 65536 bytes, expected a token and its tag"),
        ] {
            let mut reader = ConllReader::new(bytes.as_slice(), TagRules::default(), ConllColumns::default());
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
