//! A trained model applied to a dataset: sequences in, spans in chars out.

mod queued_batch;

use std::ops::Range;

use anyhow::Result;
use rayon::prelude::*;
use schemas::{Origin, Span, char_slice};

use crate::data::{Batch, BatchSize, Dataset, EvaluationSet, PaddingRule, SpecialTokens, WordPieceTokenizer, batches_by_length};
use crate::decode::{self, Decoding, ScoredSpan, WordPieceSpan, flat_reading, join_windows};
use crate::device::Device;
use crate::kernels::Kernels;
use crate::metric::Scores;
use crate::model::MrcModel;
use crate::progress::{Reporter, Task};
use queued_batch::QueuedBatch;

/// How a dataset is read.
#[derive(Debug, Clone, Copy)]
pub struct InferenceSettings {
    /// Ids of the special tokens.
    pub special: SpecialTokens,
    /// What a batch may hold.
    pub batch: BatchSize,
    /// How batches are padded.
    pub padding: PaddingRule,
    /// Probability above which a word piece starts or ends a span; with a nested model, above which a pair is a span.
    pub threshold: f32,
    /// Which end a start takes; of no effect on a nested model.
    pub decoding: Decoding,
    /// Word pieces, with padding, of the batches that a thread computes by itself, beside those of other threads; larger ones are computed
    /// one after the other, on all threads. 0 on a GPU.
    pub word_pieces_per_thread: usize,
}

/// [`InferenceSettings::word_pieces_per_thread`] of the CPU: memory for a batch on each thread stays small beside that of the weights.
const WORD_PIECES_PER_THREAD: usize = 4096;

/// Sequences that a thread computes at a time: few enough that their hidden states stay in its cache, and that no thread waits for the last
/// batch of another for long.
const SEQUENCES_PER_THREAD: usize = 16;

/// Batches of a thread between two reports of progress.
const BATCHES_PER_THREAD: usize = 4;

impl InferenceSettings {
    /// Settings with threshold 0.5: what is more likely than not is a span.
    pub fn new(tokenizer: &WordPieceTokenizer, batch: BatchSize, decoding: Decoding, device: Device) -> Self {
        let word_pieces_per_thread = if device == Device::Cpu { WORD_PIECES_PER_THREAD } else { 0 };
        Self { special: tokenizer.special_tokens(), batch, padding: device.into(), threshold: 0.5, decoding, word_pieces_per_thread }
    }

    /// Word pieces of a batch, with padding.
    fn word_pieces(&self, dataset: &Dataset, indices: &[usize]) -> usize {
        let longest = indices.iter().map(|&index| dataset.sequences[index].length()).max().unwrap_or(0);
        indices.len() * self.padding.padded(longest)
    }

    /// A batch of the sequences with these indices.
    pub fn batch(&self, dataset: &Dataset, indices: &[usize]) -> Batch {
        Batch::new(&dataset.sequences, indices, self.special, self.padding)
    }
}

/// Scores of a model on a set. Reports the triples that are done.
///
/// # Errors
/// The set cannot be read.
pub fn evaluate<B: Kernels>(
    model: &MrcModel<B>,
    set: &EvaluationSet<'_>,
    settings: InferenceSettings,
    device: &B::Device,
    reporter: &dyn Reporter,
) -> Result<Scores> {
    let task = Task::start(reporter, "predicting", set.triples());
    let mut scores = Scores::default();
    set.for_each(|data| {
        add_scores(&mut scores, data, &predict_spans(model, data, settings, device, &task));
        Ok(())
    })?;
    Ok(scores)
}

/// Predicts the spans of each triple, in the order of the triples; those of a triple by position. They overlap only if the model
/// is nested. `task` counts triples.
///
/// Memory: a batch at a time, on the CPU one of [`word_pieces_per_thread`](InferenceSettings::word_pieces_per_thread) for each thread, and the spans.
pub fn predict_spans<B: Kernels>(
    model: &MrcModel<B>,
    dataset: &Dataset,
    settings: InferenceSettings,
    device: &B::Device,
    task: &Task<'_>,
) -> Vec<Vec<ScoredSpan>> {
    let by_sequence = spans_by_sequence(model, dataset, settings, device, task);
    join_sequences(dataset, by_sequence, model.is_nested())
}

/// Spans of each sequence, in word pieces of its whole context.
fn spans_by_sequence<B: Kernels>(
    model: &MrcModel<B>,
    dataset: &Dataset,
    settings: InferenceSettings,
    device: &B::Device,
    task: &Task<'_>,
) -> Vec<Vec<WordPieceSpan>> {
    let batches = batches_by_length(&dataset.sequences, 0..dataset.sequences.len(), settings.batch, settings.padding);
    let mut spans: Vec<Vec<WordPieceSpan>> = vec![Vec::new(); dataset.sequences.len()];
    let mut store = |(batch, decoded): (Batch, Vec<Vec<WordPieceSpan>>)| {
        for (decoded, &index) in decoded.into_iter().zip(&batch.sequences) {
            let start = dataset.sequences[index].window.start;
            let shift = |span: WordPieceSpan| WordPieceSpan { first: span.first + start, last: span.last + start, ..span };
            spans[index] = decoded.into_iter().map(shift).collect();
        }
        // A triple is counted with its first window.
        task.step(batch.sequences.iter().filter(|&&index| dataset.sequences[index].window.start == 0).count());
    };
    let queue = |indices: &[usize]| QueuedBatch::new(model, settings.batch(dataset, indices), device);
    let (threshold, decoding) = (decode::logit(settings.threshold), settings.decoding);
    // Batches are sorted by length.
    let is_long = |indices: &Vec<usize>| settings.word_pieces(dataset, indices) > settings.word_pieces_per_thread;
    let (long, short) = batches.split_at(batches.partition_point(is_long));
    // The logits of a batch are fetched when the next batch is queued, so that the device does not idle.
    let mut queued: Option<QueuedBatch<B>> = None;
    for batch in long.iter().map(|indices| queue(indices)) {
        queued.replace(batch).into_iter().for_each(|before| store(before.decode(threshold, decoding)));
    }
    queued.into_iter().for_each(|last| store(last.decode(threshold, decoding)));
    let short: Vec<&[usize]> = short.iter().flat_map(|indices| indices.chunks(SEQUENCES_PER_THREAD)).collect();
    for group in short.chunks(BATCHES_PER_THREAD * rayon::current_num_threads()) {
        let decoded: Vec<_> = group.par_iter().map(|indices| queue(indices).decode(threshold, decoding)).collect();
        decoded.into_iter().for_each(&mut store);
    }
    spans
}

/// Spans of each triple in chars: the windows of its context joined.
fn join_sequences(dataset: &Dataset, by_sequence: Vec<Vec<WordPieceSpan>>, nested: bool) -> Vec<Vec<ScoredSpan>> {
    let mut by_triple = Vec::with_capacity(dataset.gold.len());
    let mut sequences = dataset.sequences.iter().zip(by_sequence).peekable();
    while let Some((sequence, spans)) = sequences.next() {
        let mut windows: Vec<(Range<usize>, Vec<WordPieceSpan>)> = vec![(sequence.window.clone(), spans)];
        while let Some((next, spans)) = sequences.next_if(|(next, _)| next.triple == sequence.triple) {
            windows.push((next.window.clone(), spans));
        }
        let offsets = dataset.offsets_of(sequence);
        let to_chars = |span: &WordPieceSpan| ScoredSpan { start: offsets[span.first].0, end: offsets[span.last].1, score: span.score };
        let spans = join_windows(&windows, offsets.len(), nested).iter().map(to_chars).collect();
        by_triple.push(if nested { distinct(spans) } else { disjoint(spans) });
    }
    by_triple
}

/// Spans by position, of those with the same chars the surest: several word pieces may lie on one char, as the jamo of a Hangul syllable.
fn distinct(mut spans: Vec<ScoredSpan>) -> Vec<ScoredSpan> {
    spans.sort_by(|a, b| (a.start, a.end).cmp(&(b.start, b.end)).then(b.score.total_cmp(&a.score)));
    spans.dedup_by_key(|span| (span.start, span.end));
    spans
}

/// Spans of which none overlaps another one: word pieces of two spans may lie on one char, and the surer span stays.
fn disjoint(spans: Vec<ScoredSpan>) -> Vec<ScoredSpan> {
    if spans.windows(2).all(|pair| pair[0].end <= pair[1].start) {
        return spans;
    }
    flat_reading(&spans).into_iter().map(|index| spans[index]).collect()
}

/// Adds the scores of predicted spans against the dataset's gold spans; `predictions` holds those of each triple.
pub fn add_scores(scores: &mut Scores, dataset: &Dataset, predictions: &[Vec<ScoredSpan>]) {
    for (gold, predicted) in dataset.gold.iter().zip(predictions) {
        let predicted: Vec<(u32, u32)> = predicted.iter().map(|span| (span.start, span.end)).collect();
        let counts = scores.labels.entry(dataset.labels[gold.label as usize].clone()).or_default();
        counts.add(&predicted, &gold.spans);
    }
}

/// A predicted span as a span of a triple with this context, of origin `model`.
pub fn to_model_span(span: ScoredSpan, context: &str) -> Span {
    let ScoredSpan { start, end, score } = span;
    let text = char_slice(context, start, end).unwrap_or_default().to_owned();
    Span { start, end, text, origin: Origin::Model, score: Some(score) }
}

#[cfg(test)]
mod seqeval_tests;

#[cfg(test)]
mod tests {
    use std::slice;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::data::{GoldSpans, Sequence, TripleEncoder, WordCounts};
    use schemas::Triple;

    /// A triple whose context has word pieces at these chars, in these windows.
    fn dataset(offsets: &[(u32, u32)], windows: &[Range<usize>]) -> Dataset {
        let sequence = |window: &Range<usize>| Sequence {
            triple: 7,
            query: Default::default(),
            context: vec![9; offsets.len()].into(),
            window: window.clone(),
            answers: Vec::new(),
            answers_before: 0,
        };
        Dataset {
            first_triple: 7,
            offsets: vec![offsets.into()],
            sequences: windows.iter().map(sequence).collect(),
            gold: vec![GoldSpans { label: 0, spans: vec![(0, 4), (5, 9)] }],
            labels: vec!["PER".to_owned()],
            ..Dataset::default()
        }
    }

    fn span(first: usize, last: usize) -> WordPieceSpan {
        WordPieceSpan { first, last, score: 0.5 }
    }

    #[test]
    fn word_pieces_become_chars() {
        let dataset = dataset(&[(0, 2), (2, 4), (5, 9)], slice::from_ref(&(0..3)));
        let spans = join_sequences(&dataset, vec![vec![span(0, 1), span(2, 2)]], false);
        let expected = |start, end| ScoredSpan { start, end, score: 0.5 };
        assert_eq!(spans, [[expected(0, 4), expected(5, 9)]]);
        let f1 = |spans: &[Vec<ScoredSpan>]| {
            let mut scores = Scores::default();
            add_scores(&mut scores, &dataset, spans);
            scores.micro().f1()
        };
        assert_eq!((f1(&spans), f1(&[vec![expected(0, 4), expected(5, 8)]])), (1.0, 0.5));
    }

    #[test]
    fn windows_of_a_context_are_joined() {
        let offsets: Vec<(u32, u32)> = (0..6).map(|at| (2 * at, 2 * at + 1)).collect();
        let dataset = dataset(&offsets, &[0..4, 2..6]);
        // (3, 3) ends the first window and is second in the second one, which does not have it.
        let spans = join_sequences(&dataset, vec![vec![span(0, 1), span(3, 3)], vec![span(4, 5)]], false);
        let chars: Vec<(u32, u32)> = spans[0].iter().map(|span| (span.start, span.end)).collect();
        assert_eq!(chars, [(0, 3), (8, 11)]);
    }

    /// Encodes a triple with this answer and gives the answer's word pieces back as chars, as if the model had found them. Returns
    /// that slice of the context, and whether the answer was counted as widened.
    fn round_trip(lowercase: bool, context: &str, answer: &str) -> (String, bool) {
        round_trip_at(lowercase, context, answer, context[..context.find(answer).unwrap()].chars().count() as u32)
    }

    fn round_trip_at(lowercase: bool, context: &str, answer: &str, start: u32) -> (String, bool) {
        let mut words = WordCounts::new(lowercase);
        words.add(context).unwrap();
        let tokenizer = WordPieceTokenizer::learn(&words).unwrap();
        let end = start + answer.chars().count() as u32;
        let gold = Span { start, end, text: answer.to_owned(), origin: Origin::Gold, score: None };
        let triple = Triple { query: "who".to_owned(), context: context.to_owned(), spans: vec![gold], ..Triple::default() };
        let dataset = TripleEncoder::new(&tokenizer, 99).encode(&[triple]).unwrap();
        let (first, last) = dataset.sequences[0].answers[0];
        let spans = join_sequences(&dataset, vec![vec![span(first as usize, last as usize)]], false);
        (to_model_span(spans[0][0], context).text, dataset.counts.widened > 0)
    }

    #[test]
    fn spans_of_any_script_are_slices_of_the_context() {
        for (context, answer) in [
            ("在北京。", "北京"),
            ("𠮷野家 は", "𠮷野家"),
            ("나는 서울에 산다", "서울에"),
            ("ÖDÖN was here", "ÖDÖN"),
            // A letter of which lower case makes two.
            ("İstanbul is here", "İstanbul"),
            ("ﬁne ＩＢＭ", "ＩＢＭ"),
            ("e\u{301}te\u{301}s a\u{300} Paris", "e\u{301}te\u{301}s"),
        ] {
            for lowercase in [false, true] {
                assert_eq!(round_trip(lowercase, context, answer), (answer.to_owned(), false), "{context}, lower case: {lowercase}");
            }
        }
    }

    /// Words of many scripts, with marks that lower-casing removes at their ends, with chars of several word pieces, and with chars that
    /// are always removed.
    const WORDS: [&str; 24] = [
        "Zoe\u{308}",
        "e\u{301}te\u{301}",
        "सिन्धु",
        "नई",
        "தமிழ்",
        "ไทย",
        "กรุงเทพฯ",
        "เมือง",
        "ខ្មែរ",
        "မြန်မာ",
        "서울",
        "각하",
        "مُحَمَّد",
        "שָׁלוֹם",
        "\u{200f}דוד",
        "Київ",
        "İstanbul",
        "ﬁne",
        "中\u{fe00}国",
        "👩\u{200d}🔬",
        "Sch\u{ad}iff",
        "한글\u{301}",
        "ക്ഷ\u{200d}",
        "O'Neil.",
    ];

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn labels_of_words_come_back_in_any_script(words in vec(0..WORDS.len(), 1..8), (first, count) in (0usize..8, 1usize..4), lowercase: bool) {
            let words: Vec<&str> = words.into_iter().map(|word| WORDS[word]).collect();
            let (first, last) = (first % words.len(), (first % words.len() + count).min(words.len()));
            // The answer stands for itself alone, wherever its words are repeated.
            let before: String = words[..first].iter().map(|word| format!("{word} ")).collect();
            let answer = words[first..last].join(" ");
            let context = format!("{before}{answer} {}", words[last..].join(" "));
            let start = before.chars().count() as u32;
            prop_assert_eq!(round_trip_at(lowercase, &context, &answer, start), (answer, false));
        }
    }

    #[test]
    fn word_pieces_on_one_char_give_one_span() {
        // Three jamo of one syllable, of which the model finds the first and the last, and a syllable behind it.
        let offsets = [(0, 1), (0, 1), (0, 1), (1, 2)];
        let (sure, unsure) = (WordPieceSpan { score: 0.9, ..span(2, 3) }, span(0, 0));
        for (nested, found, expected) in [
            (false, vec![span(0, 0), span(2, 2)], &[(0, 1)][..]),
            (false, vec![unsure, sure], &[(0, 2)]),
            (true, vec![span(0, 0), span(0, 2), span(0, 3), span(1, 3)], &[(0, 1), (0, 2)]),
        ] {
            let spans = join_sequences(&dataset(&offsets, slice::from_ref(&(0..4))), vec![found], nested);
            let chars: Vec<(u32, u32)> = spans[0].iter().map(|span| (span.start, span.end)).collect();
            assert_eq!(chars, expected);
        }
    }
}
