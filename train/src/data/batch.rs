//! Padded batches in host memory.

use std::ops::Range;
use std::sync::Arc;

use super::dataset::Sequence;
use super::padded_length::PaddingRule;
use super::token_index::TokenIndex;
use super::tokenizer::SpecialTokens;

/// Sequences padded to one length, in host memory.
///
/// A *token position* counts the `size * length` tokens of the batch: position `n * length + i` is token `i` of sequence `n`.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Number of sequences.
    pub size: usize,
    /// Padded length of each, in word pieces.
    pub length: usize,
    /// Indices of the sequences among those that the batch was made from.
    pub sequences: Vec<usize>,
    /// Number of each sequence's triple in the folder.
    pub triples: Vec<usize>,
    /// For each sequence, the answers of its triple in the windows before.
    pub answers_before: Vec<usize>,
    /// Token positions of each sequence's context.
    pub contexts: Vec<Range<usize>>,
    /// First and last token position of each answer, the last included; those of a sequence follow each other.
    pub answers: Vec<[usize; 2]>,
    /// Length of each sequence without padding.
    pub lengths: Vec<usize>,
    /// Vocabulary ids, `[size * length]`.
    pub ids: Vec<i32>,
    /// 0 for the query, 1 for the context and the last `[SEP]`, `[size * length]`.
    pub segments: Vec<i32>,
    /// Where each vocabulary id occurs.
    pub token_index: Arc<TokenIndex>,
}

impl Batch {
    /// A batch of the sequences with these indices.
    ///
    /// # Panics
    /// An index beyond `sequences`.
    pub fn new(sequences: &[Sequence], indices: &[usize], special: SpecialTokens, padding: PaddingRule) -> Self {
        let sequences = indices.iter().map(|&index| &sequences[index]);
        let size = sequences.len();
        let lengths: Vec<usize> = sequences.clone().map(Sequence::length).collect();
        let length = padding.padded(lengths.iter().copied().max().unwrap_or(0));
        let mut ids = vec![special.pad as i32; size * length];
        let mut segments = vec![0; size * length];
        let mut contexts = Vec::with_capacity(size);
        let mut answers = Vec::new();
        let (mut triples, mut answers_before) = (Vec::with_capacity(size), Vec::with_capacity(size));
        for (number, sequence) in sequences.enumerate() {
            triples.push(sequence.triple);
            answers_before.push(sequence.answers_before);
            let start = number * length;
            let context = start + sequence.context_start()..start + sequence.length() - 1;
            ids[start] = special.cls as i32;
            copy_ids(&sequence.query, &mut ids[start + 1..]);
            ids[context.start - 1] = special.sep as i32;
            copy_ids(&sequence.context[sequence.window.clone()], &mut ids[context.clone()]);
            ids[context.end] = special.sep as i32;
            segments[context.start..=context.end].fill(1);
            let position_of = |word_piece: u32| context.start + word_piece as usize - sequence.window.start;
            answers.extend(sequence.answers.iter().map(|&(first, last)| [position_of(first), position_of(last)]));
            contexts.push(context);
        }
        let token_index = Arc::new(TokenIndex::new(&ids, length, &lengths));
        Self { size, length, sequences: indices.to_vec(), triples, answers_before, contexts, answers, lengths, ids, segments, token_index }
    }

    /// Number of word pieces in its contexts: the loss is a mean over them.
    pub fn context_word_pieces(&self) -> usize {
        self.contexts.iter().map(Range::len).sum()
    }
}

fn copy_ids(from: &[u32], to: &mut [i32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from as i32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequence(query: usize, context: usize, window: Range<usize>, answers: &[(u32, u32)]) -> Sequence {
        let text = |count: usize, first: u32| (first..).take(count).collect();
        Sequence { triple: 0, query: text(query, 10), context: text(context, 50), window, answers: answers.to_vec(), answers_before: 0 }
    }

    const SPECIAL: SpecialTokens = SpecialTokens { cls: 1, sep: 2, pad: 0 };

    #[test]
    fn a_batch_is_padded_to_its_longest_sequence() {
        let sequences = [sequence(2, 3, 0..3, &[(1, 2)]), sequence(2, 1, 0..1, &[])];
        let batch = Batch::new(&sequences, &[0, 1], SPECIAL, PaddingRule::Longest);
        assert_eq!((batch.size, batch.length), (2, 8));
        assert_eq!(batch.ids, [1, 10, 11, 2, 50, 51, 52, 2, 1, 10, 11, 2, 50, 2, 0, 0]);
        assert_eq!(batch.segments, [0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0]);
        assert_eq!(batch.lengths, [8, 6]);
        assert_eq!((batch.contexts.clone(), batch.context_word_pieces()), (vec![4..7, 12..13], 4));
        assert_eq!(batch.answers, [[5, 6]]);
        assert_eq!(Batch::new(&sequences, &[0, 1], SPECIAL, PaddingRule::FewLengths).length, 16);
    }

    #[test]
    fn a_window_holds_its_part_of_the_context() {
        let batch = Batch::new(&[sequence(1, 9, 4..8, &[(5, 7)])], &[0], SPECIAL, PaddingRule::Longest);
        assert_eq!(batch.ids, [1, 10, 2, 54, 55, 56, 57, 2]);
        assert_eq!((batch.contexts, batch.answers), (vec![3..7; 1], vec![[4, 6]]));
    }

    #[test]
    fn no_sequences_make_an_empty_batch() {
        let batch = Batch::new(&[], &[], SPECIAL, PaddingRule::Longest);
        assert_eq!((batch.size, batch.length, batch.context_word_pieces()), (0, 0, 0));
    }
}
