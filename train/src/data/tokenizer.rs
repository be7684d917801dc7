//! WordPiece tokenisation (Wu et al. 2016, as in BERT) with char offsets.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::bert::BertProcessing;
use tokenizers::{
    AddedToken, Model, NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer, Tokenizer,
};
use tokenizers::{ModelWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper};

use super::vocabulary;

/// Size of a vocabulary that is learned from the training set, special tokens included.
pub const LEARNED_VOCABULARY: usize = 4000;

/// Special tokens of a learned vocabulary.
const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/// A WordPiece tokenizer with BERT's normalisation and pre-tokenisation.
#[derive(Debug, Clone)]
pub struct WordPieceTokenizer {
    tokenizer: Tokenizer,
    lowercase: bool,
    special: SpecialTokens,
}

/// Vocabulary ids of the special tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpecialTokens {
    /// `[CLS]`, which opens a sequence.
    pub cls: u32,
    /// `[SEP]`, which closes the query and the context.
    pub sep: u32,
    /// `[PAD]`, which fills a batch.
    pub pad: u32,
}

/// A tokenised text, without special tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenizedText {
    /// Vocabulary id of each word piece.
    pub ids: Vec<u32>,
    /// Chars of the text that each word piece covers, half-open, ascending.
    pub offsets: Vec<(u32, u32)>,
}

/// The part of `tokenizer_config.json` that is read.
#[derive(Debug, Deserialize)]
struct TokenizerConfig {
    #[serde(default = "lowercase_by_default")]
    do_lower_case: bool,
}

fn lowercase_by_default() -> bool {
    true
}

impl WordPieceTokenizer {
    /// Reads `tokenizer.json` of a folder, or where there is none, `vocab.txt` with `do_lower_case` of `tokenizer_config.json`
    /// (default: true, as in BERT).
    ///
    /// # Errors
    /// Neither file exists, one is malformed, or the vocabulary lacks `[CLS]`, `[SEP]`, `[PAD]` or `[UNK]`.
    pub fn read(dir: &Path) -> Result<Self> {
        let (tokenizer_json, vocabulary, config) = (dir.join("tokenizer.json"), dir.join("vocab.txt"), dir.join("tokenizer_config.json"));
        let lowercase = if config.exists() {
            let text = std::fs::read_to_string(&config).with_context(|| format!("cannot read {}", config.display()))?;
            serde_json::from_str::<TokenizerConfig>(&text).with_context(|| format!("cannot read {}", config.display()))?.do_lower_case
        } else {
            true
        };
        if tokenizer_json.exists() {
            let tokenizer =
                Tokenizer::from_file(&tokenizer_json).map_err(|error| anyhow!("cannot read {}: {error}", tokenizer_json.display()))?;
            let lowercase = match tokenizer.get_normalizer() {
                Some(NormalizerWrapper::BertNormalizer(normalizer)) => normalizer.lowercase,
                _ => lowercase,
            };
            return Self::from_tokenizer(tokenizer, lowercase).with_context(|| format!("cannot use {}", tokenizer_json.display()));
        }
        if vocabulary.exists() {
            return Self::from_vocabulary(&vocabulary, lowercase);
        }
        bail!("{} holds neither tokenizer.json nor vocab.txt", dir.display())
    }

    /// Reads a `vocab.txt`: a word piece a line, whose id is the number of the line, from 0.
    ///
    /// # Errors
    /// The file cannot be read or lacks a special token.
    pub fn from_vocabulary(path: &Path, lowercase: bool) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::from_vocabulary_text(&text, lowercase).with_context(|| format!("cannot use {}", path.display()))
    }

    /// Learns a vocabulary of at most [`LEARNED_VOCABULARY`] word pieces. The same texts give the same vocabulary. Each CJK
    /// character is a word by itself.
    ///
    /// # Errors
    /// Those of the tokenizers library; no text causes one.
    pub fn learn<'a>(texts: impl Iterator<Item = &'a str>, lowercase: bool) -> Result<Self> {
        let normalizer = normalizer(lowercase);
        let mut words = BTreeMap::new();
        for text in texts {
            let mut text = NormalizedString::from(text);
            normalizer.normalize(&mut text).map_err(|error| anyhow!("cannot learn a vocabulary: {error}"))?;
            let mut split = PreTokenizedString::from(text);
            BertPreTokenizer.pre_tokenize(&mut split).map_err(|error| anyhow!("cannot learn a vocabulary: {error}"))?;
            for (word, ..) in split.get_splits(OffsetReferential::Normalized, OffsetType::None) {
                *words.entry(word.to_owned()).or_insert(0) += 1;
            }
        }
        let learned = vocabulary::learn(&words, LEARNED_VOCABULARY - SPECIAL.len());
        let pieces: String = SPECIAL.iter().copied().chain(learned.iter().map(String::as_str)).flat_map(|piece| [piece, "\n"]).collect();
        Self::from_vocabulary_text(&pieces, lowercase)
    }

    fn from_vocabulary_text(vocabulary: &str, lowercase: bool) -> Result<Self> {
        let ids = WordPiece::read_bytes(vocabulary.as_bytes()).map_err(|error| anyhow!("{error}"))?;
        let model = WordPiece::builder().vocab(ids).build().map_err(|error| anyhow!("{error}"))?;
        let id = |piece: &str| model.token_to_id(piece).ok_or_else(|| anyhow!("the vocabulary has no {piece}"));
        let (cls, sep, _) = (id("[CLS]")?, id("[SEP]")?, id("[UNK]")?);
        let mut tokenizer = Tokenizer::new(ModelWrapper::WordPiece(model));
        tokenizer.with_normalizer(Some(NormalizerWrapper::BertNormalizer(normalizer(lowercase))));
        tokenizer.with_pre_tokenizer(Some(PreTokenizerWrapper::BertPreTokenizer(BertPreTokenizer)));
        let processing = BertProcessing::new(("[SEP]".to_owned(), sep), ("[CLS]".to_owned(), cls));
        tokenizer.with_post_processor(Some(PostProcessorWrapper::Bert(processing)));
        let present: Vec<AddedToken> =
            SPECIAL.iter().filter(|piece| tokenizer.token_to_id(piece).is_some()).map(|piece| AddedToken::from(*piece, true)).collect();
        tokenizer.add_special_tokens(&present);
        Self::from_tokenizer(tokenizer, lowercase)
    }

    fn from_tokenizer(mut tokenizer: Tokenizer, lowercase: bool) -> Result<Self> {
        // Files of sentence encoders ask for truncation and padding; truncation would cut long contexts silently.
        tokenizer.with_truncation(None).map_err(|error| anyhow!("{error}"))?;
        tokenizer.with_padding(None);
        let id = |piece: &str| tokenizer.token_to_id(piece).ok_or_else(|| anyhow!("the vocabulary has no {piece}"));
        let special = SpecialTokens { cls: id("[CLS]")?, sep: id("[SEP]")?, pad: id("[PAD]")? };
        Ok(Self { tokenizer, lowercase, special })
    }

    /// Tokenises texts on all threads, in their order, without special tokens.
    ///
    /// # Errors
    /// Those of the tokenizers library; no text causes one.
    pub fn tokenize(&self, texts: Vec<&str>) -> Result<Vec<TokenizedText>> {
        let encodings = self.tokenizer.encode_batch_char_offsets(texts, false).map_err(|error| anyhow!("cannot tokenise: {error}"))?;
        Ok(encodings
            .into_iter()
            .map(|encoding| TokenizedText {
                ids: encoding.get_ids().to_vec(),
                offsets: encoding.get_offsets().iter().map(|&(start, end)| (start as u32, end as u32)).collect(),
            })
            .collect())
    }

    /// Ids of the special tokens.
    pub fn special_tokens(&self) -> SpecialTokens {
        self.special
    }

    /// Size of the vocabulary: the largest id and one, which is the number of rows that an embedding table needs.
    pub fn vocabulary_size(&self) -> usize {
        self.tokenizer.get_vocab(true).into_values().max().map_or(0, |id| id as usize + 1)
    }

    /// The tokenizer's files in a run folder, each as name and content: `vocab.txt`, `tokenizer.json`, `tokenizer_config.json`.
    ///
    /// # Errors
    /// Those of the tokenizers library; no input causes one.
    pub fn files(&self, max_length: usize) -> Result<Vec<(&'static str, String)>> {
        let vocabulary = vocabulary_text(self.tokenizer.get_vocab(true));
        let tokenizer_json = self.tokenizer.to_string(true).map_err(|error| anyhow!("{error}"))?;
        let config = serde_json::json!({
            "tokenizer_class": "BertTokenizer",
            "do_lower_case": self.lowercase,
            "model_max_length": max_length,
        });
        Ok(vec![("vocab.txt", vocabulary), ("tokenizer.json", tokenizer_json), ("tokenizer_config.json", format!("{config:#}\n"))])
    }
}

/// The content of `vocab.txt`: a word piece a line, in order of their ids.
fn vocabulary_text(vocabulary: HashMap<String, u32>) -> String {
    let mut pieces: Vec<(u32, String)> = vocabulary.into_iter().map(|(piece, id)| (id, piece)).collect();
    pieces.sort_unstable();
    pieces.into_iter().map(|(_, piece)| piece + "\n").collect()
}

fn normalizer(lowercase: bool) -> BertNormalizer {
    // `strip_accents` unset: accents are removed if and only if the text is lower-cased, as in BERT.
    BertNormalizer::new(true, true, None, lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 4] = ["Ödön Teleki met Jim Morrison.", "中国的首都是北京。", "Jim lives in Budapest", "北京是中国的城市"];

    #[test]
    fn a_learned_vocabulary_splits_cjk_and_gives_char_offsets() {
        let tokenizer = WordPieceTokenizer::learn(TEXTS.into_iter(), false).unwrap();
        let text = "Ödön 在北京";
        let tokenised = tokenizer.tokenize(vec![text]).unwrap().remove(0);
        let chars: Vec<char> = text.chars().collect();
        let slices: Vec<String> = tokenised.offsets.iter().map(|&(s, e)| chars[s as usize..e as usize].iter().collect()).collect();
        assert_eq!(slices.concat(), "Ödön在北京");
        assert_eq!(slices[slices.len() - 3..], ["在", "北", "京"]);
    }

    #[test]
    fn learning_is_deterministic_and_files_bring_it_back() {
        let files = |tokenizer: &WordPieceTokenizer| tokenizer.files(150).unwrap();
        let tokenizer = WordPieceTokenizer::learn(TEXTS.into_iter(), true).unwrap();
        for _ in 0..5 {
            assert_eq!(files(&tokenizer), files(&WordPieceTokenizer::learn(TEXTS.into_iter(), true).unwrap()));
        }
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files(&tokenizer) {
            std::fs::write(dir.path().join(name), content).unwrap();
        }
        let expected = tokenizer.tokenize(TEXTS.to_vec()).unwrap();
        assert_eq!(WordPieceTokenizer::read(dir.path()).unwrap().tokenize(TEXTS.to_vec()).unwrap(), expected);
        std::fs::remove_file(dir.path().join("tokenizer.json")).unwrap();
        assert_eq!(WordPieceTokenizer::read(dir.path()).unwrap().tokenize(TEXTS.to_vec()).unwrap(), expected);
        assert_eq!(files(&WordPieceTokenizer::read(dir.path()).unwrap()), files(&tokenizer));
    }
}
