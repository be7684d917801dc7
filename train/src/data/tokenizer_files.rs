//! Tokenizers in the files that they come in.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use tokenizers::models::bpe::BPE;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::processors::roberta::RobertaProcessing;
use tokenizers::{AddedToken, Tokenizer};
use tokenizers::{DecoderWrapper, ModelWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper};

use super::tokenizer::WordPieceTokenizer;
use super::tokenizer_settings::TokenizerSettings;
use crate::model_files::refuse_lfs_pointer;

/// Models of SentencePiece, which are not read.
const SENTENCE_PIECE: [&str; 3] = ["sentencepiece.bpe.model", "spiece.model", "sentencepiece.model"];

/// Special tokens of RoBERTa.
const ROBERTA_TOKENS: [&str; 4] = ["<s>", "<pad>", "</s>", "<unk>"];

impl WordPieceTokenizer {
    /// Reads the tokenizer of a folder: `tokenizer.json`, or where there is none, `vocab.txt` with the
    /// [settings](TokenizerSettings) of `tokenizer_config.json`, or `vocab.json` with `merges.txt`, as RoBERTa has them.
    ///
    /// # Errors
    /// None of the files exists, one is malformed, `vocab.txt` is of another tokenizer than BERT's, or the vocabulary lacks a special token.
    pub fn read(dir: &Path) -> Result<Self> {
        let [tokenizer_json, vocabulary, config, byte_pairs, merges] =
            ["tokenizer.json", "vocab.txt", "tokenizer_config.json", "vocab.json", "merges.txt"].map(|file| dir.join(file));
        for path in [&tokenizer_json, &vocabulary, &config, &byte_pairs, &merges].into_iter().filter(|path| path.exists()) {
            refuse_lfs_pointer(path)?;
        }
        let settings = TokenizerSettings::read(dir)?;
        if tokenizer_json.exists() {
            let tokenizer =
                Tokenizer::from_file(&tokenizer_json).map_err(|error| anyhow!("cannot read {}: {error}", tokenizer_json.display()))?;
            let settings = match tokenizer.get_normalizer() {
                Some(NormalizerWrapper::BertNormalizer(normalizer)) => TokenizerSettings::of_normalizer(normalizer),
                _ => settings,
            };
            let tokenizer = Self::from_tokenizer(tokenizer, settings);
            return tokenizer.with_context(|| format!("cannot use {}", tokenizer_json.display()));
        }
        if vocabulary.exists() {
            settings.check_class().with_context(|| format!("cannot use {}", dir.display()))?;
            return Self::from_vocabulary_file(&vocabulary, settings);
        }
        if byte_pairs.exists() && merges.exists() {
            let tokenizer =
                byte_level(&byte_pairs, &merges).and_then(|tokenizer| Self::from_tokenizer(tokenizer, TokenizerSettings::bert(false)));
            return tokenizer.with_context(|| format!("cannot use {} and merges.txt", byte_pairs.display()));
        }
        let sentence_piece = SENTENCE_PIECE.into_iter().find(|file| dir.join(file).exists());
        if let Some(file) = sentence_piece {
            bail!(
                "{0} holds {file} but no tokenizer.json; make it in Python: transformers.AutoTokenizer.from_pretrained(\"{0}\").save_pretrained(\"{0}\")",
                dir.display()
            );
        }
        bail!("{} holds neither tokenizer.json nor vocab.txt, nor vocab.json with merges.txt", dir.display())
    }
}

/// Byte-level BPE as RoBERTa has it (Radford et al. 2019).
fn byte_level(vocabulary: &Path, merges: &Path) -> Result<Tokenizer> {
    let failed = |error| anyhow!("{error}");
    let (vocabulary, merges) = (vocabulary.to_str().context("its path is not UTF-8")?, merges.to_str().context("its path is not UTF-8")?);
    let model = BPE::from_file(vocabulary, merges).build().map_err(failed)?;
    let mut tokenizer = Tokenizer::new(ModelWrapper::BPE(model));
    let id = |token: &str| tokenizer.token_to_id(token).map(|id| (token.to_owned(), id)).with_context(|| format!("it has no {token}"));
    let processing = RobertaProcessing::new(id("</s>")?, id("<s>")?).add_prefix_space(false);
    tokenizer.with_pre_tokenizer(Some(PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, true, true))));
    tokenizer.with_decoder(Some(DecoderWrapper::ByteLevel(ByteLevel::default())));
    tokenizer.with_post_processor(Some(PostProcessorWrapper::Roberta(processing)));
    tokenizer.add_special_tokens(&ROBERTA_TOKENS.map(|token| AddedToken::from(token, true)));
    // The space before it belongs to it.
    tokenizer.add_special_tokens(&[AddedToken::from("<mask>", true).lstrip(true)]);
    Ok(tokenizer)
}
