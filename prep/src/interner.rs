//! Distinct strings numbered in little memory, and a Bloom filter that answers most failed lookups from the processor's cache.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Distinct strings, numbered from 0 in the order in which they are first seen.
///
/// Memory: the bytes of the strings and about 20 bytes more for each, half as much again while the table grows. Capacity: 4 GiB of text.
///
/// ```
/// use prep::interner::Interner;
///
/// let mut titles = Interner::default();
/// assert_eq!((titles.intern("Oslo")?, titles.intern("Bergen")?, titles.intern("Oslo")?), (0, 1, 0));
/// assert_eq!((titles.get(1), titles.number("Bergen"), titles.number("Narvik")), ("Bergen", Some(1), None));
/// # Ok::<(), prep::interner::CapacityError>(())
/// ```
#[derive(Debug, Default)]
pub struct Interner {
    text: String,
    /// End of each string in `text`, by number.
    ends: Vec<u32>,
    table: HashTable<Entry>,
    hasher: DefaultHashBuilder,
    /// Filter of the hashes in `table`, once [`build_filter`](Interner::build_filter) was called.
    filter: Option<BloomFilter>,
}

/// The number of a string, with its hash: a table that grows need not read the strings again.
#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u32,
    number: u32,
}

impl Entry {
    /// A 64-bit hash for the table, which uses both the low bits and the highest ones.
    fn table_hash(&self) -> u64 {
        u64::from(self.hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// A Bloom filter with one hash function: it tells for certain that a hash is absent, and with a small error that it is present.
///
/// The high bits of the hashes decide. Memory: one or two bytes per hash, so that the filter fits into a processor's cache where the table
/// behind it does not.
#[derive(Debug)]
pub(crate) struct BloomFilter {
    bits: Vec<u64>,
    /// Number of low bits of a hash that are not used.
    shift: u32,
}

impl Default for BloomFilter {
    fn default() -> Self {
        Self::new(0, [])
    }
}

impl BloomFilter {
    /// A filter of `hashes`, with room for `count` of them.
    pub(crate) fn new(count: usize, hashes: impl IntoIterator<Item = u64>) -> Self {
        let size = (count * 8).next_power_of_two().max(64);
        let mut filter = Self { bits: vec![0; size / 64], shift: 64 - size.trailing_zeros() };
        for hash in hashes {
            let bit = filter.bit(hash);
            filter.bits[bit / 64] |= 1 << (bit % 64);
        }
        filter
    }

    fn bit(&self, hash: u64) -> usize {
        (hash >> self.shift) as usize
    }

    /// Whether the hash may be in the filter; `false` is certain.
    pub(crate) fn may_contain(&self, hash: u64) -> bool {
        let bit = self.bit(hash);
        self.bits[bit / 64] >> (bit % 64) & 1 == 1
    }
}

/// The capacity of 4 GiB of text is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than 4 GiB of names")]
pub struct CapacityError;

impl Interner {
    /// The number of a string; a new string gets the next number.
    ///
    /// # Errors
    /// [`CapacityError`] if the strings would exceed 4 GiB.
    pub fn intern(&mut self, string: &str) -> Result<u32, CapacityError> {
        let entry = Entry { hash: self.hash(string), number: u32::try_from(self.ends.len()).map_err(|_| CapacityError)? };
        if let Some(known) = self.find(entry.hash, string) {
            return Ok(known);
        }
        self.filter = None;
        self.ends.push(u32::try_from(self.text.len() + string.len()).map_err(|_| CapacityError)?);
        self.text.push_str(string);
        self.table.insert_unique(entry.table_hash(), entry, Entry::table_hash);
        Ok(entry.number)
    }

    /// Builds a Bloom filter that makes failed lookups fast, until the next string is added. Memory: one or two bytes per string.
    pub fn build_filter(&mut self) {
        self.filter = Some(BloomFilter::new(self.len(), self.table.iter().map(Entry::table_hash)));
    }

    /// The number of a string, if it was interned.
    pub fn number(&self, string: &str) -> Option<u32> {
        let hash = self.hash(string);
        let may_exist = self.filter.as_ref().is_none_or(|filter| filter.may_contain(Entry { hash, number: 0 }.table_hash()));
        may_exist.then(|| self.find(hash, string)).flatten()
    }

    fn hash(&self, string: &str) -> u32 {
        (self.hasher.hash_one(string) >> 32) as u32
    }

    fn find(&self, hash: u32, string: &str) -> Option<u32> {
        let is_same = |entry: &Entry| entry.hash == hash && self.get(entry.number) == string;
        self.table.find(Entry { hash, number: 0 }.table_hash(), is_same).map(|entry| entry.number)
    }

    /// The string of a number.
    ///
    /// # Panics
    /// If no string has this number.
    pub fn get(&self, number: u32) -> &str {
        slice(&self.text, &self.ends, number)
    }

    /// Number of strings.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether no string was interned.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All strings, ordered by number.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0u32..).take(self.len()).map(|number| self.get(number))
    }
}

/// The string of a number, where the strings are concatenated in `text` and `ends` holds the end of each.
pub(crate) fn slice<'t>(text: &'t str, ends: &[u32], number: u32) -> &'t str {
    let at = number as usize;
    let start = if at == 0 { 0 } else { ends[at - 1] };
    &text[start as usize..ends[at] as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_strings_share_a_number() {
        let mut strings = Interner::default();
        for round in 0..2 {
            for number in 0..5000u32 {
                assert_eq!(strings.intern(&format!("名 {number}")), Ok(number), "round {round}");
            }
        }
        assert_eq!(strings.len(), 5000);
        assert_eq!((strings.get(0), strings.get(4999)), ("名 0", "名 4999"));
        for filtered in [false, true] {
            assert_eq!((strings.number("名 17"), strings.number("名")), (Some(17), None), "{filtered}");
            assert!((0..5000).all(|number| strings.number(&format!("名 {number}")) == Some(number)), "{filtered}");
            strings.build_filter();
        }
        assert!(strings.iter().eq((0..5000).map(|number| format!("名 {number}"))));
        assert_eq!(strings.intern(""), Ok(5000), "the empty string has a number too");
        assert_eq!(strings.get(5000), "");
    }
}
