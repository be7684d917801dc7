//! Folders that hold a model: run folders, and folders in the Hugging Face layout.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use burn::tensor::backend::Backend;
use schemas::{Query, atomic_file};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::layout::{self, SETTINGS};
use super::reader::settings_file;
use crate::data::WordPieceTokenizer;
use crate::decode::Decoding;
use crate::model::weights::{self, RequiredHeads, StateDict};
use crate::model::{BertConfig, MrcModel, OptionalHeads};
use crate::model_files;

/// The file with the shape of the encoder.
const CONFIG: &str = "config.json";

/// Key of [`MrcDescription`] in the `config.json` of an export.
const MRC: &str = "mrc";

/// What the `config.json` of an export says of the model beside its encoder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MrcDescription {
    /// Longest sequence in word pieces.
    pub max_length: usize,
    /// Whether it has the span head.
    pub nested: bool,
    /// Which end a start takes.
    #[serde(default)]
    pub decoding: Decoding,
    /// Labels and queries that it was trained with, as far as they are known.
    pub queries: Vec<Query>,
}

/// A folder with a model, opened: the encoder's shape and its tokenizer are read, its weights not yet.
#[derive(Debug)]
pub struct ModelFolder {
    dir: PathBuf,
    /// Shape of the encoder.
    pub bert: BertConfig,
    /// Its tokenizer.
    pub tokenizer: WordPieceTokenizer,
}

impl ModelFolder {
    /// Opens a run folder that has weights.
    ///
    /// # Errors
    /// It does not exist, is no run folder, has no weights yet, or is broken.
    pub fn open_run(dir: &Path) -> Result<Self> {
        settings_file(dir)?;
        let weights = weights::FILE_NAME;
        ensure!(
            dir.join(weights).exists(),
            "run {} has no {weights} yet: training was stopped before its first evaluation; continue it with `train resume {0}`",
            dir.display()
        );
        Self::open(dir)
    }

    /// Opens a run folder that may have no weights yet.
    ///
    /// # Errors
    /// It does not exist, is no run folder, or is broken.
    pub fn open_started(dir: &Path) -> Result<Self> {
        settings_file(dir)?;
        Self::open(dir)
    }

    /// Opens a folder with a trained model: a run folder, or one in the Hugging Face layout whose weights include the heads, such as
    /// `train export` writes.
    ///
    /// # Errors
    /// It does not exist, is neither, or is broken.
    pub fn open_model(dir: &Path) -> Result<Self> {
        if layout::is_run(dir) || !dir.join(CONFIG).exists() { Self::open_run(dir) } else { Self::open(dir) }
    }

    /// Opens an encoder of the BERT family in the Hugging Face layout: a folder, or the name of a model in the cache of the hub.
    ///
    /// # Errors
    /// It does not exist, is broken, or is not an encoder that this program computes.
    pub fn open_encoder(dir: &Path) -> Result<Self> {
        Self::open(&model_files::locate(dir)?)
    }

    fn open(dir: &Path) -> Result<Self> {
        let path = dir.join(CONFIG);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        model_files::refuse_lfs_pointer(&path)?;
        let bert = BertConfig::from_json(&text).map_err(|error| anyhow!("cannot use {}: {error}", path.display()))?;
        let tokenizer = WordPieceTokenizer::read(dir)?;
        let (size, rows) = (tokenizer.vocabulary_size(), bert.vocab_size);
        ensure!(
            size <= rows,
            "the tokenizer of {} has {size} word pieces, more than the {rows} embeddings of config.json (vocab_size)",
            dir.display()
        );
        Ok(Self { dir: dir.to_owned(), bert, tokenizer })
    }

    /// Loads its weights for a stage to start from, without the head of pseudo-labels of an earlier stage 3. Heads that may be
    /// random (`heads`) are drawn from `seed`. Also says which heads of other tasks the file holds.
    ///
    /// # Errors
    /// Weights are missing, broken, or of other shapes.
    pub fn load<B: Backend>(
        &self,
        extras: OptionalHeads,
        heads: RequiredHeads,
        seed: u64,
        device: &B::Device,
    ) -> Result<(MrcModel<B>, BTreeSet<String>)> {
        let tensors = StateDict::read(&self.dir)?.without_cluster_head();
        let left_out = tensors.left_out().clone();
        let model = weights::build_model(&self.bert, extras, tensors, heads, seed, device);
        Ok((model.with_context(|| format!("cannot use {}", self.dir.display()))?, left_out))
    }

    /// Loads its weights for prediction.
    ///
    /// # Errors
    /// Weights are missing, broken, or of other shapes.
    pub fn load_trained<B: Backend>(&self, device: &B::Device) -> Result<MrcModel<B>> {
        let tensors = StateDict::read(&self.dir)?;
        let extras = OptionalHeads { clusters: None, ..tensors.optional_heads() };
        weights::build_model(&self.bert, extras, tensors, RequiredHeads::All, 0, device)
            .with_context(|| format!("cannot use {}", self.dir.display()))
    }

    /// Longest sequence in word pieces: that of the run's settings or of an export, or else as many as the encoder has positions.
    pub fn max_length(&self) -> usize {
        #[derive(Deserialize)]
        struct Length {
            max_length: usize,
        }
        self.described().map_or(usize::MAX, |Length { max_length }| max_length).min(self.bert.max_length())
    }

    /// Which end a start takes: as the run's settings or an export say, or else the nearest.
    pub fn decoding(&self) -> Decoding {
        #[derive(Deserialize)]
        struct How {
            #[serde(default)]
            decoding: Decoding,
        }
        self.described().map_or(Decoding::Nearest, |How { decoding }| decoding)
    }

    /// What the run's settings say, or the `config.json` of an export.
    fn described<T: DeserializeOwned>(&self) -> Option<T> {
        let settings = fs::read_to_string(self.dir.join(SETTINGS)).ok();
        let exported = || {
            let config: serde_json::Value = serde_json::from_slice(&fs::read(self.dir.join(CONFIG)).ok()?).ok()?;
            T::deserialize(config.get(MRC)?).ok()
        };
        settings.and_then(|text| toml::from_str(&text).ok()).or_else(exported)
    }
}

/// Writes what a folder in the Hugging Face layout has beside the weights: `config.json` and the tokenizer's files.
///
/// # Errors
/// A failed write.
pub fn write_model_description(dir: &Path, bert: &BertConfig, tokenizer: &WordPieceTokenizer) -> Result<()> {
    write_description(dir, bert, tokenizer, serde_json::Map::new())
}

/// The same for an export: `config.json` also names the class that computes the heads, and says what [`MrcDescription`] has.
///
/// # Errors
/// A failed write.
pub fn write_exported_description(dir: &Path, bert: &BertConfig, tokenizer: &WordPieceTokenizer, model: &MrcDescription) -> Result<()> {
    let mut more = serde_json::Map::new();
    more.insert("auto_map".to_owned(), serde_json::json!({ "AutoModel": "modeling_mrc.MrcModel" }));
    more.insert(MRC.to_owned(), serde_json::to_value(model)?);
    write_description(dir, bert, tokenizer, more)
}

fn write_description(
    dir: &Path,
    bert: &BertConfig,
    tokenizer: &WordPieceTokenizer,
    more: serde_json::Map<String, serde_json::Value>,
) -> Result<()> {
    let mut shape = bert.to_json();
    if !bert.family.counts_positions_from_padding() {
        shape["pad_token_id"] = tokenizer.special_tokens().pad.into();
    }
    more.into_iter().for_each(|(key, value)| shape[key] = value);
    atomic_file::write(&dir.join(CONFIG), format!("{shape:#}\n").as_bytes())?;
    let files = tokenizer.files(bert.max_length())?;
    Ok(files.iter().try_for_each(|(name, content)| atomic_file::write(&dir.join(name), content.as_bytes()))?)
}
