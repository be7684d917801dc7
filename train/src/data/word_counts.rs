//! Words of texts, counted: what a vocabulary is learned from.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::{NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};

use super::tokenizer_settings::TokenizerSettings;

/// Words of texts as BERT splits them, and how often each occurs.
///
/// Memory: the distinct words.
#[derive(Debug, Clone)]
pub struct WordCounts {
    normalizer: BertNormalizer,
    lowercase: bool,
    counts: BTreeMap<String, u64>,
}

impl WordCounts {
    /// No words.
    pub fn new(lowercase: bool) -> Self {
        Self { normalizer: TokenizerSettings::bert(lowercase).normalizer(), lowercase, counts: BTreeMap::new() }
    }

    /// Counts the words of a text.
    ///
    /// # Errors
    /// Those of the tokenizers library; no text causes one.
    pub fn add(&mut self, text: &str) -> Result<()> {
        let mut text = NormalizedString::from(text);
        self.normalizer.normalize(&mut text).map_err(|error| anyhow!("cannot learn a vocabulary: {error}"))?;
        let mut split = PreTokenizedString::from(text);
        BertPreTokenizer.pre_tokenize(&mut split).map_err(|error| anyhow!("cannot learn a vocabulary: {error}"))?;
        for (word, ..) in split.get_splits(OffsetReferential::Normalized, OffsetType::None) {
            match self.counts.get_mut(word) {
                Some(count) => *count += 1,
                None => drop(self.counts.insert(word.to_owned(), 1)),
            }
        }
        Ok(())
    }

    /// Adds the counts of other texts.
    pub fn merge(&mut self, other: Self) {
        for (word, count) in other.counts {
            *self.counts.entry(word).or_default() += count;
        }
    }

    /// How often each word occurs.
    pub fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }

    /// Whether case and accents are ignored.
    pub fn lowercase(&self) -> bool {
        self.lowercase
    }

    /// Whether no word was counted.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}
