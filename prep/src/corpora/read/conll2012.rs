//! CoNLL-2011 and CoNLL-2012 files, as OntoNotes comes in: a token per line, entities as brackets.

use std::io::Read;
use std::ops::Range;

use schemas::Counter;

use super::conll_columns::ConllColumns;
use super::corpus_reader::{CorpusReadError, CorpusReader, ReadSentence, SentenceCounts, excerpt};
use super::lines::TextLines;
use super::sentence_lines::SentenceLines;
use crate::corpora::sentence::{Annotation, DroppedSpan, SentenceNotes};

/// Bytes that a line may have. A long sentence has a column for each of its verbs.
const MAX_LINE_BYTES: usize = 1 << 18;
/// The columns of the word and of the named entities.
const WORD: usize = 3;
const ENTITIES: usize = 10;
/// What stands for a word in the files that are given away without OntoNotes's text.
const LEFT_OUT: &str = "[WORD]";

/// Reads a CoNLL-2012 file.
///
/// - White space separates columns; the fourth is the word, the eleventh has the named entities, unless an option says otherwise.
/// - `(PERSON*` begins an entity, `*)` ends the innermost one, `(GPE)` is one of a single token; they may nest. `*` and `-` say nothing.
/// - A bracket that closes nothing, or that its sentence does not close, costs its entity.
/// - Blank lines separate sentences. Lines with `#`, such as `#begin document`, are skipped.
///
/// Memory: one line of at most 256 KiB and one sentence.
pub struct Conll2012Reader<R> {
    lines: TextLines<R>,
    /// Token and entities, where an option names them.
    columns: Option<ConllColumns>,
    counts: SentenceCounts,
}

/// A sentence while its lines are read.
#[derive(Default)]
struct BracketedSentence {
    tokens: Vec<String>,
    spans: Vec<(Range<usize>, String)>,
    /// Entities that are not closed, each with its first token and its line.
    open: Vec<(String, usize, u64)>,
    notes: SentenceNotes,
    /// Columns of its first line.
    width: usize,
}

impl BracketedSentence {
    fn add_line(&mut self, text: &str, line: u64, columns: Option<&ConllColumns>) -> Result<(), (&'static str, String)> {
        let cells: Vec<&str> = text.split_ascii_whitespace().collect();
        let picked = match columns {
            Some(columns) => columns.pick(&cells),
            None => cells.get(WORD).copied().zip(cells.get(ENTITIES).copied()),
        };
        let expected = || columns.map_or_else(|| "the 12 and more of CoNLL-2012".to_owned(), ToString::to_string);
        if self.tokens.is_empty() {
            self.width = cells.len();
        }
        let (token, entities) = picked.filter(|_| cells.len() == self.width).ok_or_else(|| {
            let of_others = if cells.len() == self.width { String::new() } else { format!("; the sentence begins with {}", self.width) };
            let detail = format!("`{}` has {} columns, expected {}{of_others}", excerpt(text), cells.len(), expected());
            ("other columns", detail)
        })?;
        if token == LEFT_OUT {
            let detail = "the words are left out (`[WORD]`); put OntoNotes's words into the file first".to_owned();
            return Err(("no token", detail));
        }
        let at = self.tokens.len();
        self.tokens.push(token.to_owned());
        self.read_brackets(entities, at, line)
    }

    fn read_brackets(&mut self, cell: &str, at: usize, line: u64) -> Result<(), (&'static str, String)> {
        let mut rest = cell;
        while let Some(char) = rest.chars().next() {
            rest = &rest[char.len_utf8()..];
            match char {
                '*' => {}
                '-' | '_' if cell.len() == 1 => {}
                '(' => {
                    let (label, others) = rest.split_at(rest.find(['(', '*', ')']).unwrap_or(rest.len()));
                    rest = others;
                    if label.is_empty() {
                        return Err(("no label", format!("`{}` has no label behind its bracket, expected (PERSON*", excerpt(cell))));
                    }
                    self.open.push((label.to_owned(), at, line));
                }
                ')' => match self.open.pop() {
                    Some((label, start, _)) => self.spans.push((start..at + 1, label)),
                    None => self.drop(format!("line {line}: `{}` closes no bracket", excerpt(cell))),
                },
                _ => {
                    let detail = format!("`{}` is no bracket of CoNLL-2012, expected (PERSON*, *, *) or (PERSON)", excerpt(cell));
                    return Err(("no bracket", detail));
                }
            }
        }
        Ok(())
    }

    fn drop(&mut self, detail: String) {
        self.notes.dropped.push(DroppedSpan { reason: "unbalanced bracket", detail: Some(detail) });
    }

    fn into_annotation(mut self) -> (Annotation, SentenceNotes) {
        for (label, _, line) in std::mem::take(&mut self.open) {
            self.drop(format!("line {line}: `({label}` is not closed in its sentence"));
        }
        (Annotation::TokenSpans { tokens: self.tokens, spans: self.spans }, self.notes)
    }
}

impl<R: Read> Conll2012Reader<R> {
    /// A reader at the start of a file.
    pub fn new(input: R, columns: ConllColumns) -> Self {
        let columns = Some(columns).filter(|columns| *columns != ConllColumns::default());
        Self { lines: TextLines::new(input, MAX_LINE_BYTES, "the columns of CoNLL-2012"), columns, counts: SentenceCounts::default() }
    }
}

impl<R: Read> CorpusReader for Conll2012Reader<R> {
    fn next_sentence(&mut self) -> Result<Option<ReadSentence>, CorpusReadError> {
        let mut sentence = BracketedSentence::default();
        let mut lines = SentenceLines::default();
        while let Some(text) = self.lines.next_line()?.map(str::to_owned) {
            let line = self.lines.number();
            let is_blank = text.trim().is_empty();
            if is_blank || text.starts_with('#') {
                self.counts.lines.skip(if is_blank { "blank" } else { "comment" });
                if !lines.is_empty() {
                    break;
                }
                continue;
            }
            lines.add(line, || sentence.add_line(&text, line, self.columns.as_ref()));
        }
        Ok(lines.finish(&mut self.counts, || sentence.into_annotation()))
    }

    fn sentences(&self) -> &Counter {
        &self.counts.sentences
    }

    fn records(&self) -> (&'static str, &Counter) {
        ("lines", &self.counts.lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sentences of `word/brackets`, as `entity of words`, dropped ones as `!reason`; skipped sentences as `line: reason`.
    fn read(sentences: &[&str]) -> Vec<String> {
        let line = |(number, word): (usize, &str)| {
            let (word, entities) = word.rsplit_once('/').unwrap();
            format!("bc/a 0 {number} {word} NN * - - - -  {entities}  (ARG0*) -\n")
        };
        let body: String = sentences.iter().map(|words| words.split(' ').enumerate().map(line).collect::<String>() + "\n").collect();
        let text = format!("#begin document (bc/a); part 000\n{body}#end document\n");
        let mut reader = Conll2012Reader::new(text.as_bytes(), ConllColumns::default());
        let mut found = Vec::new();
        while let Some(sentence) = reader.next_sentence().unwrap() {
            found.push(match sentence {
                ReadSentence::Skipped(malformed) => format!("{}: {}", malformed.line, malformed.reason),
                ReadSentence::Read(sentence) => {
                    let Annotation::TokenSpans { tokens, spans } = sentence.annotation else { panic!() };
                    let spans = spans.iter().map(|(range, label)| format!("{label} {}", tokens[range.clone()].join("_")));
                    spans.chain(sentence.notes.dropped.iter().map(|span| format!("!{}", span.reason))).collect::<Vec<_>>().join(", ")
                }
            });
        }
        assert!(reader.sentences().adds_up() && reader.records().1.adds_up());
        found
    }

    #[test]
    fn brackets_are_read() {
        for (sentence, expected) in [
            ("Ada/(PERSON* Bo/*) saw/* Oslo/(GPE)", "PERSON Ada_Bo, GPE Oslo"),
            ("the/(ORG* Oslo/(GPE) Club/*)", "GPE Oslo, ORG the_Oslo_Club"),
            ("Oslo/(ORG(GPE*) Club/*)", "GPE Oslo, ORG Oslo_Club"),
            ("a/- b/_ c/*", ""),
            ("Ada/(PERSON* Bo/*", "!unbalanced bracket"),
            ("Ada/(PERSON) Bo/*)", "PERSON Ada, !unbalanced bracket"),
            ("Ada/(PERSON*", "!unbalanced bracket"),
            ("Ada/B-PER", "2: no bracket"),
            ("Ada/(*", "2: no label"),
            ("[WORD]/*", "2: no token"),
        ] {
            assert_eq!(read(&[sentence]), [expected], "{sentence}");
        }
        assert_eq!(read(&["Ada/(PERSON)", "Bo/(PERSON)"]), ["PERSON Ada", "PERSON Bo"]);
    }

    #[test]
    fn other_columns_are_named() {
        let read = |text: &str, columns: &str| {
            let mut reader = Conll2012Reader::new(text.as_bytes(), columns.parse().unwrap());
            match reader.next_sentence().unwrap().unwrap() {
                ReadSentence::Read(sentence) => format!("{:?}", sentence.annotation),
                ReadSentence::Skipped(malformed) => malformed.detail,
            }
        };
        assert!(read("Ada NNP (PER)\n", "token,_,tag").contains("[(0..1, \"PER\")]"));
        assert!(read("Ada NNP (PER)\n", "token,..,tag").contains("`Ada NNP (PER)` has 3 columns, expected the 12 and more of CoNLL-2012"));
        assert!(read("Ada (PER)\nBo NNP *\n", "token,..,tag").contains("2 columns"));
    }
}
