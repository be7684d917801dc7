//! `train predict`: finds entities in text.

mod entity;
mod flat;
mod input;
mod input_line;
mod marked_text;
mod output;

use std::time::Instant;

use anyhow::{Result, ensure};
use schemas::tokens::joins_with_space;
use schemas::{QuerySet, Triple};

use crate::commands::terminal::to_stderr;
use crate::config::PredictConfig;
use crate::data::{BatchSize, TripleEncoder};
use crate::device::{DeviceJob, TrainBackend};
use crate::inference::{self, InferenceSettings};
use crate::progress::{Silent, Task};
use crate::run_folder::{ModelFolder, layout};
use flat::flatten;
use input::{InputText, LineCounts, for_each_block};
use output::PredictionWriter;

/// Finds entities in text.
pub struct PredictJob(pub PredictConfig);

impl DeviceJob for PredictJob {
    type Output = ();

    fn run<B: TrainBackend>(self, device: &B::Device) -> Result<()> {
        let config = self.0;
        let folder = ModelFolder::open_model(&config.run)?;
        layout::unfinished_warning(&config.run).iter().for_each(|warning| to_stderr(warning));
        let model = folder.load_trained::<B::InnerBackend>(device)?.with_precision(config.runtime.precision);
        let encoder = TripleEncoder::new(&folder.tokenizer, folder.max_length());
        let decoding = config.decoding.unwrap_or_else(|| folder.decoding());
        let settings = InferenceSettings::new(&folder.tokenizer, BatchSize::Sequences(config.batch), decoding, config.runtime.device);
        let mut writer = PredictionWriter::create(&config.output, &config.queries, &config.lang)?;
        let silent = Task::start(&Silent, "predicting", 0);
        let (mut counts, mut seconds) = (LineCounts::default(), 0.0);
        let read = for_each_block(&config.input, joins_with_space(&config.lang), &mut counts, |block| {
            let started = Instant::now();
            let mut triples: Vec<Triple> = block.iter().flat_map(|text| unanswered_triples(text, &config.queries, &config.lang)).collect();
            let predictions = inference::predict_spans(&model, &encoder.encode(&triples)?, settings, device, &silent);
            for (triple, spans) in triples.iter_mut().zip(predictions) {
                triple.spans = spans.into_iter().map(|span| inference::to_model_span(span, &triple.context)).collect();
                triple.impossible = triple.spans.is_empty();
            }
            for (text, triples) in block.iter().zip(triples.chunks_mut(config.queries.queries.len())) {
                if config.flat {
                    flatten(triples);
                }
                writer.write(text, triples)?;
            }
            seconds += started.elapsed().as_secs_f64();
            Ok(())
        });
        counts.messages.iter().for_each(|message| to_stderr(&format!("warning: {message}")));
        read?;
        let LineCounts { texts, bad, .. } = counts;
        if bad > 0 {
            to_stderr(&format!("warning: {}, {}", counted(bad, "bad line"), counted(texts, "text")));
        }
        ensure!(texts > 0 || bad == 0, "no line of the input is a text");
        writer.finish()?;
        if !config.runtime.quiet {
            to_stderr(&format!("{} in {seconds:.1} s, {:.1} a second", counted(texts, "text"), texts as f64 / f64::max(seconds, 1e-9)));
        }
        Ok(())
    }
}

/// A number of things, as in `1 text`.
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The triples of a text, one for each label, without spans.
fn unanswered_triples<'a>(text: &'a InputText, queries: &'a QuerySet, lang: &'a str) -> impl Iterator<Item = Triple> + 'a {
    queries.queries.iter().map(move |query| Triple {
        id: format!("{}:{}:{}", text.doc, text.sentence, query.label),
        doc: text.doc.clone(),
        sentence: text.sentence,
        lang: lang.to_owned(),
        label: query.label.clone(),
        query: query.text.clone(),
        context: text.text.clone(),
        spans: Vec::new(),
        impossible: true,
    })
}
