//! Counts of distinct items in bounded memory.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};

/// Most items that are held.
const MOST: usize = 1 << 18;

/// The distinct items of a set, by their hashes: all of them, or where there are too many, those whose hash ends with so many
/// zeros (adaptive sampling: Flajolet 1990). Numbers are then estimates, within some 1 %.
///
/// Memory: at most some 10 MB.
#[derive(Debug, Default)]
pub struct DistinctSample {
    /// Zeros that a hash must end with.
    zeros: u32,
    items: HashMap<u64, Item>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Item {
    count: u64,
    is_shared: bool,
}

/// The hash of an item; the same in each run.
pub fn hash(item: impl Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(item)
}

impl DistinctSample {
    /// Adds an item by its [`hash`].
    pub fn add(&mut self, hash: u64) {
        if hash.trailing_zeros() < self.zeros {
            return;
        }
        self.items.entry(hash).or_default().count += 1;
        while self.items.len() > MOST {
            self.zeros += 1;
            self.items.retain(|hash, _| hash.trailing_zeros() >= self.zeros);
        }
    }

    /// Says that another set holds the item of this hash.
    pub fn mark_shared(&mut self, hash: u64) {
        if let Some(item) = self.items.get_mut(&hash) {
            item.is_shared = true;
        }
    }

    /// Number of distinct items.
    pub fn distinct(&self) -> u64 {
        (self.items.len() as u64) << self.zeros
    }

    /// Number of items that were added before.
    pub fn copies(&self) -> u64 {
        self.items.values().map(|item| item.count - 1).sum::<u64>() << self.zeros
    }

    /// Number of distinct items that another set holds too.
    pub fn shared(&self) -> u64 {
        (self.items.values().filter(|item| item.is_shared).count() as u64) << self.zeros
    }

    /// Whether all items are held, so that the numbers are no estimates.
    pub fn is_exact(&self) -> bool {
        self.zeros == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(distinct: u64) -> DistinctSample {
        let mut sample = DistinctSample::default();
        // Every third item comes twice.
        (0..distinct).for_each(|item| (0..1 + u64::from(item % 3 == 0)).for_each(|_| sample.add(hash(item))));
        (0..distinct / 4).for_each(|item| sample.mark_shared(hash(item)));
        sample
    }

    #[test]
    fn few_items_are_counted_exactly() {
        let sample = sample(3000);
        assert_eq!((sample.is_exact(), sample.distinct(), sample.copies(), sample.shared()), (true, 3000, 1000, 750));
    }

    #[test]
    fn many_items_are_estimated_in_bounded_memory() {
        let sample = sample(1_500_000);
        assert!(!sample.is_exact() && sample.items.len() <= MOST);
        for (found, expected) in [(sample.distinct(), 1_500_000.0), (sample.copies(), 500_000.0), (sample.shared(), 375_000.0)] {
            assert!((found as f64 / expected - 1.0).abs() < 0.02, "{found}, expected {expected}");
        }
    }
}
