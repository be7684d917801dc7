//! Tokens of a text, as a BERT encoder counts them.

use std::path::Path;

use anyhow::{Context, anyhow};
use tokenizers::Tokenizer;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;

/// Counts tokens.
pub struct TokenCounter(Tokenizer);

impl TokenCounter {
    /// Reads a `tokenizer.json`, or a WordPiece vocabulary with a token a line under any other name.
    ///
    /// A vocabulary with no capital A to Z outside of its `[UNK]` and the like is of an uncased model; text is lower-cased for it.
    ///
    /// # Errors
    /// A file that cannot be read as one.
    pub fn from_file(path: &Path) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        std::fs::metadata(path).with_context(|| format!("cannot read {name}"))?;
        if path.extension().is_some_and(|extension| extension == "json") {
            let tokenizer = Tokenizer::from_file(path).map_err(|error| anyhow!("{name} is not a tokenizer.json: {error}"))?;
            return Ok(Self(tokenizer));
        }
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
        let cased = text.lines().any(|token| !token.starts_with('[') && token.contains(|char: char| char.is_ascii_uppercase()));
        let model = WordPiece::from_file(&path.to_string_lossy())
            .unk_token("[UNK]".to_owned())
            .build()
            .map_err(|error| anyhow!("{name} is not a vocabulary: {error}"))?;
        let mut tokenizer = Tokenizer::new(model);
        tokenizer.with_normalizer(Some(BertNormalizer::new(true, true, None, !cased)));
        tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
        Ok(Self(tokenizer))
    }

    /// Tokens of a text, without `[CLS]` and `[SEP]`.
    ///
    /// # Errors
    /// What the tokenizer cannot encode.
    pub fn count(&self, text: &str) -> anyhow::Result<u64> {
        let encoding = self.0.encode_fast(text, false).map_err(|error| anyhow!("cannot encode {text:?}: {error}"))?;
        Ok(encoding.len() as u64)
    }
}
