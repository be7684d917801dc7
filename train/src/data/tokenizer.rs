//! Tokenisation with char offsets: WordPiece (Wu et al. 2016, as in BERT), and what other encoders' `tokenizer.json` says.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use rayon::prelude::*;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::bert::BertProcessing;
use tokenizers::{AddedToken, Model, Tokenizer};
use tokenizers::{ModelWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper};

use super::covered_chars::cover_words;
use super::piece_offsets;
use super::tokenized_text::TokenizedText;
use super::tokenizer_settings::TokenizerSettings;
use super::vocabulary;
use super::word_cache::WordCache;
use super::word_counts::WordCounts;

/// Size of a vocabulary that is learned from the training set, special tokens included.
pub const LEARNED_VOCABULARY: usize = 4000;

/// Fewest texts that a thread tokenises at once.
const TEXTS_OF_TASK: usize = 32;

/// Special tokens of a learned vocabulary.
const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/// The tokenizer of an encoder.
#[derive(Debug, Clone)]
pub struct WordPieceTokenizer {
    tokenizer: Tokenizer,
    settings: TokenizerSettings,
    special: SpecialTokens,
    names: SpecialNames,
    unknown: u32,
    /// Texts of the tokens that are found in a text as they are, such as `[SEP]`.
    added: Vec<String>,
    /// Where words are tokenised independently of each other.
    words: Option<Arc<WordCache>>,
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

/// How a vocabulary calls its special tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SpecialNames {
    cls: &'static str,
    sep: &'static str,
    pad: &'static str,
    unknown: &'static str,
    mask: &'static str,
    /// How many `sep` stand between the two texts of a pair.
    separators: usize,
}

const BERT_NAMES: SpecialNames = SpecialNames { cls: "[CLS]", sep: "[SEP]", pad: "[PAD]", unknown: "[UNK]", mask: "[MASK]", separators: 1 };

/// Those of RoBERTa, XLM-RoBERTa and CamemBERT.
const ROBERTA_NAMES: SpecialNames = SpecialNames { cls: "<s>", sep: "</s>", pad: "<pad>", unknown: "<unk>", mask: "<mask>", separators: 2 };

impl WordPieceTokenizer {
    /// Reads a `vocab.txt`: a word piece a line, whose id is the number of the line, from 0.
    ///
    /// # Errors
    /// The file cannot be read or lacks a special token.
    pub fn from_vocabulary(path: &Path, lowercase: bool) -> Result<Self> {
        Self::from_vocabulary_file(path, TokenizerSettings::bert(lowercase))
    }

    /// Reads a `vocab.txt` with settings.
    ///
    /// # Errors
    /// As [`from_vocabulary`](Self::from_vocabulary).
    pub fn from_vocabulary_file(path: &Path, settings: TokenizerSettings) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        Self::from_vocabulary_text(text, settings).with_context(|| format!("cannot use {}", path.display()))
    }

    /// Learns a vocabulary of at most [`LEARNED_VOCABULARY`] word pieces. The same words give the same vocabulary. Each CJK
    /// character is a word by itself.
    ///
    /// # Errors
    /// Those of the tokenizers library; no text causes one.
    pub fn learn(words: &WordCounts) -> Result<Self> {
        let learned = vocabulary::learn(words.counts(), LEARNED_VOCABULARY - SPECIAL.len());
        let pieces: String = SPECIAL.iter().copied().chain(learned.iter().map(String::as_str)).flat_map(|piece| [piece, "\n"]).collect();
        Self::from_vocabulary_text(&pieces, TokenizerSettings::bert(words.lowercase()))
    }

    fn from_vocabulary_text(vocabulary: &str, settings: TokenizerSettings) -> Result<Self> {
        let ids = WordPiece::read_bytes(vocabulary.as_bytes()).map_err(|error| anyhow!("{error}"))?;
        let model = WordPiece::builder().vocab(ids).build().map_err(|error| anyhow!("{error}"))?;
        let id = |piece: &str| model.token_to_id(piece).ok_or_else(|| anyhow!("the vocabulary has no {piece}"));
        let (cls, sep, _) = (id("[CLS]")?, id("[SEP]")?, id("[UNK]")?);
        let mut tokenizer = Tokenizer::new(ModelWrapper::WordPiece(model));
        tokenizer.with_normalizer(Some(NormalizerWrapper::BertNormalizer(settings.normalizer())));
        tokenizer.with_pre_tokenizer(Some(PreTokenizerWrapper::BertPreTokenizer(BertPreTokenizer)));
        let processing = BertProcessing::new(("[SEP]".to_owned(), sep), ("[CLS]".to_owned(), cls));
        tokenizer.with_post_processor(Some(PostProcessorWrapper::Bert(processing)));
        let present: Vec<AddedToken> =
            SPECIAL.iter().filter(|piece| tokenizer.token_to_id(piece).is_some()).map(|piece| AddedToken::from(*piece, true)).collect();
        tokenizer.add_special_tokens(&present);
        // A word that the vocabulary lacks would get an id for which a model has no embedding.
        let unsplit = settings.never_split.iter().flatten().filter(|word| tokenizer.token_to_id(word).is_some());
        let unsplit: Vec<AddedToken> = unsplit.map(|word| AddedToken::from(word.as_str(), true).single_word(true)).collect();
        tokenizer.add_special_tokens(&unsplit);
        Self::from_tokenizer(tokenizer, settings)
    }

    /// A tokenizer of the library. `settings` are those that a run folder keeps.
    ///
    /// # Errors
    /// The vocabulary lacks a special token.
    pub fn from_tokenizer(mut tokenizer: Tokenizer, settings: TokenizerSettings) -> Result<Self> {
        // Files of sentence encoders ask for truncation and padding; truncation would cut long contexts silently.
        tokenizer.with_truncation(None).map_err(|error| anyhow!("{error}"))?;
        tokenizer.with_padding(None);
        let id = |piece: &str| tokenizer.token_to_id(piece).ok_or_else(|| anyhow!("the vocabulary has no {piece}"));
        let is_roberta = id(BERT_NAMES.cls).is_err() && id(ROBERTA_NAMES.cls).is_ok();
        let names = if is_roberta { ROBERTA_NAMES } else { BERT_NAMES };
        let special = SpecialTokens { cls: id(names.cls)?, sep: id(names.sep)?, pad: id(names.pad)? };
        let unknown = id(names.unknown)?;
        let added_tokens = tokenizer.get_added_tokens_decoder();
        let normalizer_divides = matches!(
            tokenizer.get_normalizer(),
            Some(NormalizerWrapper::BertNormalizer(BertNormalizer { clean_text: true, handle_chinese_chars: true, .. }))
        );
        let divides = normalizer_divides
            && matches!(tokenizer.get_pre_tokenizer(), Some(PreTokenizerWrapper::BertPreTokenizer(_)))
            && matches!(tokenizer.get_model(), ModelWrapper::WordPiece(_))
            && added_tokens.values().all(|token| !token.normalized);
        let words = divides.then(Arc::default);
        let added = added_tokens.into_values().map(|token| token.content).collect();
        Ok(Self { tokenizer, settings, special, names, unknown, added, words })
    }

    /// Tokenises texts on all threads, in their order, without special tokens.
    ///
    /// # Errors
    /// Those of the tokenizers library; no text causes one.
    pub fn tokenize(&self, texts: &[&str]) -> Result<Vec<TokenizedText>> {
        texts.par_iter().with_min_len(TEXTS_OF_TASK).map(|text| self.tokenize_text(text)).collect()
    }

    fn tokenize_text(&self, text: &str) -> Result<TokenizedText> {
        let mut tokenized = match &self.words {
            // A token that is found as it is may reach over words.
            Some(words) if !self.added.iter().any(|added| text.contains(added)) => words.tokenize(text, |word| self.encode(word))?,
            _ => self.encode(text)?,
        };
        // The chars of other pieces are corrected one text at a time.
        if self.is_word_piece() {
            cover_words(text, &mut tokenized.offsets);
        }
        Ok(tokenized)
    }

    /// Tokenises a text by the library.
    fn encode(&self, text: &str) -> Result<TokenizedText> {
        let encoding = self.tokenizer.encode_char_offsets(text, false).map_err(|error| anyhow!("cannot tokenise: {error}"))?;
        let mut offsets: Vec<(u32, u32)> = encoding.get_offsets().iter().map(|&(start, end)| (start as u32, end as u32)).collect();
        if !self.is_word_piece() {
            piece_offsets::correct(text, &mut offsets);
        }
        Ok(TokenizedText { ids: encoding.get_ids().to_vec(), offsets })
    }

    fn is_word_piece(&self) -> bool {
        matches!(self.tokenizer.get_model(), ModelWrapper::WordPiece(_))
    }

    /// How many separators stand between query and context.
    pub fn separators(&self) -> usize {
        self.names.separators
    }

    /// Id of `[UNK]`, which stands for a word that the vocabulary cannot spell.
    pub fn unknown(&self) -> u32 {
        self.unknown
    }

    /// Ids of the special tokens.
    pub fn special_tokens(&self) -> SpecialTokens {
        self.special
    }

    /// Size of the vocabulary: the largest id and one, which is the number of rows that an embedding table needs.
    pub fn vocabulary_size(&self) -> usize {
        self.tokenizer.get_vocab(true).into_values().max().map_or(0, |id| id as usize + 1)
    }

    /// The tokenizer's files in a run folder, each as name and content: `tokenizer.json`, `tokenizer_config.json`, and of WordPiece
    /// `vocab.txt`.
    ///
    /// # Errors
    /// Those of the tokenizers library; no input causes one.
    pub fn files(&self, max_length: usize) -> Result<Vec<(&'static str, String)>> {
        let tokenizer_json = self.tokenizer.to_string(true).map_err(|error| anyhow!("{error}"))?;
        let config = if self.is_word_piece() {
            let mut config = serde_json::to_value(&self.settings)?;
            config["model_max_length"] = max_length.into();
            config
        } else {
            let SpecialNames { cls, sep, pad, unknown, mask, .. } = self.names;
            serde_json::json!({
                "tokenizer_class": "PreTrainedTokenizerFast",
                "model_max_length": max_length,
                "cls_token": cls, "bos_token": cls, "sep_token": sep, "eos_token": sep,
                "pad_token": pad, "unk_token": unknown, "mask_token": mask,
            })
        };
        let mut files = vec![("tokenizer.json", tokenizer_json), ("tokenizer_config.json", format!("{config:#}\n"))];
        if self.is_word_piece() {
            files.push(("vocab.txt", vocabulary_text(self.tokenizer.get_vocab(true))));
        }
        Ok(files)
    }
}

/// The content of `vocab.txt`: a word piece a line, in order of their ids. An id that no word piece has, as where a vocabulary holds one
/// twice, is a blank line, so that those behind it keep theirs.
fn vocabulary_text(vocabulary: HashMap<String, u32>) -> String {
    let mut pieces: Vec<(u32, String)> = vocabulary.into_iter().map(|(piece, id)| (id, piece)).collect();
    pieces.sort_unstable();
    let mut text = String::new();
    let mut line = 0;
    for (id, piece) in pieces {
        (line..id).for_each(|_| text.push('\n'));
        text.push_str(&piece);
        text.push('\n');
        line = id + 1;
    }
    text
}

#[cfg(test)]
mod tests {
    use std::slice;
    use std::sync::LazyLock;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const TEXTS: [&str; 4] = ["Ödön Teleki met Jim Morrison.", "中国的首都是北京。", "Jim lives in Budapest", "北京是中国的城市"];

    fn learn(texts: &[&str], lowercase: bool) -> WordPieceTokenizer {
        let mut words = WordCounts::new(lowercase);
        texts.iter().for_each(|text| words.add(text).unwrap());
        WordPieceTokenizer::learn(&words).unwrap()
    }

    #[test]
    fn a_learned_vocabulary_splits_cjk_and_gives_char_offsets() {
        let tokenizer = learn(&TEXTS, false);
        let text = "Ödön 在北京";
        let tokenised = tokenizer.tokenize(&[text]).unwrap().remove(0);
        let chars: Vec<char> = text.chars().collect();
        let slices: Vec<String> = tokenised.offsets.iter().map(|&(s, e)| chars[s as usize..e as usize].iter().collect()).collect();
        assert_eq!(slices.concat(), "Ödön在北京");
        assert_eq!(slices[slices.len() - 3..], ["在", "北", "京"]);
    }

    #[test]
    fn learning_is_deterministic_and_files_bring_it_back() {
        let files = |tokenizer: &WordPieceTokenizer| tokenizer.files(150).unwrap();
        let tokenizer = learn(&TEXTS, true);
        for _ in 0..5 {
            assert_eq!(files(&tokenizer), files(&learn(&TEXTS, true)));
        }
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files(&tokenizer) {
            std::fs::write(dir.path().join(name), content).unwrap();
        }
        let expected = tokenizer.tokenize(&TEXTS).unwrap();
        assert_eq!(WordPieceTokenizer::read(dir.path()).unwrap().tokenize(&TEXTS).unwrap(), expected);
        std::fs::remove_file(dir.path().join("tokenizer.json")).unwrap();
        assert_eq!(WordPieceTokenizer::read(dir.path()).unwrap().tokenize(&TEXTS).unwrap(), expected);
        assert_eq!(files(&WordPieceTokenizer::read(dir.path()).unwrap()), files(&tokenizer));
    }

    /// Word pieces of a text under a vocabulary and `tokenizer_config.json`.
    fn pieces(config: &str, vocabulary: &str, text: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("vocab.txt"), vocabulary).unwrap();
        std::fs::write(dir.path().join("tokenizer_config.json"), config).unwrap();
        let tokenizer = WordPieceTokenizer::read(dir.path()).unwrap();
        let ids = tokenizer.tokenize(&[text]).unwrap().remove(0).ids;
        // What a run folder keeps tokenises alike.
        for (name, content) in tokenizer.files(9).unwrap() {
            std::fs::write(dir.path().join(name), content).unwrap();
        }
        for file in ["tokenizer.json", "vocab.txt"] {
            assert_eq!(WordPieceTokenizer::read(dir.path()).unwrap().tokenize(&[text]).unwrap()[0].ids, ids, "{config}");
            std::fs::remove_file(dir.path().join(file)).unwrap();
        }
        ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn settings_beside_a_vocabulary_are_obeyed() {
        let vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nzoe\nZoe\nZoë\nzoë\n在\n北\n在北\nA.B\na\n.\nb\n";
        for (config, text, expected) in [
            ("{}", "Zoë 在北", "4 8 9"),
            (r#"{"do_lower_case": false}"#, "Zoë", "6"),
            (r#"{"do_lower_case": false, "strip_accents": true}"#, "Zoë", "5"),
            (r#"{"strip_accents": false}"#, "Zoë", "7"),
            (r#"{"tokenize_chinese_chars": false}"#, "在北", "10"),
            ("{}", "A.B", "12 13 14"),
            (r#"{"never_split": ["A.B", "C.D"]}"#, "A.B a", "11 12"),
        ] {
            assert_eq!(pieces(config, vocabulary, text), expected, "{config} {text}");
        }
    }

    #[test]
    fn repeated_and_blank_lines_keep_the_numbers_of_a_vocabulary() {
        let vocabulary = "\u{feff}[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n\na\nb\n\nc\n";
        assert_eq!(pieces("{}", vocabulary, "a b c"), "6 7 9");
    }

    /// Words come from the cache the second time, and pieces and offsets are those of the library for the whole text.
    fn check_cache(tokenizer: &WordPieceTokenizer, text: &str) {
        let mut whole = tokenizer.encode(text).unwrap();
        cover_words(text, &mut whole.offsets);
        for _ in 0..2 {
            assert_eq!(tokenizer.tokenize(&[text]).unwrap(), slice::from_ref(&whole), "{text:?}");
        }
    }

    fn tokenizers() -> [WordPieceTokenizer; 2] {
        let words = "Ödön Teleki met the unhappy king, e\u{301}te\u{301} 中国 北京 서울 ひらがな ЖЗ ab's";
        let tokenizers = [learn(&[words, words], false), learn(&[words, words], true)];
        assert!(tokenizers.iter().all(|tokenizer| tokenizer.words.is_some()));
        tokenizers
    }

    #[test]
    fn words_are_tokenised_as_in_their_text() {
        for tokenizer in &tokenizers() {
            for text in [
                "Ödön Teleki's  (unhappy)  king...",
                "在London北京。 が国 中\u{fe00}国 中\u{301}a",
                "a [SEP] b[CLS]c [sep] [MASK]",
                "soft\u{ad}hyphen zero\u{200b}width \u{200b} \u{feff}bom",
                "tab\tline\nfeed\u{b}vertical\u{c}form\u{85}next\u{2028}line\u{a0}nbsp\u{3000}wide",
                "e\u{301}te\u{301} \u{301}combining a\u{327}\u{301}b \u{0}nul\u{fffd}",
                "𠮷野家 ﷺ İstanbul ß ŒUVRE ﬁ ΑΣ",
                &"long".repeat(60),
                "",
                "  ",
            ] {
                check_cache(tokenizer, text);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(600))]

        #[test]
        fn any_text_is_tokenised_as_by_the_library(parts in vec(prop_oneof![
            Just(" ".to_owned()),
            "[a-eA-E]{1,4}",
            "[ 中国\u{3040}-\u{309f}'.,()\u{301}\u{327}\u{200b}\u{ad}\u{b}\u{85}\u{a0}\u{2028}]{1,3}",
            "\\PC{1,4}",
            any::<char>().prop_map(String::from),
        ], 0..12)) {
            static TOKENIZERS: LazyLock<[WordPieceTokenizer; 2]> = LazyLock::new(tokenizers);
            TOKENIZERS.iter().for_each(|tokenizer| check_cache(tokenizer, &parts.concat()));
        }
    }
}
