//! Assembles a stage: weights, data, objective, run folder.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use burn::tensor::backend::Backend;
use schemas::{QuerySet, ShardFolder, Triple};
use serde::{Deserialize, Serialize};

use super::checkpoint_state::State;
use super::objective::Answers;
use super::pseudo_labels::{Clustering, Labels, PseudoLabels};
use super::relabel::{Relabel, SelfTraining};
use super::training_loop::{self, Learner};
use crate::answer::{self, Reading};
use crate::config::{self, TrainConfig};
use crate::data::{DataSet, Encoder, WordPieces};
use crate::device::{Job, TrainBackend};
use crate::model::weights::{self, Heads, Tensors};
use crate::model::{BertConfig, Extras, Reader};
use crate::optim::AdamW;
use crate::run::{self, ModelFolder, RunWriter, checkpoint};

/// A stage of the method, with what only it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Entity span identification.
    Esi,
    /// Named entity extraction.
    Nee(Relabel),
    /// Fine-grained typing.
    Fet(Clustering),
    /// Supervised training.
    Finetune,
}

impl Stage {
    /// The name of its command.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Esi => "esi",
            Self::Nee(_) => "nee",
            Self::Fet(_) => "fet",
            Self::Finetune => "finetune",
        }
    }
}

/// Trains a stage and writes its run folder.
pub struct Training {
    /// The stage's settings.
    pub config: TrainConfig,
    /// Whether to go on from the run's last checkpoint.
    pub resume: bool,
}

impl Job for Training {
    type Output = ();

    fn run<B: TrainBackend>(self, device: &B::Device) -> Result<()> {
        let Self { mut config, resume } = self;
        let devices = devices::<B>(&config, device)?;
        let quiet = config.environment.quiet;
        ensure!(!resume || !run::is_finished(&config.out), "run {} is finished", config.out.display());
        let stored = if resume { checkpoint::newest(&config.out)? } else { None };
        // Stopped before its first checkpoint: from the start, over what little is there.
        config.overwrite |= resume;
        let Start { bert, pieces, learner, state } = match &stored {
            Some(checkpoint) => Start::<B>::stored(&config, checkpoint, device)?,
            None => Start::<B>::fresh(&config, device)?,
        };
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

        let mut run = match &stored {
            Some(checkpoint) => {
                checkpoint::keep_only(checkpoint)?;
                RunWriter::reopen(&config, state.metrics_bytes)?
            }
            None => RunWriter::create(&config, &bert, &pieces)?,
        };
        // Without gradients to keep, twice the batch takes less memory than a training step.
        let reading = Reading::new(&pieces, config.batch.times(2), config.environment);
        let data = training_loop::Data { train, dev: dev.as_ref(), reading };
        let weighting = config.weighting;
        let answers = Answers::<B> { device, weighting };
        let state = match config.stage {
            Stage::Esi | Stage::Finetune => training_loop::train(&config, data, learner, state, &mut { answers }, &mut run, &devices)?,
            Stage::Nee(settings) => {
                let encoder = Encoder::new(&pieces, config.max_length);
                let (source, run_dir) = (config.data.as_path(), config.out.as_path());
                let mut objective = SelfTraining { answers, settings, encoder, reading, source, run: run_dir };
                training_loop::train(&config, data, learner, state, &mut objective, &mut run, &devices)?
            }
            Stage::Fet(settings) => {
                let mut objective = PseudoLabels::<B> {
                    device,
                    settings,
                    weighting,
                    reading,
                    source: &config.data,
                    run: &config.out,
                    seed: config.seed,
                    deviation: bert.initializer_range,
                    labels: Labels::default(),
                };
                training_loop::train(&config, data, learner, state, &mut objective, &mut run, &devices)?
            }
        };
        let mut result = serde_json::json!({ "stage": config.stage.name(), "steps": state.position.step, "epochs": state.position.epoch });
        if let Some(best) = state.judge.best {
            println!("best on dev: step {}, epoch {}\n{}", best.position.step, best.position.epoch, best.scores);
            result["best_step"] = best.position.step.into();
            result["dev"] = best.scores.to_json();
        }
        if let Some(test) = &test {
            // From the folder: what is scored is what others will read there.
            let best = ModelFolder::open_run(&config.out)?.load_reader::<B::InnerBackend>(device)?.at(config.environment.precision);
            let scores = answer::score(test, &answer::answers(&best, test, reading, device)?);
            run.record(&serde_json::json!({ "test": scores.to_json() }))?;
            result["test"] = scores.to_json();
            println!("test\n{scores}");
        }
        run.finish(&result)
    }
}

/// The devices that share the work: those that the settings name, or the one.
fn devices<B: TrainBackend>(config: &TrainConfig, device: &B::Device) -> Result<Vec<B::Device>> {
    if config.devices.len() < 2 {
        return Ok(vec![device.clone()]);
    }
    let devices: Vec<B::Device> = config.devices.iter().map(|&device| B::place(device)).collect();
    B::check(&config.devices)?;
    Ok(devices)
}

/// What a stage starts from.
struct Start<B: TrainBackend> {
    bert: BertConfig,
    pieces: WordPieces,
    learner: Learner<B>,
    state: State,
}

impl<B: TrainBackend> Start<B> {
    /// The weights that the settings name, and nothing learned yet.
    fn fresh(config: &TrainConfig, device: &B::Device) -> Result<Self> {
        let (bert, pieces, reader) = initial(config, device)?;
        let learner = Learner { reader: reader.at(config.environment.precision), optimizer: AdamW::new(config.optimizer) };
        Ok(Self { bert, pieces, learner, state: State::new() })
    }

    /// A checkpoint of the run.
    fn stored(config: &TrainConfig, checkpoint: &Path, device: &B::Device) -> Result<Self> {
        let read = || -> Result<Self> {
            let ModelFolder { bert, pieces, .. } = ModelFolder::open_started(&config.out)?;
            let reader = weights::fill(&bert, extras(config), Tensors::read(checkpoint)?, Heads::Stored, config.seed, device)?;
            let reader = reader.at(config.environment.precision);
            let moments = fs::read(checkpoint.join(checkpoint::MOMENTS)).context(checkpoint::MOMENTS)?;
            let optimizer = AdamW::from_safetensors(config.optimizer, &moments, device).context(checkpoint::MOMENTS)?;
            let state = fs::read_to_string(checkpoint.join(checkpoint::STATE)).context(checkpoint::STATE)?;
            let state = serde_json::from_str(&state).context(checkpoint::STATE)?;
            Ok(Self { bert, pieces, learner: Learner { reader, optimizer }, state })
        };
        read().with_context(|| format!("cannot go on from {}", checkpoint.display()))
    }
}

/// Heads that the stage's reader has.
fn extras(config: &TrainConfig) -> Extras {
    let clusters = if let Stage::Fet(settings) = config.stage { Some(settings.clusters) } else { None };
    Extras { nested: config.nested, clusters }
}

/// Shape, tokenizer and weights that the settings name.
fn initial<B: Backend>(config: &TrainConfig, device: &B::Device) -> Result<(BertConfig, WordPieces, Reader<B>)> {
    let (folder, heads) = match &config.start {
        config::Start::Encoder(dir) => (ModelFolder::open_encoder(dir).context("cannot use --encoder")?, Heads::Fresh),
        config::Start::Init(run) => (ModelFolder::open_run(run).context("cannot use --init")?, Heads::Extended),
        config::Start::Tiny { vocab, lowercase } => {
            let pieces = match vocab {
                Some(path) => WordPieces::from_vocabulary(path, *lowercase).context("cannot use --vocab")?,
                None => learn(config, *lowercase)?,
            };
            let bert = BertConfig::tiny(pieces.size());
            let reader = weights::random(&bert, extras(config), config.seed, device);
            return Ok((bert, pieces, reader));
        }
    };
    let reader = folder.load::<B>(extras(config), heads, config.seed, device)?;
    Ok((folder.bert, folder.pieces, reader))
}

/// Learns a vocabulary from the training set's contexts and queries, and from the built-in queries: a later stage asks others
/// than this one, and must not ask in unknown words.
fn learn(config: &TrainConfig, lowercase: bool) -> Result<WordPieces> {
    let folder = ShardFolder::open::<Triple>(&config.data).context("cannot read --data")?;
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
