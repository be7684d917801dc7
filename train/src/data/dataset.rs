//! Triples, tokenised.

use std::fmt;
use std::ops::{AddAssign, Range};
use std::sync::Arc;

use serde::Serialize;

use super::tokenized_text::EncodedContext;

/// `[CLS]` and two `[SEP]`.
pub(super) const SPECIAL_TOKENS: usize = 3;

/// Consecutive triples, tokenised.
///
/// Memory: 12 bytes for each word piece of each distinct context (the triples of a sentence share it), and some 200 bytes for
/// each triple beside its spans. Texts are not kept.
#[derive(Debug, Default)]
pub struct Dataset {
    /// Number of the first triple in its folder.
    pub first_triple: usize,
    /// The model's inputs: one sequence a triple, several where the context is long. Those of a triple follow each other.
    pub sequences: Vec<Sequence>,
    /// Label and gold spans of each triple.
    pub gold: Vec<GoldSpans>,
    /// Chars of each triple's context that its word pieces cover, half-open, ascending.
    pub offsets: Vec<Arc<[(u32, u32)]>>,
    /// Distinct labels in order of appearance; [`GoldSpans::label`] is an index of this.
    pub labels: Vec<String>,
    /// How many triples and answers there were, and what became of them.
    pub counts: EncodingCounts,
}

impl Dataset {
    /// The tokenised context of each triple.
    pub fn contexts(&self) -> impl Iterator<Item = EncodedContext> {
        // Each triple has a sequence, of which the first begins with its context.
        let first_windows = self.sequences.iter().filter(|sequence| sequence.window.start == 0);
        first_windows
            .zip(&self.offsets)
            .map(|(sequence, offsets)| EncodedContext { ids: sequence.context.clone(), offsets: offsets.clone() })
    }

    /// Chars that the word pieces of a sequence's context cover.
    pub fn offsets_of(&self, sequence: &Sequence) -> &[(u32, u32)] {
        &self.offsets[sequence.triple - self.first_triple]
    }
}

/// Label and gold spans of a triple.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoldSpans {
    /// Index of [`Dataset::labels`].
    pub label: u32,
    /// Spans in chars of the context, half-open, sorted, without duplicates.
    pub spans: Vec<(u32, u32)>,
}

/// One input of the model: `[CLS] query [SEP] context [SEP]`, or one window of a long context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    /// Number of its triple in the folder.
    pub triple: usize,
    /// Vocabulary ids of the query, and where two separators follow it, the first of them.
    pub query: Arc<[u32]>,
    /// Vocabulary ids of the whole context.
    pub context: Arc<[u32]>,
    /// The word pieces of the context that this sequence holds.
    pub window: Range<usize>,
    /// Answers inside the window: first and last word piece, the last included, counted in the whole context.
    pub answers: Vec<(u32, u32)>,
    /// Answers of the same triple in the windows before.
    pub answers_before: usize,
}

impl Sequence {
    /// Length in word pieces, special tokens included.
    pub fn length(&self) -> usize {
        self.query.len() + self.window.len() + SPECIAL_TOKENS
    }

    /// Position of the context's first word piece.
    pub fn context_start(&self) -> usize {
        self.query.len() + 2
    }
}

/// How many triples and answers were encoded, and which answers not exactly or not at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct EncodingCounts {
    /// Triples read.
    pub triples: u64,
    /// Sequences made of them.
    pub sequences: u64,
    /// Triples whose context needs several windows.
    pub windowed: u64,
    /// Answers.
    pub answers: u64,
    /// Answers that start or end inside a word piece: the label covers the whole piece.
    pub widened: u64,
    /// Answers that touch no word piece: not labelled.
    pub unalignable: u64,
    /// Answers that fit in no window: not labelled.
    pub too_long: u64,
    /// Word pieces of the contexts; that of neighbouring triples counts once.
    pub word_pieces: u64,
    /// Those of them that are `[UNK]`.
    pub unknown: u64,
}

impl AddAssign for EncodingCounts {
    fn add_assign(&mut self, other: Self) {
        self.triples += other.triples;
        self.sequences += other.sequences;
        self.windowed += other.windowed;
        self.answers += other.answers;
        self.widened += other.widened;
        self.unalignable += other.unalignable;
        self.too_long += other.too_long;
        self.word_pieces += other.word_pieces;
        self.unknown += other.unknown;
    }
}

impl fmt::Display for EncodingCounts {
    /// `80 triples, 60 answers`, followed by the other counts that are not 0.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} triples, {} answers", self.triples, self.answers)?;
        let rest = [
            (self.windowed, "contexts read in several windows"),
            (self.widened, "answers widened to whole word pieces"),
            (self.unalignable, "answers without a word piece"),
            (self.too_long, "answers longer than a window"),
        ];
        for (count, what) in rest.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {what}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_shown_without_zeros() {
        let counts = EncodingCounts { triples: 80, answers: 60, ..EncodingCounts::default() };
        assert_eq!(counts.to_string(), "80 triples, 60 answers");
        let counts = EncodingCounts { windowed: 2, too_long: 1, ..counts };
        assert_eq!(counts.to_string(), "80 triples, 60 answers, 2 contexts read in several windows, 1 answers longer than a window");
    }
}
