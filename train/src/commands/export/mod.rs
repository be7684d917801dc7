//! `train export`: writes a trained model in the Hugging Face layout.

mod model_card;
mod training_queries;

use std::fs;

use anyhow::{Context, Result, ensure};
use schemas::atomic_file;

use self::model_card::model_card;
use self::training_queries::{QUERIES_FILE, training_queries};
use crate::commands::terminal::to_stderr;
use crate::config::ExportConfig;
use crate::device::{DeviceJob, TrainBackend};
use crate::model::weights;
use crate::run_folder::{ModelFolder, MrcDescription, layout, reader, write_exported_description};

/// The class that computes the model with its heads in PyTorch.
const MODELING: &str = include_str!("modeling_mrc.py");

/// Its file; `config.json` names it.
const MODELING_FILE: &str = "modeling_mrc.py";

/// Writes `config.json`, `model.safetensors` and the tokenizer's files, as `transformers` has them for an encoder of this family; a class
/// that computes the heads too, `queries.toml`, and a model card.
///
/// The weights of the encoder and the heads are in one file, named `bert.*` (`roberta.*` and so on), `start_outputs.*`, `end_outputs.*` and
/// `span_embedding.*`. The cluster head of stage 3 is left out: its outputs mean nothing without that run's clusters.
pub struct ExportJob(pub ExportConfig);

impl DeviceJob for ExportJob {
    type Output = ();

    fn run<B: TrainBackend>(self, device: &B::Device) -> Result<()> {
        let ExportConfig { run, output, queries, overwrite } = self.0;
        let folder = ModelFolder::open_model(&run)?;
        layout::unfinished_warning(&run).iter().for_each(|warning| to_stderr(warning));
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
        let queries = match queries {
            Some(queries) => Some(queries),
            None => training_queries(&run)?,
        };
        let described = MrcDescription {
            max_length: folder.max_length(),
            nested: model.is_nested(),
            decoding: folder.decoding(),
            queries: queries.as_ref().map(|set| set.queries.clone()).unwrap_or_default(),
        };
        fs::create_dir_all(&output).with_context(|| format!("cannot create {}", output.display()))?;
        write_exported_description(&output, &folder.bert, &folder.tokenizer, &described)?;
        if let Some(queries) = &queries {
            atomic_file::write(&output.join(QUERIES_FILE), toml::to_string(queries)?.as_bytes())?;
        }
        let (settings, result) = (reader::settings_text(&run), reader::result(&run).ok());
        let card = model_card(&described, queries.as_ref().map(|set| set.lang.as_str()), settings.as_deref(), result.as_ref());
        atomic_file::write(&output.join("README.md"), card.as_bytes())?;
        atomic_file::write(&output.join(MODELING_FILE), MODELING.as_bytes())?;
        Ok(atomic_file::write(&output.join(weights::FILE_NAME), &weights::to_safetensors_of(&model, folder.bert.family)?)?)
    }
}
