//! A sentence of a token a line, of formats whose sentences end at blank lines.

use super::corpus_reader::{MalformedSentence, ReadSentence, SentenceCounts};
use super::tagged_tokens::MAX_TOKENS;
use crate::corpora::sentence::{Annotation, SentenceNotes};

/// The lines of a sentence while they are read: where it begins, how many they are, and why it is malformed.
#[derive(Debug, Default)]
pub struct SentenceLines {
    first: u64,
    lines: u64,
    malformed: Option<MalformedSentence>,
}

impl SentenceLines {
    /// Whether no line was added.
    pub fn is_empty(&self) -> bool {
        self.lines == 0
    }

    /// Adds the line of this number by `add`, unless an earlier one is malformed or the sentence is too long; `add` says what is wrong with it,
    /// as a reason and its detail.
    pub fn add(&mut self, line: u64, add: impl FnOnce() -> Result<(), (&'static str, String)>) {
        if self.lines == 0 {
            self.first = line;
        }
        self.lines += 1;
        if self.malformed.is_some() {
            return;
        }
        let added = if self.lines > MAX_TOKENS as u64 {
            Err(("too long", format!("the sentence has more than {MAX_TOKENS} tokens, expected a blank line after each")))
        } else {
            add()
        };
        self.malformed = added.err().map(|(reason, detail)| MalformedSentence { line, reason, detail, ends_run: true });
    }

    /// Counts the sentence; `None` if it has no line.
    pub fn finish(self, counts: &mut SentenceCounts, annotation: impl FnOnce() -> (Annotation, SentenceNotes)) -> Option<ReadSentence> {
        let read = self.malformed.map_or_else(|| Ok(annotation()), Err);
        (self.lines > 0).then(|| counts.add(self.first, self.lines, read))
    }
}
