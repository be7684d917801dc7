//! `train export`: writes a trained model in the Hugging Face layout.

use std::fs;

use anyhow::{Context, Result, ensure};
use schemas::atomic_file;

use crate::config::ExportConfig;
use crate::device::{DeviceJob, TrainBackend};
use crate::model::weights;
use crate::run_folder::{ModelFolder, layout, write_model_description};

/// Writes `config.json`, `model.safetensors` and the tokenizer's files, as `transformers` has them for an encoder of this family.
///
/// The weights of the encoder and the heads are in one file, named `bert.*` (`roberta.*` and so on), `start_outputs.*`, `end_outputs.*` and
/// `span_embedding.*`. The cluster head of stage 3 is left out: its outputs mean nothing without that run's clusters.
pub struct ExportJob(pub ExportConfig);

impl DeviceJob for ExportJob {
    type Output = ();

    fn run<B: TrainBackend>(self, device: &B::Device) -> Result<()> {
        let ExportConfig { run, output, overwrite } = self.0;
        let folder = ModelFolder::open_model(&run)?;
        let model = folder.load_trained::<B::InnerBackend>(device)?;
        ensure!(
            !layout::is_run(&output),
            "will not export to {}: it is a run, whose weights would be replaced; choose another folder with -o",
            output.display()
        );
        let empty = !output.exists() || fs::read_dir(&output).is_ok_and(|mut entries| entries.next().is_none());
        ensure!(
            overwrite || empty,
            "{} is not empty; choose another folder with -o, or replace its files with --overwrite",
            output.display()
        );
        fs::create_dir_all(&output).with_context(|| format!("cannot create {}", output.display()))?;
        write_model_description(&output, &folder.bert, &folder.tokenizer)?;
        Ok(atomic_file::write(&output.join(weights::FILE_NAME), &weights::to_safetensors_of(&model, folder.bert.family)?)?)
    }
}
