//! `train evaluate`: scores of a run on gold triples, and what kinds of mistakes it makes.

mod confusion;

use anyhow::{Context, Result};
use schemas::{Triple, atomic_file};

use confusion::{Confusion, Entity, Kind, compare};

use crate::answer::{self, Answer, Reading};
use crate::commands::terminal::TerminalReporter;
use crate::config::EvaluateConfig;
use crate::data::{BatchSize, DataSet, Encoder};
use crate::device::{Job, TrainBackend};
use crate::report::Reporter;
use crate::run::ModelFolder;

/// Scores a run.
pub struct Evaluation(pub EvaluateConfig);

impl Job for Evaluation {
    type Output = ();

    fn run<B: TrainBackend>(self, device: &B::Device) -> Result<()> {
        let config = self.0;
        let reporter = TerminalReporter::new(config.environment.quiet);
        let folder = ModelFolder::open_run(&config.run)?;
        let reader = folder.load_trained::<B::InnerBackend>(device)?.at(config.environment.precision);
        let encoder = Encoder::new(&folder.pieces, folder.max_length()).keep_triples(true);
        let data = encoder.read(&config.data).context("cannot read --data")?;
        reporter.message(&format!("{}: {}", config.data.display(), data.counters));
        let reading = Reading::new(&folder.pieces, BatchSize::Sequences(config.batch), config.environment.device);
        let answers = answer::answers(&reader, &data, reading, device, &reporter)?;
        let scores = answer::score(&data, &answers);
        if let Some(path) = &config.predictions {
            atomic_file::write(path, predictions(&data, &answers).as_bytes())?;
        }
        let (confusion, errors) = mistakes(&data, &answers);
        if let Some(path) = &config.errors {
            atomic_file::write(path, errors.as_bytes())?;
        }
        if config.json {
            let mut json = scores.to_json();
            json["run"] = config.run.display().to_string().into();
            json["data"] = config.data.display().to_string().into();
            json["confusion"] = confusion.to_json();
            json["counters"] = serde_json::to_value(data.counters)?;
            println!("{json:#}");
        } else {
            print!("{scores}\n{confusion}");
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
                let text = schemas::char_slice(&triple.context, answer.start, answer.end);
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

/// Counts of what became of entities, and a JSON object for each that is not right. Labels are compared within sentences.
fn mistakes(data: &DataSet, answers: &[Vec<Answer>]) -> (Confusion, String) {
    let (mut confusion, mut errors) = (Confusion::default(), String::new());
    let rows: Vec<(&Triple, &[Answer])> = data.triples.iter().zip(answers.iter().map(Vec::as_slice)).collect();
    for sentence in rows.chunk_by(|(a, _), (b, _)| (&a.doc, a.sentence) == (&b.doc, b.sentence)) {
        let of = |label, start, end| Entity { start, end, label };
        let gold = sentence.iter().flat_map(|(triple, _)| triple.spans.iter().map(|span| of(triple.label.as_str(), span.start, span.end)));
        let predicted =
            sentence.iter().flat_map(|(triple, answers)| answers.iter().map(|answer| of(&triple.label, answer.start, answer.end)));
        let (triple, _) = sentence[0];
        for outcome in compare(&gold.collect::<Vec<_>>(), &predicted.collect::<Vec<_>>()) {
            confusion.add(&outcome);
            if outcome.kind != Kind::Correct {
                let entity = |entity: Option<Entity<'_>>| {
                    entity.map(|Entity { start, end, label }| {
                        let text = schemas::char_slice(&triple.context, start, end);
                        serde_json::json!({ "start": start, "end": end, "label": label, "text": text })
                    })
                };
                let line = serde_json::json!({
                    "kind": outcome.kind.name(),
                    "gold": entity(outcome.gold),
                    "predicted": entity(outcome.predicted),
                    "context": triple.context,
                    "doc": triple.doc,
                    "sentence": triple.sentence,
                });
                errors.push_str(&format!("{line}\n"));
            }
        }
    }
    (confusion, errors)
}
