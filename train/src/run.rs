//! Run folders: what a training stage leaves behind, and how it is read again.
//!
//! ```text
//! run.toml               resolved settings, written first
//! config.json            shape of the encoder
//! model.safetensors      the weights that were best on dev
//! vocab.txt tokenizer.json tokenizer_config.json
//! metrics.jsonl          a line for each reading of the loss and each evaluation
//! checkpoints/last/      the weights at the last evaluation, and where that was
//! ```
//! Each file but `metrics.jsonl` is written under a temporary name and renamed.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::backend::Backend;
use serde::{Deserialize, Serialize};

use crate::config::TrainConfig;
use crate::data::WordPieces;
use crate::model::weights::{self, Heads, Tensors};
use crate::model::{BertConfig, Reader};

/// File of settings: it makes a folder a run.
const SETTINGS: &str = "run.toml";

/// What a run's folder may hold. Nothing else is ever deleted.
const FILES: [&str; 8] =
    [SETTINGS, "config.json", weights::FILE_NAME, "vocab.txt", "tokenizer.json", "tokenizer_config.json", "metrics.jsonl", "checkpoints"];

/// A run being written.
#[derive(Debug)]
pub struct RunWriter {
    dir: PathBuf,
    metrics: File,
}

/// Where `checkpoints/last` was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Steps done.
    pub step: usize,
    /// Epoch of the last of them, from 1.
    pub epoch: usize,
}

impl RunWriter {
    /// Makes the folder and writes settings, the encoder's shape and the tokenizer.
    ///
    /// # Errors
    /// Something is there and is not to be overwritten, or is no run; a failed write.
    pub fn create(config: &TrainConfig, bert: &BertConfig, pieces: &WordPieces) -> Result<Self> {
        let dir = &config.out;
        prepare(dir, config.overwrite)?;
        let write = |name: &str, content: &[u8]| write_whole(&dir.join(name), content);
        let settings = toml::to_string(config).context("cannot write settings")?;
        write(SETTINGS, format!("# Written by train {}.\n{settings}", env!("CARGO_PKG_VERSION")).as_bytes())?;
        let mut shape = serde_json::to_value(bert)?;
        shape["architectures"] = serde_json::json!(["BertModel"]);
        write("config.json", format!("{shape:#}\n").as_bytes())?;
        for (name, content) in pieces.files(bert.max_position_embeddings)? {
            write(name, content.as_bytes())?;
        }
        let path = dir.join("metrics.jsonl");
        let metrics = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { dir: dir.clone(), metrics })
    }

    /// Appends a line to `metrics.jsonl`.
    ///
    /// # Errors
    /// A failed write.
    pub fn record(&mut self, line: &serde_json::Value) -> Result<()> {
        writeln!(self.metrics, "{line}").with_context(|| format!("cannot write {}", self.dir.join("metrics.jsonl").display()))
    }

    /// Writes the weights as the last ones and, if they are the best, as the run's result.
    ///
    /// # Errors
    /// A failed write.
    pub fn save<B: Backend>(&self, reader: &Reader<B>, position: Position, best: bool) -> Result<()> {
        let bytes = weights::to_safetensors(reader)?;
        let last = self.dir.join("checkpoints").join("last");
        fs::create_dir_all(&last).with_context(|| format!("cannot make {}", last.display()))?;
        write_whole(&last.join(weights::FILE_NAME), &bytes)?;
        write_whole(&last.join("state.json"), format!("{}\n", serde_json::to_value(position)?).as_bytes())?;
        if best { write_whole(&self.dir.join(weights::FILE_NAME), &bytes) } else { Ok(()) }
    }
}

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
        ensure!(dir.is_dir(), "there is no run {}", dir.display());
        ensure!(dir.join(SETTINGS).exists(), "{} is not a run: it has no {SETTINGS}", dir.display());
        ensure!(dir.join(weights::FILE_NAME).exists(), "run {} has no {} yet: its training did not end", dir.display(), weights::FILE_NAME);
        Self::open(dir)
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

    /// Reads its weights.
    ///
    /// # Errors
    /// They are missing, broken, or do not fit.
    pub fn load<B: Backend>(&self, heads: Heads, seed: u64, device: &B::Device) -> Result<Reader<B>> {
        let tensors = Tensors::read(&self.dir)?;
        weights::fill(&self.bert, tensors, heads, seed, device).with_context(|| format!("cannot use {}", self.dir.display()))
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

fn prepare(dir: &Path, overwrite: bool) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    if names.is_empty() {
        return Ok(());
    }
    ensure!(overwrite, "run folder {} is not empty; give another with --out, or replace it with --overwrite", dir.display());
    if let Some(foreign) = names.iter().find(|name| !FILES.contains(&name.trim_start_matches('.').trim_end_matches(".tmp"))) {
        bail!("will not overwrite {}: it holds {foreign}, which no run does; choose another folder", dir.display());
    }
    // The settings go first: a run half removed must not look like one.
    names.sort_by_key(|name| name != SETTINGS);
    for name in names {
        let path = dir.join(name);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

/// Writes a file under a temporary name, syncs and renames it.
///
/// # Errors
/// A failed write.
pub fn write_whole(path: &Path, content: &[u8]) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.tmp"));
    File::create(&temporary)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
