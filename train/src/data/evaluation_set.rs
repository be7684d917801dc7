//! A set that a model is scored on.

use std::path::Path;

use anyhow::Result;

use super::dataset::{Dataset, EncodingCounts};
use super::encode::TripleEncoder;
use super::triple_folder::TripleFolder;

/// A folder of gold triples that is read in its order, once or again and again.
///
/// Memory: all triples where it has at most as many as it may keep; a slice for each thread otherwise.
#[derive(Debug)]
pub struct EvaluationSet<'a> {
    folder: TripleFolder<'a>,
    kept: Option<Vec<Dataset>>,
}

impl<'a> EvaluationSet<'a> {
    /// Opens a folder. If it has at most `keep` triples, it is read and stays in memory.
    ///
    /// # Errors
    /// As [`TripleFolder::open`] and [`TripleFolder::encode`].
    pub fn open(dir: &Path, encoder: TripleEncoder<'a>, keep: usize) -> Result<Self> {
        let mut set = Self { folder: TripleFolder::open(dir, encoder, TripleFolder::SLICE)?, kept: None };
        if set.triples() <= keep {
            let mut kept = Vec::new();
            set.folder.for_each(|data| {
                kept.push(data);
                Ok(())
            })?;
            set.kept = Some(kept);
        }
        Ok(set)
    }

    /// The folder.
    pub fn folder(&self) -> &TripleFolder<'a> {
        &self.folder
    }

    /// Number of triples.
    pub fn triples(&self) -> usize {
        self.folder.triples()
    }

    /// Counts and labels of all triples, where they are kept.
    pub fn summary(&self) -> Option<(EncodingCounts, Vec<&str>)> {
        let kept = self.kept.as_ref()?;
        let mut counts = EncodingCounts::default();
        kept.iter().for_each(|data| counts += data.counts);
        let mut labels: Vec<&str> = kept.iter().flat_map(|data| data.labels.iter().map(String::as_str)).collect();
        labels.sort_unstable();
        labels.dedup();
        Some((counts, labels))
    }

    /// Calls `take` with all triples in order, some thousand at a time.
    ///
    /// # Errors
    /// Those of [`TripleFolder::encode`] and of `take`.
    pub fn for_each(&self, mut take: impl FnMut(&Dataset) -> Result<()>) -> Result<()> {
        match &self.kept {
            Some(kept) => kept.iter().try_for_each(take),
            None => self.folder.for_each(|data| take(&data)),
        }
    }
}
