//! How texts are normalised and divided before word pieces are made: `tokenizer_config.json`.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use tokenizers::normalizers::BertNormalizer;

/// Tokenizers whose vocabulary is `vocab.txt` and that tokenise as BERT does.
const BERT_CLASSES: [&str; 4] = ["BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer"];

/// The fields of `tokenizer_config.json` that decide about word pieces, with BERT's defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenizerSettings {
    /// Class of the tokenizer in the `transformers` library.
    tokenizer_class: Option<String>,
    /// Whether texts are lower-cased.
    #[serde(deserialize_with = "true_if_null")]
    pub do_lower_case: bool,
    /// Whether combining marks are removed; unset, if and only if texts are lower-cased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strip_accents: Option<bool>,
    /// Whether each CJK character is a word.
    #[serde(deserialize_with = "true_if_null")]
    pub tokenize_chinese_chars: bool,
    /// Words that stay as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub never_split: Option<Vec<String>>,
}

impl Default for TokenizerSettings {
    fn default() -> Self {
        Self {
            tokenizer_class: Some(BERT_CLASSES[0].to_owned()),
            do_lower_case: true,
            strip_accents: None,
            tokenize_chinese_chars: true,
            never_split: None,
        }
    }
}

impl TokenizerSettings {
    /// Reads `tokenizer_config.json` of a folder; the defaults where there is none.
    ///
    /// # Errors
    /// The file is malformed.
    pub fn read(dir: &Path) -> Result<Self> {
        let path = dir.join("tokenizer_config.json");
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("cannot read {}", path.display()))
    }

    /// BERT's settings, lower-cased or not.
    pub fn bert(do_lower_case: bool) -> Self {
        Self { do_lower_case, ..Self::default() }
    }

    /// The settings that a normaliser in `tokenizer.json` has.
    pub fn of_normalizer(normalizer: &BertNormalizer) -> Self {
        let BertNormalizer { strip_accents, lowercase, handle_chinese_chars, .. } = *normalizer;
        Self { do_lower_case: lowercase, strip_accents, tokenize_chinese_chars: handle_chinese_chars, ..Self::default() }
    }

    /// The normalisation of texts.
    pub fn normalizer(&self) -> BertNormalizer {
        BertNormalizer::new(true, self.tokenize_chinese_chars, self.strip_accents, self.do_lower_case)
    }

    /// Checks that `vocab.txt` is read as the tokenizer's class reads it.
    ///
    /// # Errors
    /// Another class than BERT's, which divides words otherwise.
    pub fn check_class(&self) -> Result<()> {
        let class = self.tokenizer_class.as_deref().unwrap_or(BERT_CLASSES[0]);
        ensure!(
            BERT_CLASSES.contains(&class.strip_suffix("Fast").unwrap_or(class)),
            "tokenizer_config.json asks for `{class}`, which does not divide words as BERT does; with vocab.txt alone only {} are read. \
             Save a tokenizer.json beside it, or take another encoder",
            BERT_CLASSES.join(", ")
        );
        Ok(())
    }
}

fn true_if_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_with_berts_defaults() {
        let read = |json: &str| serde_json::from_str::<TokenizerSettings>(json).unwrap();
        assert_eq!(read(r#"{"do_lower_case": null, "model_max_length": 512}"#), TokenizerSettings::default());
        let settings = read(r#"{"do_lower_case": false, "strip_accents": true, "tokenize_chinese_chars": false, "never_split": ["AdA"]}"#);
        assert_eq!((settings.do_lower_case, settings.strip_accents, settings.tokenize_chinese_chars), (false, Some(true), false));
        assert_eq!(settings.never_split.as_deref(), Some(&["AdA".to_owned()][..]));
        assert_eq!(serde_json::from_value::<TokenizerSettings>(serde_json::to_value(&settings).unwrap()).unwrap(), settings);
    }

    #[test]
    fn other_tokenizers_are_refused_by_name() {
        let check =
            |class: &str| TokenizerSettings { tokenizer_class: Some(class.to_owned()), ..TokenizerSettings::default() }.check_class();
        for class in ["BertTokenizer", "BertTokenizerFast", "DistilBertTokenizerFast", "ElectraTokenizer"] {
            check(class).unwrap();
        }
        for class in ["BertJapaneseTokenizer", "RobertaTokenizer", "AlbertTokenizer"] {
            assert!(check(class).unwrap_err().to_string().contains(&format!("`{class}`")));
        }
    }
}
