//! Chooses sample rows that are spread evenly over a folder.

use polars::prelude::{DataFrame, LazyFrame};

/// Samples `count` of the rows of interest, each as a frame of one row. `rows_by_chunk` is the number of rows of interest in each chunk,
/// and `rows_of_interest` reads those of one chunk.
///
/// # Errors
/// A chunk cannot be read.
pub fn sample_rows(
    rows_by_chunk: &[u64],
    count: usize,
    rows_of_interest: impl Fn(usize) -> anyhow::Result<LazyFrame>,
) -> anyhow::Result<Vec<DataFrame>> {
    let mut rows = Vec::new();
    for positions in spread_evenly(rows_by_chunk, count).chunk_by(|one, other| one.0 == other.0) {
        let chunk = rows_of_interest(positions[0].0)?.collect()?;
        for (_, row) in positions {
            rows.push(chunk.slice(i64::try_from(*row)?, 1));
        }
    }
    Ok(rows)
}

/// Positions of samples as (chunk, row within its rows of interest).
fn spread_evenly(rows_by_chunk: &[u64], count: usize) -> Vec<(usize, u64)> {
    let total: u64 = rows_by_chunk.iter().sum();
    let count = (count as u64).min(total);
    let mut chunk_start = 0;
    let mut chunks = rows_by_chunk.iter().enumerate().peekable();
    let mut positions = Vec::new();
    for number in 0..count {
        // In u128, since total * number may overflow a u64.
        let row = (u128::from(total) * u128::from(number) / u128::from(count)) as u64;
        while let Some((_, rows)) = chunks.next_if(|(_, rows)| row >= chunk_start + **rows) {
            chunk_start += rows;
        }
        let (chunk, _) = chunks.peek().expect("a row below the total is in a chunk");
        positions.push((*chunk, row - chunk_start));
    }
    positions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_spread_evenly() {
        for (rows_by_chunk, count, expected) in [
            (&[10u64][..], 2, &[(0, 0), (0, 5)][..]),
            (&[3, 0, 3], 3, &[(0, 0), (0, 2), (2, 1)]),
            (&[1, 1], 9, &[(0, 0), (1, 0)]),
            (&[], 3, &[]),
            (&[0, 4], 1, &[(1, 0)]),
        ] {
            assert_eq!(spread_evenly(rows_by_chunk, count), expected, "{rows_by_chunk:?} {count}");
        }
    }
}
