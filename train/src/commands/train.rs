//! `train esi`, `train nee`, `train fet`, `train finetune`: trains a stage.

use anyhow::Result;

use super::run_stage::{StartFrom, run_stage, with_last_round};
use crate::config::TrainConfig;

/// Trains a stage.
///
/// # Errors
/// Those of [`run_stage`]; `--data` is a run without a finished round.
pub fn train(config: TrainConfig) -> Result<()> {
    run_stage(with_last_round(config)?, StartFrom::Beginning)
}
