//! Many distinct strings in little memory, numbered.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Distinct strings, numbered from 0 as they come.
///
/// Memory: their bytes and about 12 more for each. All of them together hold 4 GiB at most.
#[derive(Debug, Default)]
pub struct Strings {
    text: String,
    /// Where each string ends in `text`.
    ends: Vec<u32>,
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
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
        let hash = self.hasher.hash_one(string);
        if let Some(&number) = self.numbers.find(hash, |&other| self.get(other) == string) {
            return Ok(number);
        }
        let number = u32::try_from(self.ends.len()).map_err(|_| Full)?;
        self.ends.push(u32::try_from(self.text.len() + string.len()).map_err(|_| Full)?);
        self.text.push_str(string);
        let Self { text, ends, numbers, hasher } = self;
        numbers.insert_unique(hash, number, |&other| hasher.hash_one(slice(text, ends, other)));
        Ok(number)
    }

    /// The string's number, if it is there.
    pub fn number(&self, string: &str) -> Option<u32> {
        self.numbers.find(self.hasher.hash_one(string), |&other| self.get(other) == string).copied()
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

fn slice<'t>(text: &'t str, ends: &[u32], number: u32) -> &'t str {
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
        assert_eq!((strings.number("名 17"), strings.number("名")), (Some(17), None));
        assert!(strings.iter().eq((0..5000).map(|number| format!("名 {number}"))));
        assert_eq!(strings.intern(""), Ok(5000), "an empty string is one too");
        assert_eq!(strings.get(5000), "");
    }
}
