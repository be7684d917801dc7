//! Where the triples of a batch are gathered.

use std::collections::BTreeMap;

use schemas::TripleBuilder;

use crate::counters::Counters;

/// Triples by partition, with what was counted while they were made.
#[derive(Default)]
pub struct TripleSink {
    /// The triples by the number of their partition; all are in partition 0 unless they are put into buckets.
    pub partitions: BTreeMap<usize, TripleBuilder>,
    /// Sentences and spans, kept or skipped by reason.
    pub counters: Counters,
    /// Numbers of the gazetteer names that were matched, once for each match.
    pub matches: Vec<u32>,
}
