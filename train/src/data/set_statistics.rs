//! What a folder of triples holds, counted as it is read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use schemas::{RowSlice, ShardFolder, Triple, TripleViews};

use super::dataset::EncodingCounts;
use super::distinct_sample::{DistinctSample, hash};
use super::encode::{COLUMNS, TripleEncoder};
use super::in_order::in_order;
use super::triple_folder::TripleFolder;

/// Numbers of a folder of triples.
///
/// Memory: some 30 MB at most, beside labels and queries.
#[derive(Debug, Default)]
pub struct SetStatistics {
    /// Triples.
    pub triples: u64,
    /// Contexts, each counted once where neighbouring triples share it.
    pub sentences: u64,
    /// Triples and answers of each label.
    pub labels: BTreeMap<String, LabelCounts>,
    /// The labels that each query asks for.
    pub queries: BTreeMap<String, BTreeSet<String>>,
    /// How its triples and answers become sequences; nothing without a tokenizer.
    pub encoding: EncodingCounts,
    /// Number of sequences of each length in word pieces; nothing without a tokenizer.
    pub lengths: BTreeMap<usize, u64>,
    /// Texts of its answers.
    pub names: DistinctSample,
    /// Its contexts.
    pub contexts: DistinctSample,
    /// Its triples: context and label.
    pub questions: DistinctSample,
}

/// Triples and answers of a label.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LabelCounts {
    /// Triples.
    pub triples: u64,
    /// Answers.
    pub answers: u64,
}

/// What a slice holds.
#[derive(Default)]
struct SlicePart {
    triples: u64,
    labels: BTreeMap<String, LabelCounts>,
    queries: BTreeMap<String, BTreeSet<String>>,
    encoding: EncodingCounts,
    lengths: BTreeMap<usize, u64>,
    /// Hashes.
    names: Vec<u64>,
    contexts: Vec<u64>,
    questions: Vec<u64>,
}

impl SetStatistics {
    /// Reads a folder on all threads, tokenised if there is an encoder. Items that `others` hold too are marked there.
    ///
    /// # Errors
    /// A folder that is missing, not complete or not of triples; a query that leaves no room for a context.
    pub fn read(dir: &Path, encoder: Option<TripleEncoder<'_>>, others: &mut [&mut Self]) -> Result<Self> {
        let folder = ShardFolder::open::<Triple>(dir)?;
        let mut all = Self::default();
        let read = |slice: &RowSlice| -> Result<SlicePart> {
            let batches = folder.read_slice(slice, Some(&COLUMNS))?;
            SlicePart::of(&batches, encoder).with_context(|| format!("cannot read {}", folder.shard_of(slice).display()))
        };
        in_order(&folder.slices(TripleFolder::SLICE)?, read, |part| {
            all.add(&part);
            for other in &mut *others {
                part.names.iter().for_each(|&name| other.names.mark_shared(name));
                part.contexts.iter().for_each(|&context| other.contexts.mark_shared(context));
            }
            Ok(())
        })?;
        Ok(all)
    }

    fn add(&mut self, part: &SlicePart) {
        self.triples += part.triples;
        self.sentences += part.contexts.len() as u64;
        for (label, counts) in &part.labels {
            let sum = self.labels.entry(label.clone()).or_default();
            sum.triples += counts.triples;
            sum.answers += counts.answers;
        }
        for (query, labels) in &part.queries {
            self.queries.entry(query.clone()).or_default().extend(labels.iter().cloned());
        }
        self.encoding += part.encoding;
        part.lengths.iter().for_each(|(&length, count)| *self.lengths.entry(length).or_default() += count);
        part.names.iter().for_each(|&name| self.names.add(name));
        part.contexts.iter().for_each(|&context| self.contexts.add(context));
        part.questions.iter().for_each(|&question| self.questions.add(question));
    }

    /// Answers of all labels.
    pub fn answers(&self) -> u64 {
        self.labels.values().map(|counts| counts.answers).sum()
    }

    /// The length that a share of the sequences does not exceed, in word pieces.
    pub fn length_at(&self, share: f64) -> usize {
        let wanted = (self.lengths.values().sum::<u64>() as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (&length, count) in &self.lengths {
            seen += count;
            if seen >= wanted {
                return length;
            }
        }
        0
    }
}

impl SlicePart {
    fn of(batches: &[RecordBatch], encoder: Option<TripleEncoder<'_>>) -> Result<Self> {
        let mut part = Self::default();
        let mut last: Option<u64> = None;
        for batch in batches {
            for triple in TripleViews::new(batch, &COLUMNS)?.iter() {
                part.triples += 1;
                let (context, label) = (hash(triple.context()), triple.label());
                if last.replace(context) != Some(context) {
                    part.contexts.push(context);
                }
                part.questions.push(hash((context, label)));
                if !part.labels.contains_key(label) {
                    part.labels.insert(label.to_owned(), LabelCounts::default());
                }
                if let Some(counts) = part.labels.get_mut(label) {
                    counts.triples += 1;
                    counts.answers += triple.span_offsets().len() as u64;
                }
                if part.queries.get(triple.query()).is_none_or(|labels| !labels.contains(label)) {
                    part.queries.entry(triple.query().to_owned()).or_default().insert(label.to_owned());
                }
                part.names.extend(triple.trimmed_spans().map(|(_, _, text)| hash(text)));
            }
        }
        if let Some(encoder) = encoder {
            let data = encoder.encode_batches(0, batches)?;
            part.encoding = data.counts;
            data.sequences.iter().for_each(|sequence| *part.lengths.entry(sequence.length()).or_default() += 1);
        }
        Ok(part)
    }
}
