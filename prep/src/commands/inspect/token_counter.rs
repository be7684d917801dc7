//! Counts the word pieces of a text with the tokenizer of a BERT encoder.

use std::path::Path;

use anyhow::{Context, anyhow};
use tokenizers::Tokenizer;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;

/// Counts word pieces.
pub struct TokenCounter(Tokenizer);

impl TokenCounter {
    /// Reads a `tokenizer.json`, or a WordPiece vocabulary of one word piece per line under any other name.
    ///
    /// A vocabulary without a capital letter A to Z, special tokens like `[UNK]` aside, is taken for that of an uncased model, and text is
    /// lower-cased.
    ///
    /// # Errors
    /// The file cannot be read or is neither.
    pub fn from_file(path: &Path) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        std::fs::metadata(path).with_context(|| format!("cannot read {name}"))?;
        if path.extension().is_some_and(|extension| extension == "json") {
            let tokenizer = Tokenizer::from_file(path).map_err(|error| anyhow!("{name} is not a tokenizer.json: {error}"))?;
            return Ok(Self(tokenizer));
        }
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
        let is_cased = text.lines().any(|token| !token.starts_with('[') && token.contains(|char: char| char.is_ascii_uppercase()));
        let model = WordPiece::from_file(&path.to_string_lossy())
            .unk_token("[UNK]".to_owned())
            .build()
            .map_err(|error| anyhow!("{name} is not a vocabulary: {error}"))?;
        let mut tokenizer = Tokenizer::new(model);
        tokenizer.with_normalizer(Some(BertNormalizer::new(true, true, None, !is_cased)));
        tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
        Ok(Self(tokenizer))
    }

    /// The number of word pieces of a text, without `[CLS]` and `[SEP]`.
    ///
    /// # Errors
    /// The tokenizer cannot encode the text.
    pub fn count(&self, text: &str) -> anyhow::Result<u64> {
        let encoding = self.0.encode_fast(text, false).map_err(|error| anyhow!("cannot encode {text:?}: {error}"))?;
        Ok(encoding.len() as u64)
    }
}
