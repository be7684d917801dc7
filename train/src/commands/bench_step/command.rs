//! Picks what to measure, or writes the inputs of a measurement.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use schemas::atomic_file;

use super::clustering::ClusteringBench;
use super::encoder_size;
use super::step::StepBench;
use crate::config::{BenchModel, BenchStepConfig};
use crate::data::{TripleEncoder, TripleFolder, WordPieceTokenizer};
use crate::device::{Device, DeviceJob, TrainBackend};
use crate::model::{OptionalHeads, weights};
use crate::run_folder::write_model_description;

/// Longest sequence whose length is written, in word pieces.
const MAX_LENGTH: usize = 512;

/// Measures, or writes the lengths of a folder of triples or a random encoder, as the settings say.
///
/// # Errors
/// A file that cannot be read or written; a device that cannot be used.
pub fn run(config: BenchStepConfig) -> Result<()> {
    let tokenizer = || {
        let path = config.vocab.as_deref().context("give --vocab")?;
        WordPieceTokenizer::from_vocabulary(path, true).with_context(|| format!("cannot read {}", path.display()))
    };
    if let Some(dir) = &config.encoder {
        return Device::Cpu.run(RandomEncoder { model: config.model, tokenizer: &tokenizer()?, dir });
    }
    if let (Some(dir), Some(file)) = (&config.lengths_of, &config.lengths) {
        let tokenizer = tokenizer()?;
        let mut lengths = String::new();
        TripleFolder::open(dir, TripleEncoder::new(&tokenizer, MAX_LENGTH), TripleFolder::SLICE)?.for_each(|data| {
            data.sequences.iter().for_each(|sequence| lengths += &format!("{}\n", sequence.length()));
            Ok(())
        })?;
        return Ok(atomic_file::write(file, lengths.as_bytes())?);
    }
    if let Some(count) = config.cluster {
        return config.runtime.device.run(ClusteringBench { count });
    }
    config.runtime.device.run(StepBench { config })
}

/// Writes an encoder of random weights in the Hugging Face layout.
struct RandomEncoder<'a> {
    model: BenchModel,
    tokenizer: &'a WordPieceTokenizer,
    dir: &'a Path,
}

impl DeviceJob for RandomEncoder<'_> {
    type Output = ();

    fn run<B: TrainBackend>(self, device: &B::Device) -> Result<()> {
        let Self { model, tokenizer, dir } = self;
        let config = encoder_size::bert_config(model, tokenizer.vocabulary_size());
        let model = weights::random_model::<B::InnerBackend>(&config, OptionalHeads::default(), 1, device);
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        write_model_description(dir, &config, tokenizer)?;
        Ok(atomic_file::write(&dir.join(weights::FILE_NAME), &weights::to_safetensors(&model)?)?)
    }
}
