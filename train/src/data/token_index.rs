//! Where each vocabulary id occurs in a batch.

/// Positions of a padded batch, grouped by the vocabulary id that stands there (compressed sparse rows).
///
/// The gradient of the embedding table is summed with it row by row, in a fixed order. Padding is left out: its gradient is 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenIndex {
    /// The ids that occur, ascending.
    pub ids: Vec<i32>,
    /// Where each id's positions start in [`Self::positions`], and at the end where the last id's positions end.
    pub starts: Vec<i32>,
    /// Positions among the `batch * length` tokens of the batch, by id, ascending within an id.
    pub positions: Vec<i32>,
}

impl TokenIndex {
    /// The index of a batch: its `batch * length` ids, its padded length and the length of each sequence without padding.
    pub fn new(ids: &[i32], padded_length: usize, lengths: &[usize]) -> Self {
        let real = lengths.iter().enumerate().flat_map(|(row, &length)| row * padded_length..row * padded_length + length);
        let mut positions: Vec<i32> = real.map(|position| position as i32).collect();
        positions.sort_by_key(|&position| ids[position as usize]);
        let (mut distinct, mut starts) = (Vec::new(), Vec::new());
        for (at, &position) in positions.iter().enumerate() {
            let id = ids[position as usize];
            if distinct.last() != Some(&id) {
                distinct.push(id);
                starts.push(at as i32);
            }
        }
        starts.push(positions.len() as i32);
        Self { ids: distinct, starts, positions }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_grouped_by_id_without_padding() {
        let index = TokenIndex::new(&[7, 3, 0, 0, 7, 7, 3, 9], 4, &[2, 4]);
        assert_eq!(index, TokenIndex { ids: vec![3, 7, 9], starts: vec![0, 2, 5, 6], positions: vec![1, 6, 0, 4, 5, 7] });
    }
}
