//! What training starts from: the weights that the settings name, or a checkpoint.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use burn::tensor::backend::Backend;
use schemas::{QuerySet, RowSlice, ShardFolder, Triple, TripleViews};

use super::checkpoint_state::CheckpointState;
use super::settings::{InitialWeights, StageSettings};
use super::train_state::TrainState;
use crate::data::{TripleFolder, WordCounts, WordPieceTokenizer, in_order};
use crate::device::TrainBackend;
use crate::model::weights::{self, RequiredHeads, StateDict};
use crate::model::{BertConfig, MrcModel, OptionalHeads};
use crate::optim::AdamW;
use crate::run_folder::{ModelFolder, checkpoint};

/// A model with its tokenizer, its optimizer, and the position in training.
pub struct InitialState<B: TrainBackend> {
    /// Shape of the encoder.
    pub bert: BertConfig,
    /// Its tokenizer.
    pub tokenizer: WordPieceTokenizer,
    /// Model and optimizer.
    pub train: TrainState<B>,
    /// State of the training loop.
    pub checkpoint: CheckpointState,
    /// Heads of other tasks in the encoder's file, by the first part of their names.
    pub left_out: BTreeSet<String>,
}

impl<B: TrainBackend> InitialState<B> {
    /// The weights that the settings name, a new optimizer, and the position before the first step.
    ///
    /// # Errors
    /// Weights, tokenizer or training set cannot be read.
    pub fn fresh(settings: &StageSettings, device: &B::Device) -> Result<Self> {
        let InitialModel { bert, tokenizer, model, left_out } = initial_model(settings, device)?;
        let train = TrainState { model: model.with_precision(settings.precision), optimizer: AdamW::new(settings.optimizer) };
        Ok(Self { bert, tokenizer, train, checkpoint: CheckpointState::default(), left_out })
    }

    /// The state that a checkpoint of a run holds.
    ///
    /// # Errors
    /// The checkpoint, or the run's `config.json` or tokenizer, cannot be read.
    pub fn from_checkpoint(settings: &StageSettings, run: &Path, checkpoint: &Path, device: &B::Device) -> Result<Self> {
        let read = || -> Result<Self> {
            let ModelFolder { bert, tokenizer, .. } = ModelFolder::open_started(run)?;
            let model =
                weights::build_model(&bert, extras(settings), StateDict::read(checkpoint)?, RequiredHeads::All, settings.seed, device)?;
            let optimizer = fs::read(checkpoint.join(checkpoint::OPTIMIZER_STATE)).context(checkpoint::OPTIMIZER_STATE)?;
            let optimizer = AdamW::from_safetensors(settings.optimizer, &optimizer, device).context(checkpoint::OPTIMIZER_STATE)?;
            let state = fs::read_to_string(checkpoint.join(checkpoint::STATE)).context(checkpoint::STATE)?;
            let state = serde_json::from_str(&state).context(checkpoint::STATE)?;
            Ok(Self {
                bert,
                tokenizer,
                train: TrainState { model: model.with_precision(settings.precision), optimizer },
                checkpoint: state,
                left_out: BTreeSet::new(),
            })
        };
        read().with_context(|| format!("cannot resume from {}", checkpoint.display()))
    }
}

/// The heads that the stage's model has beside those for starts and ends.
fn extras(settings: &StageSettings) -> OptionalHeads {
    OptionalHeads { nested: settings.nested, clusters: settings.stage.clusters() }
}

/// What the settings name to start from.
struct InitialModel<B: Backend> {
    bert: BertConfig,
    tokenizer: WordPieceTokenizer,
    model: MrcModel<B>,
    left_out: BTreeSet<String>,
}

fn initial_model<B: Backend>(settings: &StageSettings, device: &B::Device) -> Result<InitialModel<B>> {
    let (folder, heads) = match &settings.initial {
        InitialWeights::Encoder(dir) => (ModelFolder::open_encoder(dir).context("cannot use --encoder")?, RequiredHeads::None),
        InitialWeights::Run(run) => (ModelFolder::open_model(run).context("cannot use --init")?, RequiredHeads::Boundary),
        InitialWeights::Tiny { vocab, lowercase } => {
            let tokenizer = match vocab {
                Some(path) => WordPieceTokenizer::from_vocabulary(path, *lowercase).context("cannot use --vocab")?,
                None => learn_vocabulary(&settings.data, *lowercase)?,
            };
            let bert = BertConfig::tiny(tokenizer.vocabulary_size());
            let model = weights::random_model(&bert, extras(settings), settings.seed, device);
            return Ok(InitialModel { bert, tokenizer, model, left_out: BTreeSet::new() });
        }
    };
    let (model, left_out) = folder.load::<B>(extras(settings), heads, settings.seed, device)?;
    Ok(InitialModel { bert: folder.bert, tokenizer: folder.tokenizer, model, left_out })
}

/// Learns a vocabulary from the contexts and queries of the training set, and from the built-in query sets: a later stage has other
/// queries than this one, whose words should not be unknown.
///
/// Memory: the distinct words.
fn learn_vocabulary(data: &Path, lowercase: bool) -> Result<WordPieceTokenizer> {
    let folder = ShardFolder::open::<Triple>(data).context("cannot read --data")?;
    let slices = folder.slices(TripleFolder::SLICE).context("cannot read --data")?;
    let built_in = QuerySet::built_in().into_iter().flat_map(|set| set.queries).map(|query| query.text);
    let mut queries: BTreeSet<String> = built_in.collect();
    let mut words = WordCounts::new(lowercase);
    let columns = ["query", "context"];
    let read = |slice: &RowSlice| -> Result<(WordCounts, BTreeSet<String>)> {
        let (mut words, mut queries) = (WordCounts::new(lowercase), BTreeSet::new());
        for batch in folder.read_slice(slice, Some(&columns))? {
            let mut last = None;
            for triple in TripleViews::new(&batch, &columns)?.iter() {
                if !queries.contains(triple.query()) {
                    queries.insert(triple.query().to_owned());
                }
                if last.replace(triple.context().to_owned()).is_none_or(|last| last != triple.context()) {
                    words.add(triple.context())?;
                }
            }
        }
        Ok((words, queries))
    };
    in_order(&slices, read, |(of_slice, queries_of_slice)| {
        words.merge(of_slice);
        queries.extend(queries_of_slice);
        Ok(())
    })
    .context("cannot read --data")?;
    ensure!(!words.is_empty(), "{} holds no triples to learn a vocabulary from", data.display());
    queries.iter().try_for_each(|query| words.add(query))?;
    WordPieceTokenizer::learn(&words)
}
