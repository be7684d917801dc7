//! Reads what a run folder holds beside the model.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::de::DeserializeOwned;

use super::layout::{METRICS, RESULT, SETTINGS};

/// The path of a run's settings.
///
/// # Errors
/// The folder does not exist, or is no run folder.
pub(super) fn settings_file(dir: &Path) -> Result<PathBuf> {
    ensure!(dir.is_dir(), "there is no run {}", dir.display());
    let path = dir.join(SETTINGS);
    ensure!(path.exists(), "{} is not a run: it has no {SETTINGS}", dir.display());
    Ok(path)
}

/// The settings that a run was started with.
///
/// # Errors
/// The folder does not exist, is no run folder, or its settings are not of type `S`.
pub fn settings<S: DeserializeOwned>(dir: &Path) -> Result<S> {
    let path = settings_file(dir)?;
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("{} holds other settings than this version of train writes", path.display()))
}

/// The text of a run's settings, if the folder is a run.
pub fn settings_text(dir: &Path) -> Option<String> {
    fs::read_to_string(dir.join(SETTINGS)).ok()
}

/// The result of a finished run: `stage`, `steps`, `epochs`, and the scores on `dev` and `test` where those were given.
///
/// # Errors
/// The run is not finished, or its result cannot be read.
pub fn result(dir: &Path) -> Result<serde_json::Value> {
    let path = dir.join(RESULT);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not the JSON that a run writes", path.display()))
}

/// The lines of a run's `metrics.jsonl` so far.
///
/// # Errors
/// The file does not exist, or a line is not JSON.
pub fn metrics(dir: &Path) -> Result<Vec<serde_json::Value>> {
    let path = dir.join(METRICS);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let parse = |(number, line)| serde_json::from_str(line).with_context(|| format!("{}, line {}", path.display(), number + 1));
    text.lines().enumerate().map(parse).collect()
}
