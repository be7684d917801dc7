//! Resolved settings of each command: what was typed, checked and with defaults filled in. They depend on no command line.

mod data;
mod measuring;
mod run_commands;
mod runtime;
mod training;
mod usage_error;

pub use data::{BenchDataConfig, CheckConfig};
pub use measuring::{BenchModel, BenchStepConfig, CheckDeviceConfig, Share, WarmUpConfig};
pub use run_commands::{EvaluateConfig, ExportConfig, LineFormat, PlotConfig, PredictConfig, PredictInput, PredictOutput};
pub use runtime::Runtime;
pub use training::{PipelineConfig, ResumeConfig, TrainConfig};
pub use usage_error::UsageError;

/// A command with its settings.
#[derive(Debug)]
pub enum Config {
    /// Train a stage.
    Train(Box<TrainConfig>),
    /// Continue a stage that was stopped.
    Resume(ResumeConfig),
    /// Train the stages of a file.
    Pipeline(PipelineConfig),
    /// Write a run in the Hugging Face layout.
    Export(ExportConfig),
    /// Tell what is wrong with the data.
    Check(CheckConfig),
    /// Measure how fast triples become batches.
    BenchData(BenchDataConfig),
    /// Measure training steps.
    BenchStep(Box<BenchStepConfig>),
    /// Compare a device with the CPU.
    CheckDevice(CheckDeviceConfig),
    /// Compile and tune a GPU's kernels.
    WarmUp(WarmUpConfig),
    /// Draw a run.
    Plot(PlotConfig),
    /// Score a run.
    Evaluate(EvaluateConfig),
    /// Find entities in text.
    Predict(Box<PredictConfig>),
}
