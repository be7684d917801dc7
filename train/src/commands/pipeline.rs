//! `train pipeline`: the stages of a file, one after the other.

use std::path::Path;

use anyhow::{Result, ensure};

use super::run_stage::{StartFrom, run_stage, with_last_round};
use super::terminal::TerminalReporter;
use crate::config::{PipelineConfig, TrainConfig};
use crate::progress::Reporter;
use crate::run_folder::{layout, reader};
use crate::stage::StageSettings;

/// Trains the stages that are not finished yet, each to its end before the next. A stage that was stopped is resumed.
///
/// # Errors
/// Those of [`run_stage`]; a run that was started with other settings than the file's.
pub fn pipeline(config: PipelineConfig) -> Result<()> {
    let PipelineConfig { stages, quiet, .. } = config;
    let reporter = TerminalReporter::new(quiet);
    let (count, runs) = (stages.len(), stages.iter().map(|stage| stage.run.clone()).collect::<Vec<_>>());
    for (number, stage) in stages.into_iter().enumerate() {
        // Only now: the rounds of an earlier stage did not exist before.
        let stage = with_last_round(stage)?;
        let run = &stage.run;
        let (started, finished) = (layout::is_run(run), layout::is_finished(run));
        if started {
            check_settings(&stage)?;
        }
        let state = match (started, finished) {
            (_, true) => "finished, kept",
            (true, false) => "resumes",
            (false, false) => "starts",
        };
        reporter.message(&format!("stage {} of {count}: {} in {}: {state}", number + 1, stage.settings.stage.name(), run.display()));
        if !finished {
            run_stage(stage, if started { StartFrom::LastCheckpoint } else { StartFrom::Beginning })?;
        }
    }
    reporter.message(summary(&runs)?.trim_end());
    Ok(())
}

/// A table of finished runs: their steps and scores.
fn summary<P: AsRef<Path>>(runs: &[P]) -> Result<String> {
    let names: Vec<String> = runs.iter().map(|dir| dir.as_ref().display().to_string()).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or_default().max(3);
    let mut table = format!("{:<width$} {:>8} {:>7} {:>8} {:>8}\n", "run", "steps", "epochs", "dev F1", "test F1");
    for (dir, name) in runs.iter().zip(&names) {
        let result = reader::result(dir.as_ref())?;
        let number = |key: &str| result[key].as_u64().map_or_else(|| "–".to_owned(), |number| number.to_string());
        let f1 = |set: &str| result[set]["f1"].as_f64().map_or_else(|| "–".to_owned(), |f1| format!("{f1:.4}"));
        let (steps, epochs, dev, test) = (number("steps"), number("epochs"), f1("dev"), f1("test"));
        table += &format!("{name:<width$} {steps:>8} {epochs:>7} {dev:>8} {test:>8}\n");
    }
    Ok(table)
}

/// Checks that a run was started with the settings that the file gives it now.
fn check_settings(stage: &TrainConfig) -> Result<()> {
    let stored: StageSettings = reader::settings(&stage.run)?;
    let (now, then) = (toml::to_string(&stage.settings)?, toml::to_string(&stored)?);
    let differs = now.lines().zip(then.lines()).find(|(now, then)| now != then);
    let (now, then) = differs.unwrap_or((&now, &then));
    ensure!(
        now == then,
        "run {} was started with other settings ({then} there, {now} here); remove the run to train it anew, or choose another `out`",
        stage.run.display()
    );
    Ok(())
}
