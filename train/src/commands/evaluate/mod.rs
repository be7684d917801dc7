//! `train evaluate`: scores of a run on gold triples, and what kinds of mistakes it makes.

mod confusion;
mod sentence_report;

use anyhow::{Context, Result};
use schemas::{ReadOptions, ShardFolder, Triple, TripleViews};

use crate::commands::terminal::TerminalReporter;
use crate::config::EvaluateConfig;
use crate::data::{BatchSize, Dataset, TripleEncoder};
use crate::decode::ScoredSpan;
use crate::device::{DeviceJob, TrainBackend};
use crate::inference::{self, InferenceSettings};
use crate::progress::Reporter;
use crate::run_folder::ModelFolder;
use confusion::ConfusionCounts;
use sentence_report::SentenceReport;

/// Scores a run.
pub struct EvaluateJob(pub EvaluateConfig);

impl DeviceJob for EvaluateJob {
    type Output = ();

    fn run<B: TrainBackend>(self, device: &B::Device) -> Result<()> {
        let config = self.0;
        let reporter = TerminalReporter::new(config.runtime.quiet);
        let folder = ModelFolder::open_run(&config.run)?;
        let model = folder.load_trained::<B::InnerBackend>(device)?.with_precision(config.runtime.precision);
        let encoder = TripleEncoder::new(&folder.tokenizer, folder.max_length());
        let dataset = encoder.encode_folder(&config.data).context("cannot read --data")?;
        reporter.message(&format!("{}: {}", config.data.display(), dataset.counts));
        let settings = InferenceSettings::new(&folder.tokenizer, BatchSize::Sequences(config.batch), config.runtime.device);
        let predictions = inference::predict_spans(&model, &dataset, settings, device, &reporter);
        let scores = inference::score(&dataset, &predictions);
        let confusion = compare_sentences(&config, &dataset, &predictions)?;
        if config.json {
            let mut json = scores.to_json();
            json["run"] = config.run.display().to_string().into();
            json["data"] = config.data.display().to_string().into();
            json["confusion"] = confusion.to_json();
            json["counters"] = serde_json::to_value(dataset.counts)?;
            println!("{json:#}");
        } else {
            print!("{scores}\n{confusion}");
        }
        Ok(())
    }
}

/// Compares predicted and gold entities sentence by sentence, over all labels, and writes the files of `--predictions` and
/// `--errors`. The texts are read from the folder again, for the dataset does not keep them.
fn compare_sentences(config: &EvaluateConfig, dataset: &Dataset, predictions: &[Vec<ScoredSpan>]) -> Result<ConfusionCounts> {
    let folder = ShardFolder::open::<Triple>(&config.data)?;
    let mut report = SentenceReport::create(dataset, config.predictions.as_deref(), config.errors.as_deref())?;
    let mut triples = dataset.gold.iter().zip(predictions);
    for batch in folder.batches(ReadOptions::default().with_columns(&sentence_report::COLUMNS)) {
        let (shard, batch) = batch?;
        let views = TripleViews::new(&batch, &sentence_report::COLUMNS).with_context(|| format!("cannot read {}", shard.display()))?;
        for (triple, (gold, predicted)) in views.iter().zip(&mut triples) {
            report.add(triple, gold, predicted)?;
        }
    }
    report.finish()
}
