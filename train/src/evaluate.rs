//! `train evaluate`: scores of a run on gold triples.

use anyhow::{Context, Result};

use crate::answer::{self, Answer, Reading};
use crate::config::EvaluateConfig;
use crate::data::{BatchSize, DataSet, Encoder};
use crate::device::{Job, TrainBackend};
use crate::run::{ModelFolder, write_whole};

/// Scores a run.
pub struct Evaluation(pub EvaluateConfig);

impl Job for Evaluation {
    type Output = ();

    fn run<B: TrainBackend>(self, device: &B::Device) -> Result<()> {
        let config = self.0;
        let folder = ModelFolder::open_run(&config.run)?;
        let reader = folder.load_reader::<B::InnerBackend>(device)?;
        let encoder = Encoder::new(&folder.pieces, folder.max_length()).keep_triples(config.predictions.is_some());
        let data = encoder.read(&config.data).context("cannot read --data")?;
        if !config.environment.quiet {
            eprintln!("{}: {}", config.data.display(), data.counters);
        }
        let reading = Reading::new(&folder.pieces, BatchSize::Sequences(config.batch), config.environment);
        let answers = answer::answers(&reader, &data, reading, device)?;
        let scores = answer::score(&data, &answers);
        if let Some(path) = &config.predictions {
            write_whole(path, predictions(&data, &answers).as_bytes())?;
        }
        if config.json {
            let mut json = scores.to_json();
            json["run"] = config.run.display().to_string().into();
            json["data"] = config.data.display().to_string().into();
            json["counters"] = serde_json::to_value(data.counters)?;
            println!("{json:#}");
        } else {
            print!("{scores}");
        }
        Ok(())
    }
}

/// A JSON object for each triple: where it is from, and its predicted answers.
fn predictions(data: &DataSet, answers: &[Vec<Answer>]) -> String {
    let lines = data.triples.iter().zip(answers).map(|(triple, answers)| {
        let spans: Vec<serde_json::Value> = answers
            .iter()
            .map(|answer| {
                let text = schemas::row::char_slice(&triple.context, answer.start, answer.end);
                serde_json::json!({ "start": answer.start, "end": answer.end, "text": text, "score": answer.score })
            })
            .collect();
        let line = serde_json::json!({
            "id": triple.id,
            "doc": triple.doc,
            "sentence": triple.sentence,
            "label": triple.label,
            "spans": spans,
        });
        format!("{line}\n")
    });
    lines.collect()
}
