//! Names and which files they stand in.

use std::collections::HashMap;

use crate::interner::{Full, Strings};

/// Distinct names, each with the files that hold it.
///
/// Memory: the names' bytes and about 24 more for each.
#[derive(Debug, Default)]
pub struct Names {
    texts: Strings,
    /// For each name, which of `sets` its files are.
    set_of: Vec<u32>,
    /// Sets of files that some name stands in: few, however many the names.
    sets: Vec<Vec<usize>>,
    /// What a set becomes with another file.
    grown: HashMap<(Option<u32>, usize), u32>,
}

impl Names {
    /// Adds a name of a file, by its place among the files. False: the name was there already.
    ///
    /// # Errors
    /// Too many names.
    pub fn add(&mut self, name: &str, file: usize) -> Result<bool, Full> {
        let number = self.texts.intern(name)? as usize;
        let known = self.set_of.get(number).copied();
        let set = self.set_with(known, file)?;
        match known {
            Some(_) => self.set_of[number] = set,
            None => self.set_of.push(set),
        }
        Ok(known.is_none())
    }

    fn set_with(&mut self, set: Option<u32>, file: usize) -> Result<u32, Full> {
        if let Some(&grown) = self.grown.get(&(set, file)) {
            return Ok(grown);
        }
        let mut files = set.map(|set| self.sets[set as usize].clone()).unwrap_or_default();
        if let Err(at) = files.binary_search(&file) {
            files.insert(at, file);
        }
        let grown = match self.sets.iter().position(|other| *other == files) {
            Some(at) => at,
            None => {
                self.sets.push(files);
                self.sets.len() - 1
            }
        };
        let grown = u32::try_from(grown).map_err(|_| Full)?;
        self.grown.insert((set, file), grown);
        Ok(grown)
    }

    /// Says that no name comes any more: look-ups are quicker then.
    pub fn settle(&mut self) {
        self.texts.settle();
    }

    /// The name's number.
    pub fn number(&self, name: &str) -> Option<u32> {
        self.texts.number(name)
    }

    /// The name of a number.
    pub fn get(&self, number: u32) -> &str {
        self.texts.get(number)
    }

    /// The files that hold a name, in ascending order.
    pub fn files(&self, number: u32) -> &[usize] {
        &self.sets[self.set_of[number as usize] as usize]
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// All names, by number.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.texts.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_know_their_files() {
        let mut names = Names::default();
        for (name, file, new) in [("Arden", 0, true), ("Fenn", 2, true), ("Arden", 2, false), ("Arden", 0, false), ("Fenn", 0, false)] {
            assert_eq!(names.add(name, file), Ok(new), "{name} {file}");
        }
        let files = |name| names.number(name).map(|number| names.files(number).to_vec());
        assert_eq!((files("Arden"), files("Fenn"), files("Oslo")), (Some(vec![0, 2]), Some(vec![0, 2]), None));
        assert_eq!(names.len(), 2);
    }
}
