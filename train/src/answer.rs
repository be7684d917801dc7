//! A reader at work: sequences in, answers in chars out.

use anyhow::Result;
use burn::tensor::Tensor;

use schemas::char_slice;
use schemas::{Origin, Span};

use crate::data::batch::Specials;
use crate::data::{Batch, BatchSize, DataSet, WordPieces, batches_by_length};
use crate::decode::{self, TokenSpan};
use crate::device::Device;
use crate::metric::Scores;
use crate::model::{Dropouts, Kernels, Margins, Reader};
use crate::report::{Reporter, Task};

/// An answer of the reader: chars of the context, half-open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// First char.
    pub start: u32,
    /// One past the last char.
    pub end: u32,
    /// How sure the reader is, from 0 to 1: `P(start) · P(end)`, or of a nested reader the probability of the pair.
    pub score: f32,
}

impl Answer {
    /// As a span of a triple with this context.
    pub fn to_span(self, context: &str) -> Span {
        let text = char_slice(context, self.start, self.end).unwrap_or_default().to_owned();
        Span { start: self.start, end: self.end, text, origin: Origin::Model, score: Some(self.score) }
    }
}

/// How to read.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// Numbers of the special pieces.
    pub specials: Specials,
    /// What is read at once.
    pub batch: BatchSize,
    /// Where it reads: what lengths are padded to.
    pub device: Device,
    /// Probability above which a piece starts or ends an answer, or of a nested reader, above which a pair is one.
    pub threshold: f32,
}

impl Reading {
    /// What is more likely than not is an answer.
    pub fn new(pieces: &WordPieces, batch: BatchSize, device: Device) -> Self {
        Self { specials: pieces.into(), batch, device, threshold: 0.5 }
    }

    /// A batch of sequences at these positions.
    pub fn batch(&self, data: &DataSet, numbers: &[usize]) -> Batch {
        Batch::new(&data.sequences, numbers, self.specials, self.device)
    }
}

/// The answers to each triple, in their order, each triple's by offset; they overlap only if the reader finds nested ones.
///
/// # Errors
/// None that input can cause; those of the backend.
pub fn answers<B: Kernels>(
    reader: &Reader<B>,
    data: &DataSet,
    reading: Reading,
    device: &B::Device,
    reporter: &dyn Reporter,
) -> Result<Vec<Vec<Answer>>> {
    let batches = batches_by_length(&data.sequences, 0..data.sequences.len(), reading.batch, reading.device);
    let mut spans: Vec<Vec<TokenSpan>> = vec![Vec::new(); data.sequences.len()];
    let task = Task::start(reporter, "predicting", batches.len());
    let least = decode::margin(reading.threshold);
    let mut take = |batch: &Batch, found: Vec<Vec<TokenSpan>>| {
        for (found, &number) in found.into_iter().zip(&batch.numbers) {
            let from = data.sequences[number].window.start;
            let shift = |span: TokenSpan| TokenSpan { first: span.first + from, last: span.last + from, ..span };
            spans[number] = found.into_iter().map(shift).collect();
        }
        task.step();
    };
    let flat = |batch: &Batch, margins: Margins<B>| -> Vec<Vec<TokenSpan>> {
        let (starts, ends) = (values(margins.start), values(margins.end));
        batch.contexts.iter().map(|rows| decode::flat(&starts[rows.clone()], &ends[rows.clone()], least)).collect()
    };
    // A batch is waited for when the next one is under way.
    let mut under_way: Option<(Batch, Margins<B>)> = None;
    for numbers in &batches {
        let batch = reading.batch(data, numbers);
        let hidden = reader.bert.forward(&batch.input(device), &mut Dropouts::off());
        if reader.is_nested() {
            // One at a time: a context's pairs take much memory.
            let pairs = |row| reader.pairs(hidden.clone(), batch.context_rows(row, device), &mut Dropouts::off());
            let pairs = (0..batch.size).map(|row| pairs(row).map_or_else(Vec::new, values));
            let found = pairs.zip(&batch.contexts).map(|(pairs, context)| decode::nested(&pairs, context.len(), least)).collect();
            take(&batch, found);
        } else if let Some((batch, margins)) = under_way.replace((batch, reader.margins(hidden))) {
            take(&batch, flat(&batch, margins));
        }
    }
    if let Some((batch, margins)) = under_way {
        take(&batch, flat(&batch, margins));
    }
    drop(task);

    let mut answers = Vec::with_capacity(data.golds.len());
    let mut windows = data.sequences.iter().zip(spans).peekable();
    while let Some((sequence, spans)) = windows.next() {
        let mut of_triple = vec![(sequence.window.clone(), spans)];
        while let Some((next, spans)) = windows.next_if(|(next, _)| next.triple == sequence.triple) {
            of_triple.push((next.window.clone(), spans));
        }
        let offsets = &sequence.context.offsets;
        let joined = decode::join_windows(&of_triple, offsets.len(), reader.is_nested());
        answers.push(
            joined.iter().map(|span| Answer { start: offsets[span.first].0, end: offsets[span.last].1, score: span.score }).collect(),
        );
    }
    Ok(answers)
}

/// Scores of answers against a data set's own.
pub fn score(data: &DataSet, answers: &[Vec<Answer>]) -> Scores {
    let mut scores = Scores::default();
    for (gold, answers) in data.golds.iter().zip(answers) {
        let predicted: Vec<(u32, u32)> = answers.iter().map(|answer| (answer.start, answer.end)).collect();
        let counts = scores.labels.entry(data.labels[gold.label as usize].clone()).or_default();
        counts.add(&predicted, &gold.spans);
    }
    scores
}

fn values<B: Kernels>(margins: Tensor<B, 1>) -> Vec<f32> {
    margins.into_data().convert::<f32>().to_vec().expect("converted to f32")
}
