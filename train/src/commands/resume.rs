//! `train resume`: continues a stage that was stopped.

use anyhow::Result;

use super::run_stage::{StartFrom, run_stage};
use crate::config::{ResumeConfig, TrainConfig};
use crate::run_folder::reader;
use crate::stage::StageSettings;

/// Continues a stage from its last checkpoint, on the device where it began or another.
///
/// # Errors
/// The folder is not a run, or the run is finished; those of [`run_stage`].
pub fn resume(config: ResumeConfig) -> Result<()> {
    let ResumeConfig { run, device, threads, quiet } = config;
    let mut settings: StageSettings = reader::settings(&run)?;
    if let Some(device) = device {
        settings.device = device;
        settings.devices.clear();
    }
    run_stage(TrainConfig { settings, run, overwrite: false, threads, quiet }, StartFrom::LastCheckpoint)
}
