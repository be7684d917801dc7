//! Distinct names, each with the gazetteer files that hold it.

use std::collections::HashMap;

use crate::interner::{CapacityError, Interner};

/// Distinct names, numbered from 0 in the order in which they were added, each with the files that hold it.
///
/// Memory: the names' bytes and about 24 more for each.
#[derive(Debug, Default)]
pub struct NameTable {
    texts: Interner,
    /// For each name, the index of its set of files.
    file_set_of: Vec<u32>,
    /// Distinct sets of files, each in ascending order. There are few of them, however many names there are.
    file_sets: Vec<Vec<usize>>,
    /// Which set a set becomes when a file is added to it; `None` is the empty set.
    set_with_file: HashMap<(Option<u32>, usize), u32>,
}

impl NameTable {
    /// Adds a name of a file, which is given by its index among the files. Returns whether the name is new.
    ///
    /// # Errors
    /// More than 4 GiB of names.
    pub fn add(&mut self, name: &str, file: usize) -> Result<bool, CapacityError> {
        let number = self.texts.intern(name)? as usize;
        let known = self.file_set_of.get(number).copied();
        let file_set = self.file_set_with(known, file)?;
        match known {
            Some(_) => self.file_set_of[number] = file_set,
            None => self.file_set_of.push(file_set),
        }
        Ok(known.is_none())
    }

    fn file_set_with(&mut self, set: Option<u32>, file: usize) -> Result<u32, CapacityError> {
        if let Some(&known) = self.set_with_file.get(&(set, file)) {
            return Ok(known);
        }
        let mut files = set.map(|set| self.file_sets[set as usize].clone()).unwrap_or_default();
        if let Err(at) = files.binary_search(&file) {
            files.insert(at, file);
        }
        let index = match self.file_sets.iter().position(|other| *other == files) {
            Some(index) => index,
            None => {
                self.file_sets.push(files);
                self.file_sets.len() - 1
            }
        };
        let index = u32::try_from(index).map_err(|_| CapacityError)?;
        self.set_with_file.insert((set, file), index);
        Ok(index)
    }

    /// Makes look-ups of unknown names faster, until another name is added.
    pub fn build_filter(&mut self) {
        self.texts.build_filter();
    }

    /// The number of a name, if it is known.
    pub fn number(&self, name: &str) -> Option<u32> {
        self.texts.number(name)
    }

    /// The name of a number.
    ///
    /// # Panics
    /// If no name has this number.
    pub fn name(&self, number: u32) -> &str {
        self.texts.get(number)
    }

    /// The indices of the files that hold a name, in ascending order.
    ///
    /// # Panics
    /// If no name has this number.
    pub fn files(&self, number: u32) -> &[usize] {
        &self.file_sets[self.file_set_of[number as usize] as usize]
    }

    /// The number of names.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there is no name.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_know_their_files() {
        let mut names = NameTable::default();
        for (name, file, new) in [("Arden", 0, true), ("Fenn", 2, true), ("Arden", 2, false), ("Arden", 0, false), ("Fenn", 0, false)] {
            assert_eq!(names.add(name, file), Ok(new), "{name} {file}");
        }
        let files = |name| names.number(name).map(|number| names.files(number).to_vec());
        assert_eq!((files("Arden"), files("Fenn"), files("Oslo")), (Some(vec![0, 2]), Some(vec![0, 2]), None));
        assert_eq!((names.len(), names.name(1)), (2, "Fenn"));
    }
}
