//! The stages of training. A stage is data, an objective and a schedule handed to the one loop in [`training`].

pub mod training;

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use schemas::{Folder, QuerySet, Triple};
use serde::Serialize;

use crate::answer::{self, Reading};
use crate::config::{Start, TrainConfig};
use crate::data::batch::Specials;
use crate::data::{Batch, DataSet, Encoder, WordPieces};
use crate::device::{Job, TrainBackend};
use crate::metric::Scores;
use crate::model::weights::{self, Heads};
use crate::model::{BertConfig, Dropouts, Reader};
use crate::run::{ModelFolder, RunWriter};

/// A stage of the method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Entity span identification.
    Esi,
    /// Supervised training.
    Finetune,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Esi => "esi",
            Self::Finetune => "finetune",
        })
    }
}

/// Trains a stage and writes its run folder.
pub struct Training(pub TrainConfig);

impl Job for Training {
    type Output = ();

    fn run<B: TrainBackend>(self, device: &B::Device) -> Result<()> {
        let config = self.0;
        let quiet = config.environment.quiet;
        let (bert, pieces, reader) = start::<B>(&config, device)?;
        ensure!(
            config.max_length <= bert.max_position_embeddings,
            "--max-length {} is more than the encoder's {} positions",
            config.max_length,
            bert.max_position_embeddings
        );
        let read = |dir: &Path, what: &str| -> Result<DataSet> {
            let data = Encoder::new(&pieces, config.max_length).read(dir).with_context(|| format!("cannot read --{what}"))?;
            if !quiet {
                eprintln!("{what}: {}", data.counters);
            }
            Ok(data)
        };
        let train = read(&config.data, "data")?;
        ensure!(!train.sequences.is_empty(), "{} holds no triples to train on", config.data.display());
        let dev = config.dev.as_deref().map(|dir| read(dir, "dev")).transpose()?;
        let test = config.test.as_deref().map(|dir| read(dir, "test")).transpose()?;

        let mut run = RunWriter::create(&config, &bert, &pieces)?;
        let specials = Specials::from(&pieces);
        let objective = |reader: &Reader<B>, batch: &Batch, dropouts: &mut Dropouts| {
            reader.forward(&batch.input(device), dropouts).loss(&batch.target(device))
        };
        let sets = training::Data { train: &train, dev: dev.as_ref(), specials };
        if let Some(best) = training::train(&config, sets, reader, objective, &mut run, device)? {
            println!("best on dev: step {}, epoch {}\n{}", best.position.step, best.position.epoch, best.scores);
        }
        if let Some(test) = &test {
            // From the folder: what is scored is what others will read there.
            let best = ModelFolder::open_run(&config.out)?.load::<B::InnerBackend>(Heads::Stored, 0, device)?;
            let scores = evaluate::<B>(&best, test, &config, specials, device)?;
            run.record(&serde_json::json!({ "test": scores.to_json() }))?;
            println!("test\n{scores}");
        }
        Ok(())
    }
}

/// Scores of a reader on a data set.
fn evaluate<B: TrainBackend>(
    reader: &Reader<B::InnerBackend>,
    data: &DataSet,
    config: &TrainConfig,
    specials: Specials,
    device: &B::Device,
) -> Result<Scores> {
    let length_multiple = config.environment.device.length_multiple();
    // Without gradients to keep, twice the batch takes less memory than a training step.
    let reading = Reading { specials, batch: config.batch * 2, length_multiple, quiet: config.environment.quiet };
    Ok(answer::score(data, &answer::answers(reader, data, reading, device)?))
}

/// What the stage starts from: shape, tokenizer and weights.
fn start<B: TrainBackend>(config: &TrainConfig, device: &B::Device) -> Result<(BertConfig, WordPieces, Reader<B>)> {
    let (folder, heads) = match &config.start {
        Start::Encoder(dir) => (ModelFolder::open_encoder(dir).context("cannot use --encoder")?, Heads::Fresh),
        Start::Init(run) => (ModelFolder::open_run(run).context("cannot use --init")?, Heads::Stored),
        Start::Tiny { vocab, lowercase } => {
            let pieces = match vocab {
                Some(path) => WordPieces::from_vocabulary(path, *lowercase).context("cannot use --vocab")?,
                None => learn(config, *lowercase)?,
            };
            let bert = BertConfig::tiny(pieces.size());
            let reader = weights::random(&bert, config.seed, device);
            return Ok((bert, pieces, reader));
        }
    };
    let reader = folder.load::<B>(heads, config.seed, device)?;
    Ok((folder.bert, folder.pieces, reader))
}

/// Learns a vocabulary from the training set's contexts and queries, and from the built-in queries: a later stage asks others
/// than this one, and must not ask in unknown words.
fn learn(config: &TrainConfig, lowercase: bool) -> Result<WordPieces> {
    let folder = Folder::open::<Triple>(&config.data).context("cannot read --data")?;
    let mut texts: Vec<String> = Vec::new();
    let mut queries: BTreeSet<String> = QuerySet::built_in().into_iter().flat_map(|set| set.queries).map(|query| query.text).collect();
    for rows in folder.rows::<Triple>() {
        for row in rows.context("cannot read --data")? {
            queries.insert(row.query);
            if texts.last() != Some(&row.context) {
                texts.push(row.context);
            }
        }
    }
    ensure!(!texts.is_empty(), "{} holds no triples to learn a vocabulary from", config.data.display());
    WordPieces::learn(texts.iter().chain(&queries).map(String::as_str), lowercase)
}
