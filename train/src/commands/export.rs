//! `train export`: a run as other programs read it.

use std::fs;

use anyhow::{Context, Result, ensure};
use schemas::atomic_file;

use crate::config::ExportConfig;
use crate::device::{DeviceJob, TrainBackend};
use crate::model::weights;
use crate::run::{ModelFolder, write_model_description};

/// Writes a run in the layout of Hugging Face's BERT: shape, weights, tokenizer.
///
/// Encoder and heads are in one file, under `bert.`, `start_outputs.`, `end_outputs.` and `span_embedding.`; the head of
/// pseudo-labels, which is of no use without its clusters, stays behind.
pub struct Export(pub ExportConfig);

impl DeviceJob for Export {
    type Output = ();

    fn run<B: TrainBackend>(self, device: &B::Device) -> Result<()> {
        let ExportConfig { run, output, overwrite } = self.0;
        let folder = ModelFolder::open_model(&run)?;
        let reader = folder.load_trained::<B::InnerBackend>(device)?;
        let empty = !output.exists() || fs::read_dir(&output).is_ok_and(|mut entries| entries.next().is_none());
        ensure!(overwrite || empty, "{} is not empty; give another with -o, or replace its files with --overwrite", output.display());
        fs::create_dir_all(&output).with_context(|| format!("cannot make {}", output.display()))?;
        write_model_description(&output, &folder.bert, &folder.tokenizer)?;
        Ok(atomic_file::write(&output.join(weights::FILE_NAME), &weights::to_safetensors(&reader)?)?)
    }
}
