//! `train evaluate`: scores of a run on gold triples, and what kinds of mistakes it makes.

mod confusion;
mod sentence_report;

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use schemas::{RowSlice, TripleViews};

use crate::commands::terminal::{TerminalReporter, to_stderr, to_stdout};
use crate::config::EvaluateConfig;
use crate::data::{BatchSize, Dataset, EncodingCounts, TripleEncoder, TripleFolder, in_order};
use crate::device::{DeviceJob, TrainBackend};
use crate::inference::{self, InferenceSettings};
use crate::metric::Scores;
use crate::progress::{Reporter, Task};
use crate::run_folder::{ModelFolder, layout};
use sentence_report::{COLUMNS, SentenceReport};

/// Scores a run.
pub struct EvaluateJob(pub EvaluateConfig);

impl DeviceJob for EvaluateJob {
    type Output = ();

    fn run<B: TrainBackend>(self, device: &B::Device) -> Result<()> {
        let config = self.0;
        let reporter = TerminalReporter::new(config.runtime.quiet);
        let folder = ModelFolder::open_model(&config.run)?;
        layout::unfinished_warning(&config.run).iter().for_each(|warning| to_stderr(warning));
        let model = folder.load_trained::<B::InnerBackend>(device)?.with_precision(config.runtime.precision);
        let encoder = TripleEncoder::new(&folder.tokenizer, folder.max_length());
        let data = TripleFolder::open(&config.data, encoder, TripleFolder::SLICE).context("cannot read --data")?;
        let decoding = config.decoding.unwrap_or_else(|| folder.decoding());
        let settings = InferenceSettings::new(&folder.tokenizer, BatchSize::Sequences(config.batch), decoding, config.runtime.device);
        let mut report = SentenceReport::create(config.predictions.as_deref(), config.errors.as_deref())?;
        let (mut scores, mut counts) = (Scores::default(), EncodingCounts::default());
        let task = Task::start(&reporter, "predicting", data.triples());
        let read = |slice: &RowSlice| -> Result<(Vec<RecordBatch>, Dataset)> {
            let batches = data.shards().read_slice(slice, Some(&COLUMNS))?;
            let encoded = encoder.encode_batches(slice.first_row as usize, &batches);
            Ok((batches, encoded.with_context(|| format!("cannot encode {}", data.shards().shard_of(slice).display()))?))
        };
        in_order(data.slices(), read, |(batches, dataset)| {
            let predictions = inference::predict_spans(&model, &dataset, settings, device, &task);
            inference::add_scores(&mut scores, &dataset, &predictions);
            counts += dataset.counts;
            let views = batches.iter().map(|batch| TripleViews::new(batch, &COLUMNS)).collect::<Result<Vec<_>, _>>()?;
            let triples = views.iter().flat_map(TripleViews::iter);
            triples
                .zip(dataset.gold.iter().zip(&predictions))
                .try_for_each(|(triple, (gold, predicted))| report.add(triple, gold, predicted))
        })
        .context("cannot read --data")?;
        drop(task);
        reporter.message(&format!("{}: {counts}", config.data.display()));
        let confusion = report.finish()?;
        if !config.json {
            return to_stdout(&format!("{scores}\n{confusion}"));
        }
        let mut json = scores.to_json();
        json["run"] = config.run.display().to_string().into();
        json["data"] = config.data.display().to_string().into();
        json["confusion"] = confusion.to_json();
        json["counters"] = serde_json::to_value(counts)?;
        to_stdout(&format!("{json:#}"))
    }
}
