//! Folders that hold a model: a run's or an encoder's.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::backend::Backend;
use serde::Deserialize;

use super::writer::{self, SETTINGS};
use crate::data::WordPieces;
use crate::model::weights::{self, Heads, Tensors};
use crate::model::{BertConfig, Extras, Reader};

/// A model's folder, opened: a run's or an encoder's.
#[derive(Debug)]
pub struct ModelFolder {
    dir: PathBuf,
    /// Shape of the encoder.
    pub bert: BertConfig,
    /// Its tokenizer.
    pub pieces: WordPieces,
}

impl ModelFolder {
    /// Opens a run's folder.
    ///
    /// # Errors
    /// It is missing, no run, or without weights yet.
    pub fn open_run(dir: &Path) -> Result<Self> {
        writer::settings_file(dir)?;
        ensure!(dir.join(weights::FILE_NAME).exists(), "run {} has no {} yet: its training did not end", dir.display(), weights::FILE_NAME);
        Self::open(dir)
    }

    /// Opens the folder of a run that may have no result yet.
    ///
    /// # Errors
    /// It is missing, no run, or broken.
    pub fn open_started(dir: &Path) -> Result<Self> {
        writer::settings_file(dir)?;
        Self::open(dir)
    }

    /// Opens a folder with a trained reader: a run's, or one in the Hugging Face layout whose weights have the heads.
    ///
    /// # Errors
    /// It is missing or broken.
    pub fn open_model(dir: &Path) -> Result<Self> {
        if writer::is_run(dir) { Self::open_run(dir) } else { Self::open_encoder(dir) }
    }

    /// Opens a BERT in the Hugging Face layout.
    ///
    /// # Errors
    /// It is missing, broken, or no BERT that this program can compute.
    pub fn open_encoder(dir: &Path) -> Result<Self> {
        ensure!(dir.is_dir(), "there is no encoder folder {}", dir.display());
        Self::open(dir)
    }

    fn open(dir: &Path) -> Result<Self> {
        let path = dir.join("config.json");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let bert: BertConfig = serde_json::from_str(&text).with_context(|| format!("{} does not describe a BERT", path.display()))?;
        if let Some(why) = bert.unsupported() {
            bail!("cannot use {}: {why}", path.display());
        }
        let pieces = WordPieces::read(dir)?;
        let (size, rows) = (pieces.size(), bert.vocab_size);
        ensure!(size <= rows, "the tokenizer of {} has {size} pieces, but config.json has room for {rows} (vocab_size)", dir.display());
        Ok(Self { dir: dir.to_owned(), bert, pieces })
    }

    /// Reads its weights, for a stage to begin with.
    ///
    /// # Errors
    /// They are missing, broken, or do not fit.
    pub fn load<B: Backend>(&self, extras: Extras, heads: Heads, seed: u64, device: &B::Device) -> Result<Reader<B>> {
        let tensors = Tensors::read(&self.dir)?.without_clusters();
        weights::fill(&self.bert, extras, tensors, heads, seed, device).with_context(|| format!("cannot use {}", self.dir.display()))
    }

    /// Reads its weights, for a reader to find answers with.
    ///
    /// # Errors
    /// They are missing, broken, or do not fit.
    pub fn load_reader<B: Backend>(&self, device: &B::Device) -> Result<Reader<B>> {
        let tensors = Tensors::read(&self.dir)?;
        let extras = Extras { clusters: None, ..tensors.extras() };
        weights::fill(&self.bert, extras, tensors, Heads::Stored, 0, device).with_context(|| format!("cannot use {}", self.dir.display()))
    }

    /// Longest sequence that a run was trained on, or that its positions allow if it does not say.
    pub fn max_length(&self) -> usize {
        #[derive(Deserialize)]
        struct Length {
            max_length: usize,
        }
        let settings = fs::read_to_string(self.dir.join(SETTINGS)).ok();
        let said = settings.and_then(|text| toml::from_str::<Length>(&text).ok()).map(|length| length.max_length);
        said.unwrap_or(usize::MAX).min(self.bert.max_position_embeddings)
    }
}
