//! Run folders written and read.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use schemas::atomic_file;

use super::checkpoint;
use super::tensorboard::{self, Events};
use crate::commands::plot;
use crate::config::TrainConfig;
use crate::data::WordPieces;
use crate::model::{BertConfig, weights};
use crate::stage::{pseudo_labels, relabel};

/// File of settings: it makes a folder a run.
pub const SETTINGS: &str = "run.toml";

/// How a run ended: it makes it a finished one.
const RESULT: &str = "result.json";

/// A line for each reading of the loss and each evaluation.
const METRICS: &str = "metrics.jsonl";

/// What a run's folder may hold. Nothing else is ever deleted.
const FILES: [&str; 13] = [
    SETTINGS,
    "config.json",
    weights::FILE_NAME,
    "vocab.txt",
    "tokenizer.json",
    "tokenizer_config.json",
    METRICS,
    checkpoint::FOLDER,
    relabel::FOLDER,
    pseudo_labels::FOLDER,
    plot::FOLDER,
    tensorboard::FOLDER,
    RESULT,
];

/// A run being written.
#[derive(Debug)]
pub struct RunWriter {
    dir: PathBuf,
    metrics: File,
    events: Option<Events>,
}

impl RunWriter {
    /// Makes the folder and writes settings, the encoder's shape and the tokenizer.
    ///
    /// # Errors
    /// Something is there and is not to be overwritten, or is no run; a failed write.
    pub fn create(config: &TrainConfig, bert: &BertConfig, pieces: &WordPieces) -> Result<Self> {
        let dir = &config.out;
        prepare(dir, config.overwrite)?;
        let settings = toml::to_string(config).context("cannot write settings")?;
        atomic_file::write(&dir.join(SETTINGS), format!("# Written by train {}.\n{settings}", env!("CARGO_PKG_VERSION")).as_bytes())?;
        write_description(dir, bert, pieces)?;
        let path = dir.join(METRICS);
        let metrics = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { dir: dir.clone(), metrics, events: events(config)? })
    }

    /// Opens the run of a checkpoint: what was recorded after it is cut off.
    ///
    /// # Errors
    /// The metrics are gone or shorter than they were.
    pub fn reopen(config: &TrainConfig, metrics_bytes: u64) -> Result<Self> {
        let dir = &config.out;
        let path = dir.join(METRICS);
        let open = || -> std::io::Result<(File, u64)> {
            let file = OpenOptions::new().append(true).open(&path)?;
            let found = file.metadata()?.len();
            Ok((file, found))
        };
        let (metrics, found) = open().with_context(|| format!("cannot go on writing {}", path.display()))?;
        ensure!(found >= metrics_bytes, "{} was cut: it has {found} bytes, the checkpoint was taken at {metrics_bytes}", path.display());
        metrics.set_len(metrics_bytes).with_context(|| format!("cannot go on writing {}", path.display()))?;
        let mut run = Self { dir: dir.clone(), metrics, events: events(config)? };
        if run.events.is_some() {
            self::metrics(dir)?.iter().try_for_each(|line| run.record_event(line))?;
        }
        Ok(run)
    }

    /// Appends a line to `metrics.jsonl`.
    ///
    /// # Errors
    /// A failed write.
    pub fn record(&mut self, line: &serde_json::Value) -> Result<()> {
        // At once: a kill should leave no half of a line.
        self.metrics
            .write_all(format!("{line}\n").as_bytes())
            .with_context(|| format!("cannot write {}", self.dir.join(METRICS).display()))?;
        self.record_event(line)
    }

    fn record_event(&mut self, line: &serde_json::Value) -> Result<()> {
        let written = self.events.as_mut().map_or(Ok(()), |events| events.record(line));
        written.with_context(|| format!("cannot write to {}", self.dir.join(tensorboard::FOLDER).display()))
    }

    /// Bytes of `metrics.jsonl`, all of which are on the disk now.
    ///
    /// # Errors
    /// A failed write.
    pub fn sync_metrics(&self) -> Result<u64> {
        let synced = self.metrics.sync_all().and_then(|()| self.metrics.metadata());
        Ok(synced.with_context(|| format!("cannot write {}", self.dir.join(METRICS).display()))?.len())
    }

    /// Writes weights as the run's result so far.
    ///
    /// # Errors
    /// A failed write.
    pub fn keep(&self, weights: &[u8]) -> Result<()> {
        Ok(atomic_file::write(&self.dir.join(weights::FILE_NAME), weights)?)
    }

    /// Says how the run ended, which makes it a finished one.
    ///
    /// # Errors
    /// A failed write.
    pub fn finish(self, result: &serde_json::Value) -> Result<()> {
        self.sync_metrics()?;
        Ok(atomic_file::write(&self.dir.join(RESULT), format!("{result:#}\n").as_bytes())?)
    }

    /// The run's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

/// The run's event file, if it is to have one: empty, for a run's lines are written again when it goes on.
fn events(config: &TrainConfig) -> Result<Option<Events>> {
    let create = || {
        let began = fs::metadata(config.out.join(SETTINGS)).and_then(|settings| settings.modified())?;
        Events::create(&config.out, began)
    };
    let events = config.tensorboard.then(create).transpose();
    events.with_context(|| format!("cannot write to {}", config.out.join(tensorboard::FOLDER).display()))
}

/// Writes what stands beside a model's weights: the encoder's shape and the tokenizer.
///
/// # Errors
/// A failed write.
pub fn write_description(dir: &Path, bert: &BertConfig, pieces: &WordPieces) -> Result<()> {
    let mut shape = serde_json::to_value(bert)?;
    shape["architectures"] = serde_json::json!(["BertModel"]);
    shape["pad_token_id"] = pieces.pad().into();
    atomic_file::write(&dir.join("config.json"), format!("{shape:#}\n").as_bytes())?;
    let files = pieces.files(bert.max_position_embeddings)?;
    Ok(files.iter().try_for_each(|(name, content)| atomic_file::write(&dir.join(name), content.as_bytes()))?)
}

/// Whether a folder is a run's, finished or not.
pub fn is_run(dir: &Path) -> bool {
    dir.join(SETTINGS).exists()
}

/// Whether a run came to its end.
pub fn is_finished(dir: &Path) -> bool {
    dir.join(RESULT).exists()
}

/// How a run ended: `stage`, `steps`, `epochs`, and where they were asked for the scores on `dev` and `test`.
///
/// # Errors
/// It is not finished, or its result cannot be read.
pub fn result(dir: &Path) -> Result<serde_json::Value> {
    let path = dir.join(RESULT);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no result of a run", path.display()))
}

/// The settings that a run was started with.
///
/// # Errors
/// It is missing, no run, or its settings cannot be read.
pub fn settings(dir: &Path) -> Result<TrainConfig> {
    let path = settings_file(dir)?;
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut config: TrainConfig = toml::from_str(&text).with_context(|| format!("{} is not of this version", path.display()))?;
    dir.clone_into(&mut config.out);
    Ok(config)
}

/// What a run recorded so far: the lines of its `metrics.jsonl`.
///
/// # Errors
/// The file is missing or broken.
pub fn metrics(dir: &Path) -> Result<Vec<serde_json::Value>> {
    let path = dir.join(METRICS);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let parse = |(number, line)| serde_json::from_str(line).with_context(|| format!("{}, line {}", path.display(), number + 1));
    text.lines().enumerate().map(parse).collect()
}

pub(super) fn settings_file(dir: &Path) -> Result<PathBuf> {
    ensure!(dir.is_dir(), "there is no run {}", dir.display());
    let path = dir.join(SETTINGS);
    ensure!(path.exists(), "{} is not a run: it has no {SETTINGS}", dir.display());
    Ok(path)
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
