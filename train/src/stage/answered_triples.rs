//! The triples of a folder that have answers, or a sample of them: what stage 3 clusters.

use anyhow::{Context, Result};
use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use schemas::{RowSlice, TripleViews};

use crate::data::{Dataset, TripleFolder, in_order};

/// The columns that are read.
pub const COLUMNS: [&str; 6] = ["id", "label", "query", "context", "spans.start", "spans.end"];

/// Of these, the offsets of the answers.
const OFFSETS: [&str; 2] = ["spans.start", "spans.end"];

/// Triples with answers, tokenised.
pub struct AnsweredTriples {
    /// Number of each triple in its folder.
    pub rows: Vec<u64>,
    /// The triples, with the columns [`COLUMNS`].
    pub batches: Vec<RecordBatch>,
    /// The triples, counted from 0.
    pub data: Dataset,
}

impl AnsweredTriples {
    /// Reads the triples of a slice that have answers and whose number in the folder `is_chosen`; the others are not tokenised.
    ///
    /// # Errors
    /// As [`TripleFolder::encode`].
    pub fn read(folder: &TripleFolder<'_>, slice: &RowSlice, is_chosen: impl Fn(u64) -> bool) -> Result<Self> {
        let shard = || format!("cannot encode {}", folder.shards().shard_of(slice).display());
        let (mut rows, mut batches) = (Vec::new(), Vec::new());
        let mut row = slice.first_row;
        for batch in folder.shards().read_slice(slice, Some(&COLUMNS))? {
            let views = TripleViews::new(&batch, &OFFSETS).with_context(shard)?;
            let chosen: Vec<bool> =
                (row..).zip(views.iter()).map(|(row, triple)| triple.span_offsets().len() > 0 && is_chosen(row)).collect();
            rows.extend((row..).zip(&chosen).filter(|(_, chosen)| **chosen).map(|(row, _)| row));
            row += batch.num_rows() as u64;
            batches.push(filter_record_batch(&batch, &BooleanArray::from(chosen)).with_context(shard)?);
        }
        let data = folder.encoder().encode_batches(0, &batches).with_context(shard)?;
        Ok(Self { rows, batches, data })
    }
}

/// Number of answers of a folder, those of all triples. Reads no other column.
///
/// # Errors
/// A shard that cannot be read.
pub fn count_answers(folder: &TripleFolder<'_>) -> Result<u64> {
    let of_slice = |slice: &RowSlice| -> Result<u64> {
        let mut answers = 0;
        for batch in folder.shards().read_slice(slice, Some(&OFFSETS))? {
            answers += TripleViews::new(&batch, &OFFSETS)?.iter().map(|triple| triple.span_offsets().len() as u64).sum::<u64>();
        }
        Ok(answers)
    };
    let mut answers = 0;
    in_order(folder.slices(), of_slice, |count| {
        answers += count;
        Ok(())
    })?;
    Ok(answers)
}

/// Chooses triples by a number between 0 and 1 that the seed gives to each: the choice depends on nothing else, so that triples can be
/// read in any order and by any thread.
#[derive(Debug, Clone, Copy)]
pub struct Chooser {
    /// The seed.
    pub seed: u64,
    /// Probability of a triple; 1 or more chooses all.
    pub probability: f64,
}

impl Chooser {
    /// Whether the triple of this number is chosen.
    pub fn chooses(self, row: u64) -> bool {
        let number = mix(mix(self.seed).wrapping_add(row)) >> 11;
        (number as f64) < self.probability * (1u64 << 53) as f64
    }
}

/// The output function of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
fn mix(seed: u64) -> u64 {
    let state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_chosen_as_asked_for_and_neighbours_do_not_go_together() {
        let chosen = |seed, probability| (0..100_000).filter(|&row| Chooser { seed, probability }.chooses(row)).collect::<Vec<u64>>();
        assert_eq!((chosen(1, 1.0).len(), chosen(1, 0.0).len()), (100_000, 0));
        let tenth = chosen(7, 0.1);
        assert!((9_600..10_400).contains(&tenth.len()), "{}", tenth.len());
        let even = tenth.iter().filter(|row| *row % 2 == 0).count() as f64 / tenth.len() as f64;
        assert!((0.48..0.52).contains(&even), "{even} of them even");
        let neighbours = tenth.windows(2).filter(|rows| rows[0] + 1 == rows[1]).count() as f64 / tenth.len() as f64;
        assert!((0.08..0.12).contains(&neighbours), "{neighbours} of them have a neighbour");
        let both = chosen(8, 0.1).iter().filter(|row| tenth.binary_search(row).is_ok()).count();
        assert!((800..1_200).contains(&both), "another seed chooses others: {both} are the same");
    }
}
