//! Word pieces with char offsets.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::bert::BertProcessing;
use tokenizers::{
    AddedToken, Model, NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer, Tokenizer,
};
use tokenizers::{ModelWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper};

use super::vocabulary;

/// Pieces of a vocabulary that is learned from the training set.
pub const LEARNED_PIECES: usize = 4000;

const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/// A WordPiece tokenizer as BERT has it.
#[derive(Debug, Clone)]
pub struct WordPieces {
    tokenizer: Tokenizer,
    lowercase: bool,
    cls: u32,
    sep: u32,
    pad: u32,
}

/// A tokenised text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pieces {
    /// Numbers in the vocabulary.
    pub ids: Vec<u32>,
    /// Chars that each covers, half-open.
    pub offsets: Vec<(u32, u32)>,
}

/// What matters here of `tokenizer_config.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Settings {
    #[serde(default = "yes")]
    do_lower_case: bool,
    #[serde(default)]
    tokenizer_class: Option<String>,
}

fn yes() -> bool {
    true
}

impl WordPieces {
    /// Reads a folder's `tokenizer.json`, or else its `vocab.txt` with `do_lower_case` of `tokenizer_config.json` (true where
    /// nothing is said, as in BERT).
    ///
    /// # Errors
    /// Neither exists, or one is broken.
    pub fn read(dir: &Path) -> Result<Self> {
        let (whole, vocabulary, settings) = (dir.join("tokenizer.json"), dir.join("vocab.txt"), dir.join("tokenizer_config.json"));
        let lowercase = if settings.exists() {
            let text = std::fs::read_to_string(&settings).with_context(|| format!("cannot read {}", settings.display()))?;
            serde_json::from_str::<Settings>(&text).with_context(|| format!("cannot read {}", settings.display()))?.do_lower_case
        } else {
            true
        };
        if whole.exists() {
            let tokenizer = Tokenizer::from_file(&whole).map_err(|error| anyhow!("cannot read {}: {error}", whole.display()))?;
            let lowercase = match tokenizer.get_normalizer() {
                Some(NormalizerWrapper::BertNormalizer(normalizer)) => normalizer.lowercase,
                _ => lowercase,
            };
            return Self::of(tokenizer, lowercase).with_context(|| format!("cannot use {}", whole.display()));
        }
        if vocabulary.exists() {
            return Self::from_vocabulary(&vocabulary, lowercase);
        }
        bail!("{} holds neither tokenizer.json nor vocab.txt", dir.display())
    }

    /// Reads a `vocab.txt`: a piece a line.
    ///
    /// # Errors
    /// The file cannot be read or lacks a special piece.
    pub fn from_vocabulary(path: &Path, lowercase: bool) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::assemble(&text, lowercase).with_context(|| format!("cannot use {}", path.display()))
    }

    /// Learns a vocabulary from texts; the same texts give the same one. CJK characters are pieces of their own.
    ///
    /// # Errors
    /// None that text can cause; those of the library.
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
        let learned = vocabulary::learn(&words, LEARNED_PIECES - SPECIAL.len());
        let pieces: String = SPECIAL.iter().copied().chain(learned.iter().map(String::as_str)).flat_map(|piece| [piece, "\n"]).collect();
        Self::assemble(&pieces, lowercase)
    }

    fn assemble(vocabulary: &str, lowercase: bool) -> Result<Self> {
        let ids = WordPiece::read_bytes(vocabulary.as_bytes()).map_err(|error| anyhow!("{error}"))?;
        let model = WordPiece::builder().vocab(ids).build().map_err(|error| anyhow!("{error}"))?;
        let id = |piece: &str| model.token_to_id(piece).ok_or_else(|| anyhow!("the vocabulary has no piece {piece}"));
        let (cls, sep, _) = (id("[CLS]")?, id("[SEP]")?, id("[UNK]")?);
        let mut tokenizer = Tokenizer::new(ModelWrapper::WordPiece(model));
        tokenizer.with_normalizer(Some(NormalizerWrapper::BertNormalizer(normalizer(lowercase))));
        tokenizer.with_pre_tokenizer(Some(PreTokenizerWrapper::BertPreTokenizer(BertPreTokenizer)));
        let processing = BertProcessing::new(("[SEP]".to_owned(), sep), ("[CLS]".to_owned(), cls));
        tokenizer.with_post_processor(Some(PostProcessorWrapper::Bert(processing)));
        let present: Vec<AddedToken> =
            SPECIAL.iter().filter(|piece| tokenizer.token_to_id(piece).is_some()).map(|piece| AddedToken::from(*piece, true)).collect();
        tokenizer.add_special_tokens(&present);
        Self::of(tokenizer, lowercase)
    }

    fn of(mut tokenizer: Tokenizer, lowercase: bool) -> Result<Self> {
        // Files of sentence encoders carry both: they would cut long contexts silently.
        tokenizer.with_truncation(None).map_err(|error| anyhow!("{error}"))?;
        tokenizer.with_padding(None);
        let id = |piece: &str| tokenizer.token_to_id(piece).ok_or_else(|| anyhow!("the vocabulary has no piece {piece}"));
        let (cls, sep, pad) = (id("[CLS]")?, id("[SEP]")?, id("[PAD]")?);
        Ok(Self { tokenizer, lowercase, cls, sep, pad })
    }

    /// Tokenises texts on all threads, without special pieces.
    ///
    /// # Errors
    /// None that WordPiece knows of; those of the library.
    pub fn tokenize(&self, texts: Vec<&str>) -> Result<Vec<Pieces>> {
        let encodings = self.tokenizer.encode_batch_char_offsets(texts, false).map_err(|error| anyhow!("cannot tokenise: {error}"))?;
        Ok(encodings
            .into_iter()
            .map(|encoding| Pieces {
                ids: encoding.get_ids().to_vec(),
                offsets: encoding.get_offsets().iter().map(|&(start, end)| (start as u32, end as u32)).collect(),
            })
            .collect())
    }

    /// Number of the piece that opens a sequence.
    pub fn cls(&self) -> u32 {
        self.cls
    }

    /// Number of the piece that closes query and context.
    pub fn sep(&self) -> u32 {
        self.sep
    }

    /// Number of the piece that fills a batch.
    pub fn pad(&self) -> u32 {
        self.pad
    }

    /// Rows that an embedding of this vocabulary needs.
    pub fn size(&self) -> usize {
        self.tokenizer.get_vocab(true).into_values().max().map_or(0, |id| id as usize + 1)
    }

    /// The files that stand for it in a run folder: name and content.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn files(&self, max_length: usize) -> Result<Vec<(&'static str, String)>> {
        let vocabulary = lines(self.tokenizer.get_vocab(true));
        let whole = self.tokenizer.to_string(true).map_err(|error| anyhow!("{error}"))?;
        let settings = serde_json::json!({
            "tokenizer_class": "BertTokenizer",
            "do_lower_case": self.lowercase,
            "model_max_length": max_length,
        });
        Ok(vec![("vocab.txt", vocabulary), ("tokenizer.json", whole), ("tokenizer_config.json", format!("{settings:#}\n"))])
    }
}

/// A vocabulary as `vocab.txt` has it: a piece a line, in order of their numbers.
fn lines(vocabulary: HashMap<String, u32>) -> String {
    let mut pieces: Vec<(u32, String)> = vocabulary.into_iter().map(|(piece, id)| (id, piece)).collect();
    pieces.sort_unstable();
    pieces.into_iter().map(|(_, piece)| piece + "\n").collect()
}

fn normalizer(lowercase: bool) -> BertNormalizer {
    // Accents go with case, as in BERT: nothing is said about them.
    BertNormalizer::new(true, true, None, lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 4] = ["Ödön Teleki met Jim Morrison.", "中国的首都是北京。", "Jim lives in Budapest", "北京是中国的城市"];

    #[test]
    fn a_learned_vocabulary_splits_cjk_and_gives_char_offsets() {
        let pieces = WordPieces::learn(TEXTS.into_iter(), false).unwrap();
        let text = "Ödön 在北京";
        let tokenised = pieces.tokenize(vec![text]).unwrap().remove(0);
        let chars: Vec<char> = text.chars().collect();
        let slices: Vec<String> = tokenised.offsets.iter().map(|&(s, e)| chars[s as usize..e as usize].iter().collect()).collect();
        assert_eq!(slices.concat(), "Ödön在北京");
        assert_eq!(slices[slices.len() - 3..], ["在", "北", "京"]);
    }

    #[test]
    fn learning_is_deterministic_and_files_bring_it_back() {
        let files = |pieces: &WordPieces| pieces.files(150).unwrap();
        let pieces = WordPieces::learn(TEXTS.into_iter(), true).unwrap();
        for _ in 0..5 {
            assert_eq!(files(&pieces), files(&WordPieces::learn(TEXTS.into_iter(), true).unwrap()));
        }
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files(&pieces) {
            std::fs::write(dir.path().join(name), content).unwrap();
        }
        let expected = pieces.tokenize(TEXTS.to_vec()).unwrap();
        assert_eq!(WordPieces::read(dir.path()).unwrap().tokenize(TEXTS.to_vec()).unwrap(), expected);
        std::fs::remove_file(dir.path().join("tokenizer.json")).unwrap();
        assert_eq!(WordPieces::read(dir.path()).unwrap().tokenize(TEXTS.to_vec()).unwrap(), expected);
        assert_eq!(files(&WordPieces::read(dir.path()).unwrap()), files(&pieces));
    }
}
