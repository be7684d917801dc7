//! A reader at work: sequences in, answers in chars out.

use anyhow::Result;
use burn::tensor::Tensor;

use crate::data::batch::Specials;
use crate::data::{Batch, BatchSize, DataSet, batches_by_length};
use crate::decode::{TokenSpan, flat, join_windows};
use crate::metric::Scores;
use crate::model::{Dropouts, Kernels, Reader};
use crate::progress::Progress;

/// An answer of the reader: chars of the context, half-open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// First char.
    pub start: u32,
    /// One past the last char.
    pub end: u32,
    /// `P(start) · P(end)`.
    pub score: f32,
}

/// How to read.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// Numbers of the special pieces.
    pub specials: Specials,
    /// What is read at once.
    pub batch: BatchSize,
    /// What lengths are rounded up to.
    pub length_multiple: usize,
    /// Show no progress.
    pub quiet: bool,
}

/// The answers to each triple, in their order, each triple's by offset and not overlapping.
///
/// # Errors
/// None that input can cause; those of the backend.
pub fn answers<B: Kernels>(reader: &Reader<B>, data: &DataSet, reading: Reading, device: &B::Device) -> Result<Vec<Vec<Answer>>> {
    let batches = batches_by_length(&data.sequences, reading.batch);
    let mut spans: Vec<Vec<TokenSpan>> = vec![Vec::new(); data.sequences.len()];
    let mut progress = Progress::start("evaluating", batches.len(), reading.quiet);
    for numbers in &batches {
        let batch = Batch::new(&data.sequences, numbers, reading.specials, reading.length_multiple);
        let margins = reader.forward(&batch.input(device), &mut Dropouts::off());
        let (starts, ends) = (values(margins.start), values(margins.end));
        for (row, &number) in numbers.iter().enumerate() {
            let sequence = &data.sequences[number];
            let from = row * batch.length + sequence.context_start();
            let window = from..from + sequence.window.len();
            let shift =
                |span: TokenSpan| TokenSpan { first: span.first + sequence.window.start, last: span.last + sequence.window.start, ..span };
            spans[number] = flat(&starts[window.clone()], &ends[window]).into_iter().map(shift).collect();
        }
        progress.step(String::new);
    }
    drop(progress);

    let mut answers = Vec::with_capacity(data.golds.len());
    let mut windows = data.sequences.iter().zip(spans).peekable();
    while let Some((sequence, spans)) = windows.next() {
        let mut of_triple = vec![(sequence.window.clone(), spans)];
        while let Some((next, spans)) = windows.next_if(|(next, _)| next.triple == sequence.triple) {
            of_triple.push((next.window.clone(), spans));
        }
        let offsets = &sequence.context.offsets;
        let joined = join_windows(&of_triple, offsets.len());
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
