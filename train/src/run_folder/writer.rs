//! Writes a run folder.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use schemas::atomic_file;
use serde::Serialize;

use super::layout::{FILES, METRICS, RESULT, SETTINGS, TENSORBOARD};
use super::lock::RunLock;
use super::reader;
use super::tensorboard::EventWriter;
use crate::model::weights;

/// Writes a run folder while the run trains, and keeps it locked.
#[derive(Debug)]
pub struct RunWriter {
    dir: PathBuf,
    _lock: RunLock,
    metrics: File,
    /// With `--tensorboard`.
    events: Option<EventWriter>,
}

/// How a run folder is created.
#[derive(Debug, Clone, Copy)]
pub struct CreateOptions {
    /// Remove an earlier run in the folder.
    pub overwrite: bool,
    /// Write the metrics as TensorBoard events too.
    pub tensorboard: bool,
}

impl RunWriter {
    /// Writes the run's settings to `run.toml` in a locked folder, which is emptied of an earlier run first.
    ///
    /// # Errors
    /// The folder is not empty and `overwrite` is not set; it holds no run, or a file that no run writes; a failed write.
    pub fn create(dir: &Path, lock: RunLock, settings: &impl Serialize, options: CreateOptions) -> Result<Self> {
        prepare(dir, options.overwrite)?;
        let settings = toml::to_string(settings).context("cannot write settings")?;
        let settings = format!("{WRITTEN_BY}{}.\n{settings}", env!("CARGO_PKG_VERSION"));
        atomic_file::write(&dir.join(SETTINGS), settings.as_bytes())?;
        let path = dir.join(METRICS);
        let metrics = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { dir: dir.to_owned(), _lock: lock, metrics, events: events(dir, options.tensorboard)? })
    }

    /// Opens the locked folder of a run that is resumed from a checkpoint. Metrics that were recorded after the checkpoint are cut off:
    /// `metrics_bytes` is their size when it was written.
    ///
    /// # Errors
    /// `metrics.jsonl` is missing or shorter than that; a failed write.
    pub fn resume(dir: &Path, lock: RunLock, metrics_bytes: u64, tensorboard: bool) -> Result<Self> {
        let path = dir.join(METRICS);
        let open = || -> std::io::Result<(File, u64)> {
            let file = OpenOptions::new().append(true).open(&path)?;
            let found = file.metadata()?.len();
            Ok((file, found))
        };
        let (metrics, found) = open().with_context(|| format!("cannot append to {}", path.display()))?;
        ensure!(
            found >= metrics_bytes,
            "{} was cut off: it has {found} bytes, but had {metrics_bytes} when the checkpoint was written",
            path.display()
        );
        metrics.set_len(metrics_bytes).with_context(|| format!("cannot append to {}", path.display()))?;
        let mut run = Self { dir: dir.to_owned(), _lock: lock, metrics, events: events(dir, tensorboard)? };
        if run.events.is_some() {
            reader::metrics(dir)?.iter().try_for_each(|line| run.record_event(line))?;
        }
        Ok(run)
    }

    /// Appends a line to `metrics.jsonl`.
    ///
    /// # Errors
    /// A failed write.
    pub fn record(&mut self, line: &serde_json::Value) -> Result<()> {
        // In one write: a killed process should not leave half a line.
        self.metrics
            .write_all(format!("{line}\n").as_bytes())
            .with_context(|| format!("cannot write {}", self.dir.join(METRICS).display()))?;
        self.record_event(line)
    }

    fn record_event(&mut self, line: &serde_json::Value) -> Result<()> {
        let written = self.events.as_mut().map_or(Ok(()), |events| events.record(line));
        written.with_context(|| format!("cannot write to {}", self.dir.join(TENSORBOARD).display()))
    }

    /// Syncs `metrics.jsonl` and returns its size in bytes.
    ///
    /// # Errors
    /// A failed write.
    pub fn sync_metrics(&self) -> Result<u64> {
        let synced = self.metrics.sync_all().and_then(|()| self.metrics.metadata());
        Ok(synced.with_context(|| format!("cannot write {}", self.dir.join(METRICS).display()))?.len())
    }

    /// Writes weights, as a safetensors file, as the run's best so far.
    ///
    /// # Errors
    /// A failed write.
    pub fn keep_weights(&self, weights: &[u8]) -> Result<()> {
        Ok(atomic_file::write(&self.dir.join(weights::FILE_NAME), weights)?)
    }

    /// Writes the run's result, which makes it a finished one.
    ///
    /// # Errors
    /// A failed write.
    pub fn finish(self, result: &serde_json::Value) -> Result<()> {
        self.sync_metrics()?;
        Ok(atomic_file::write(&self.dir.join(RESULT), format!("{result:#}\n").as_bytes())?)
    }

    /// The run folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

/// An empty event file, dated by the run's settings, if the run has one. A resumed run writes all its metrics to it again.
fn events(dir: &Path, tensorboard: bool) -> Result<Option<EventWriter>> {
    let create = || {
        let began = fs::metadata(dir.join(SETTINGS)).and_then(|settings| settings.modified())?;
        EventWriter::create(dir, began)
    };
    tensorboard.then(create).transpose().with_context(|| format!("cannot write to {}", dir.join(TENSORBOARD).display()))
}

/// How `run.toml` begins.
const WRITTEN_BY: &str = "# Written by train ";

/// Empties a folder of an earlier run if that is to be overwritten.
fn prepare(dir: &Path, overwrite: bool) -> Result<()> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    // A process that was killed as it began leaves no more than this.
    let half_begun = atomic_file::temporary_path(Path::new(SETTINGS));
    if names.iter().all(|name| Path::new(name) == half_begun) {
        return Ok(());
    }
    ensure!(overwrite, "run folder {} is not empty; choose another with --out, or replace the run with --overwrite", dir.display());
    let is_run = fs::read_to_string(dir.join(SETTINGS)).is_ok_and(|settings| settings.starts_with(WRITTEN_BY));
    ensure!(
        is_run,
        "will not overwrite {}: it is not a run, as it has no {SETTINGS} that train wrote; choose another folder with --out",
        dir.display()
    );
    if let Some(foreign) = names.iter().find(|name| !FILES.contains(&name.trim_start_matches('.').trim_end_matches(".tmp"))) {
        bail!("will not overwrite {}: it holds {foreign}, which no run writes; choose another folder with --out", dir.display());
    }
    // The result goes first: a half removed run must not look finished. The settings go last: until then it can be overwritten.
    names.sort_by_key(|name| if name == RESULT { 0 } else { 1 + usize::from(name == SETTINGS) });
    for name in names {
        let path = dir.join(name);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: CreateOptions = CreateOptions { overwrite: false, tensorboard: false };

    fn line(step: u64) -> serde_json::Value {
        serde_json::json!({ "step": step, "loss": 0.5 })
    }

    #[test]
    fn a_resumed_run_forgets_what_came_after_the_checkpoint() {
        let dir = tempfile::tempdir().unwrap();
        let lock = || RunLock::acquire(dir.path()).unwrap();
        let mut run = RunWriter::create(dir.path(), lock(), &line(0), PLAIN).unwrap();
        run.record(&line(1)).unwrap();
        let bytes = run.sync_metrics().unwrap();
        run.record(&line(2)).unwrap();
        drop(run);
        let mut run = RunWriter::resume(dir.path(), lock(), bytes, true).unwrap();
        run.record(&line(3)).unwrap();
        assert_eq!(reader::metrics(dir.path()).unwrap(), [line(1), line(3)]);
        drop(run);
        let cut = RunWriter::resume(dir.path(), lock(), 1000, false).unwrap_err().to_string();
        assert!(cut.contains("metrics.jsonl was cut off"), "{cut}");
    }

    #[test]
    fn settings_come_back_as_they_were_written() {
        let dir = tempfile::tempdir().unwrap();
        RunWriter::create(dir.path(), RunLock::acquire(dir.path()).unwrap(), &line(7), PLAIN).unwrap();
        assert_eq!(reader::settings::<serde_json::Value>(dir.path()).unwrap(), line(7));
        let error = reader::settings::<serde_json::Value>(&dir.path().join("none")).unwrap_err().to_string();
        assert!(error.starts_with("there is no run "), "{error}");
    }

    #[test]
    fn only_a_run_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let create = |overwrite| {
            let options = CreateOptions { overwrite, ..PLAIN };
            RunWriter::create(dir.path(), RunLock::acquire(dir.path())?, &line(0), options).map(drop)
        };
        // Left by a process that was killed as it began.
        fs::write(dir.path().join(".run.toml.tmp"), "half").unwrap();
        create(false).unwrap();
        assert!(create(false).unwrap_err().to_string().contains("is not empty"));
        fs::write(dir.path().join(".result.json.tmp"), "half").unwrap();
        create(true).unwrap();
        assert!(!dir.path().join(".result.json.tmp").exists());
        fs::write(dir.path().join("thesis.txt"), "mine").unwrap();
        assert!(create(true).unwrap_err().to_string().contains("it holds thesis.txt"));
        assert!(dir.path().join(SETTINGS).exists(), "nothing was removed");

        // A pre-trained encoder has the files of a run, but it is none; nor are settings that somebody else wrote.
        fs::remove_file(dir.path().join("thesis.txt")).unwrap();
        fs::write(dir.path().join("model.safetensors"), "weights").unwrap();
        for settings in ["[package]\n", ""] {
            fs::write(dir.path().join(SETTINGS), settings).unwrap();
            assert!(create(true).unwrap_err().to_string().contains("it is not a run"));
        }
        fs::remove_file(dir.path().join(SETTINGS)).unwrap();
        assert!(create(true).unwrap_err().to_string().contains("it is not a run"));
        assert!(dir.path().join("model.safetensors").exists(), "nothing was removed");
    }
}
