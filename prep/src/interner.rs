//! Many distinct strings in little memory, numbered.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Distinct strings, numbered from 0 as they come.
///
/// Memory: their bytes and about 20 more for each, half as much again while the table grows. All of them together hold 4 GiB at most.
#[derive(Debug, Default)]
pub struct Strings {
    text: String,
    /// Where each string ends in `text`.
    ends: Vec<u32>,
    numbers: HashTable<Entry>,
    hasher: DefaultHashBuilder,
    /// Which hashes there are, once no string is added any more.
    seen: Option<Seen>,
}

/// The number of a string, and its hash, so that a growing table need not read all strings again.
#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u32,
    number: u32,
}

impl Entry {
    /// The hash as the table wants it: it looks at the low bits and at the highest.
    fn spread(&self) -> u64 {
        u64::from(self.hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// A bit for each of many hashes, whose high bits tell most, and for some that are not among them. It fits into a processor's cache where their table does not, and most
/// of what is looked up is not there.
#[derive(Debug)]
pub(crate) struct Seen {
    bits: Vec<u64>,
    /// Bits of a hash that do not count.
    shift: u32,
}

impl Default for Seen {
    fn default() -> Self {
        Self::of(0, [])
    }
}

impl Seen {
    /// Of so many hashes.
    pub(crate) fn of(count: usize, hashes: impl IntoIterator<Item = u64>) -> Self {
        let size = (count * 8).next_power_of_two().max(64);
        let mut seen = Self { bits: vec![0; size / 64], shift: 64 - size.trailing_zeros() };
        for hash in hashes {
            let at = seen.place(hash);
            seen.bits[at / 64] |= 1 << (at % 64);
        }
        seen
    }

    fn place(&self, hash: u64) -> usize {
        (hash >> self.shift) as usize
    }

    pub(crate) fn may_hold(&self, hash: u64) -> bool {
        let at = self.place(hash);
        self.bits[at / 64] >> (at % 64) & 1 == 1
    }
}

/// No room for another string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than 4 GiB of names")]
pub struct Full;

impl Strings {
    /// The string's number, a new one if it is new.
    ///
    /// # Errors
    /// 4 GiB are full.
    pub fn intern(&mut self, string: &str) -> Result<u32, Full> {
        let entry = Entry { hash: self.hash(string), number: u32::try_from(self.ends.len()).map_err(|_| Full)? };
        if let Some(known) = self.find(entry.hash, string) {
            return Ok(known);
        }
        self.seen = None;
        self.ends.push(u32::try_from(self.text.len() + string.len()).map_err(|_| Full)?);
        self.text.push_str(string);
        self.numbers.insert_unique(entry.spread(), entry, Entry::spread);
        Ok(entry.number)
    }

    /// Makes it quick to tell that a string is not there, until another one is added. Memory: one or two bytes a string.
    pub fn settle(&mut self) {
        self.seen = Some(Seen::of(self.len(), self.numbers.iter().map(|entry| entry.spread())));
    }

    /// The string's number, if it is there.
    pub fn number(&self, string: &str) -> Option<u32> {
        let hash = self.hash(string);
        let may_be_there = self.seen.as_ref().is_none_or(|seen| seen.may_hold(Entry { hash, number: 0 }.spread()));
        may_be_there.then(|| self.find(hash, string)).flatten()
    }

    fn hash(&self, string: &str) -> u32 {
        (self.hasher.hash_one(string) >> 32) as u32
    }

    fn find(&self, hash: u32, string: &str) -> Option<u32> {
        let is = |entry: &Entry| entry.hash == hash && self.get(entry.number) == string;
        self.numbers.find(Entry { hash, number: 0 }.spread(), is).map(|entry| entry.number)
    }

    /// The string of a number that was given out.
    pub fn get(&self, number: u32) -> &str {
        slice(&self.text, &self.ends, number)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All of them, by number.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0u32..).take(self.len()).map(|number| self.get(number))
    }
}

/// Whether a text is of such bytes alone, with single spaces between them and none at its ends.
pub(crate) fn is_spaced_once(text: &str, is_word: impl Fn(u8) -> bool) -> bool {
    let mut after_space = true;
    let spaced = text.bytes().all(|byte| {
        let (space, after) = (byte == b' ', after_space);
        after_space = space;
        if space { !after } else { is_word(byte) }
    });
    spaced && !text.ends_with(' ')
}

/// The string of a number, where strings stand one after another and end where `ends` says.
pub(crate) fn slice<'t>(text: &'t str, ends: &[u32], number: u32) -> &'t str {
    let at = number as usize;
    let start = if at == 0 { 0 } else { ends[at - 1] };
    &text[start as usize..ends[at] as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_numbered_once() {
        let mut strings = Strings::default();
        for round in 0..2 {
            for number in 0..5000u32 {
                assert_eq!(strings.intern(&format!("名 {number}")), Ok(number), "round {round}");
            }
        }
        assert_eq!(strings.len(), 5000);
        assert_eq!((strings.get(0), strings.get(4999)), ("名 0", "名 4999"));
        for settled in [false, true] {
            assert_eq!((strings.number("名 17"), strings.number("名")), (Some(17), None), "{settled}");
            assert!((0..5000).all(|number| strings.number(&format!("名 {number}")) == Some(number)), "{settled}");
            strings.settle();
        }
        assert!(strings.iter().eq((0..5000).map(|number| format!("名 {number}"))));
        assert_eq!(strings.intern(""), Ok(5000), "an empty string is one too");
        assert_eq!(strings.get(5000), "");
    }
}
