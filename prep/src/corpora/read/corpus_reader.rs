//! The trait of all readers of annotated files, and what they report.

use std::io;

use schemas::Counter;
use serde::Serialize;

use crate::corpora::sentence::{AnnotatedSentence, Annotation, SentenceNotes};

/// Reads an annotated file sentence by sentence, in memory that does not grow with the file.
pub trait CorpusReader {
    /// The next sentence, or `None` at the end of the file.
    ///
    /// # Errors
    /// The rest of the file cannot be read.
    fn next_sentence(&mut self) -> Result<Option<ReadSentence>, CorpusReadError>;

    /// Sentences read so far.
    fn sentences(&self) -> &Counter;

    /// Lines or elements read so far, with their name: `lines` or `elements`. `out` are those of the sentences that were kept.
    fn records(&self) -> (&'static str, &Counter);

    /// The names that numbers of tags stand for, from 0, where the file has them.
    fn class_names(&self) -> Option<&[String]> {
        None
    }

    /// What is odd about the whole file, for messages. To be called at its end.
    fn oddity(&self) -> Option<String> {
        None
    }
}

/// What became of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadSentence {
    /// It was read.
    Read(AnnotatedSentence),
    /// It is malformed and was skipped.
    Skipped(MalformedSentence),
}

/// What a malformed line, element or span does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MalformedRule {
    /// A line or a tag of another form ends the run; other malformed elements and spans are skipped and counted.
    #[default]
    EndAtForm,
    /// The first one ends the run.
    Strict,
    /// All are skipped and counted.
    Skip,
}

/// Why a sentence was skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedSentence {
    /// The malformed line, or the one on which the malformed element begins, from 1.
    pub line: u64,
    /// The reason, as counters name it.
    pub reason: &'static str,
    /// What was found and what was expected.
    pub detail: String,
    /// Whether the run ends here unless malformed sentences are to be skipped: a fault of form that the sentences with entities of a
    /// whole file may have.
    pub ends_run: bool,
}

/// The rest of a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CorpusReadError {
    /// The file cannot be read or decompressed.
    #[error("line {line} cannot be read")]
    Io {
        /// The line, from 1.
        line: u64,
        /// The error of the operating system or the decompressor.
        #[source]
        source: io::Error,
    },
    /// The file is not UTF-8.
    #[error("line {line} is not UTF-8; convert the file to UTF-8")]
    Encoding {
        /// The line, from 1.
        line: u64,
    },
    /// A line is too long for the format, so the file is most likely of another one.
    #[error("line {line} is longer than {limit} bytes, expected {expected}")]
    LineTooLong {
        /// The line, from 1.
        line: u64,
        /// Bytes that a line may have.
        limit: usize,
        /// What a line of the format holds.
        expected: &'static str,
    },
    /// The whole file is of another form.
    #[error("{detail}")]
    Form {
        /// What was found and what was expected.
        detail: String,
    },
    /// A JSON array is malformed, so that the next element cannot be found.
    #[error("line {line}, element {element}: {detail}")]
    JsonSyntax {
        /// The line, from 1.
        line: u64,
        /// The element, from 1.
        element: u64,
        /// What was found and what was expected.
        detail: String,
    },
}

/// Numbers the sentences of a file of lines, and counts what becomes of them and of their lines.
#[derive(Debug, Default)]
pub struct SentenceCounts {
    next_number: u32,
    /// Sentences.
    pub sentences: Counter,
    /// Lines.
    pub lines: Counter,
}

impl SentenceCounts {
    /// A sentence of so many lines from the line `first` on, or why it is malformed.
    pub fn add(&mut self, first: u64, lines: u64, read: Result<(Annotation, SentenceNotes), MalformedSentence>) -> ReadSentence {
        let number = self.next_number;
        self.next_number += 1;
        self.lines.seen += lines;
        match read {
            Ok((annotation, notes)) => {
                self.sentences.keep();
                self.lines.out += lines;
                ReadSentence::Read(AnnotatedSentence { number, line: first, annotation, questions: Vec::new(), notes })
            }
            Err(malformed) => {
                self.sentences.skip(malformed.reason);
                *self.lines.skipped.entry("in a skipped sentence".to_owned()).or_default() += lines;
                ReadSentence::Skipped(malformed)
            }
        }
    }

    /// Sentences so far.
    pub fn numbered(&self) -> u32 {
        self.next_number
    }
}

/// The beginning of a text, for messages.
pub fn excerpt(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
