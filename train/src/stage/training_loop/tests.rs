//! The training loop with a model of one layer, on the CPU.

use std::cell::{Cell, RefCell};
use std::path::Path;

use burn::backend::{Autodiff, Flex};
use burn::tensor::Tensor;
use schemas::{Manifest, Origin, ShardWriter, Span, Triple};

use super::*;
use crate::data::{Batch, BatchSize, TripleEncoder, WordCounts, WordPieceTokenizer};
use crate::decode::Decoding;
use crate::device::Device;
use crate::kernels::{DropoutSeeds, Precision};
use crate::model::{BertConfig, MrcModel, OptionalHeads, SpanLoss};
use crate::optim::{AdamW, AdamWConfig};
use crate::progress::Silent;
use crate::run_folder::{CreateOptions, RunLock, layout, reader, write_model_description};
use crate::stage::initial_state::InitialState;
use crate::stage::objective::SpanObjective;
use crate::stage::settings::{InitialWeights, Stage};

type B = Autodiff<Flex>;

const OBJECTIVE: SpanObjective = SpanObjective { loss: SpanLoss::CROSS_ENTROPY };

/// Sentences with a name each, whose position and neighbours differ.
fn triples() -> Vec<Triple> {
    let names = ["Anna", "Ben", "Clara", "David"];
    let patterns = [("", " lives here ."), ("we saw ", " there ."), ("there was ", "")];
    let triple = |number: usize| {
        let (name, (before, after)) = (names[number % names.len()], patterns[number % patterns.len()]);
        let (start, end) = (before.len() as u32, (before.len() + name.len()) as u32);
        Triple {
            id: number.to_string(),
            doc: "toy".to_owned(),
            sentence: number as u32,
            lang: "en".to_owned(),
            label: "PER".to_owned(),
            query: "which person ?".to_owned(),
            context: format!("{before}{name}{after}"),
            spans: vec![Span { start, end, text: name.to_owned(), origin: Origin::Gold, score: None }],
            impossible: false,
        }
    };
    (0..24).map(triple).collect()
}

fn settings() -> StageSettings {
    StageSettings {
        stage: Stage::Finetune,
        unlabelled: None,
        data: "train".into(),
        dev: None,
        test: None,
        device: Device::Cpu,
        precision: Precision::F32,
        seed: 7,
        epochs: 3,
        max_steps: None,
        batch: BatchSize::Sequences(4),
        accumulate: 1,
        devices: Vec::new(),
        shuffle_buffer: 1000,
        max_length: 32,
        lr: 1e-2,
        warmup: 0.0,
        dropout: 0.1,
        eval_every: 0,
        save_every: None,
        patience: None,
        nested: false,
        decoding: Decoding::Nearest,
        loss: SpanLoss::CROSS_ENTROPY,
        tensorboard: false,
        initial: InitialWeights::Tiny { vocab: None, lowercase: true },
        optimizer: AdamWConfig::default(),
    }
}

/// A small data set with its tokenizer and the shape of a model.
struct Toy {
    folder: tempfile::TempDir,
    tokenizer: WordPieceTokenizer,
    bert: BertConfig,
}

impl Toy {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let manifest = Manifest::new("test", "test", serde_json::Value::Null);
        let mut writer = ShardWriter::create(folder.path(), false, manifest).unwrap();
        triples().into_iter().try_for_each(|triple| writer.write(triple)).unwrap();
        writer.finish(Vec::new(), Default::default(), None).unwrap();
        let mut words = WordCounts::new(true);
        triples().iter().try_for_each(|triple| words.add(&triple.context).and_then(|()| words.add(&triple.query))).unwrap();
        let tokenizer = WordPieceTokenizer::learn(&words).unwrap();
        let bert = BertConfig {
            hidden_size: 16,
            num_hidden_layers: 1,
            num_attention_heads: 2,
            intermediate_size: 32,
            max_position_embeddings: 32,
            ..BertConfig::tiny(tokenizer.vocabulary_size())
        };
        Self { folder, tokenizer, bert }
    }

    fn encoder(&self) -> TripleEncoder<'_> {
        TripleEncoder::new(&self.tokenizer, 32)
    }

    fn initial(&self, settings: &StageSettings) -> TrainState<B> {
        let heads = OptionalHeads { nested: false, clusters: None };
        let model = weights::random_model(&self.bert, heads, settings.seed, &Default::default());
        TrainState { model, optimizer: AdamW::new(settings.optimizer) }
    }

    /// Trains in a new run folder, on as many devices as `settings` have.
    fn train(
        &self,
        run: &Path,
        settings: &StageSettings,
        dev: bool,
        objective: &mut impl Objective<B>,
        reporter: &dyn Reporter,
    ) -> Result<CheckpointState> {
        let options = CreateOptions { overwrite: false, tensorboard: false };
        let mut writer = RunWriter::create(run, RunLock::acquire(run).unwrap(), settings, options).unwrap();
        write_model_description(run, &self.bert, &self.tokenizer).unwrap();
        let (initial, state) = (self.initial(settings), CheckpointState::default());
        self.train_from(&mut writer, settings, dev, (initial, state), objective, reporter)
    }

    fn train_from(
        &self,
        run: &mut RunWriter,
        settings: &StageSettings,
        dev: bool,
        (initial, state): (TrainState<B>, CheckpointState),
        objective: &mut impl Objective<B>,
        reporter: &dyn Reporter,
    ) -> Result<CheckpointState> {
        let devices = vec![Default::default(); settings.devices.len().max(1)];
        let inference = InferenceSettings::new(&self.tokenizer, BatchSize::Sequences(8), Decoding::Nearest, Device::Cpu);
        let dev = dev.then(|| EvaluationSet::open(self.folder.path(), self.encoder(), 1000).unwrap());
        let data = TrainingSet::open(self.folder.path(), self.encoder(), settings.shuffle_buffer).unwrap();
        let training = TrainingLoop { settings, devices: &devices, dev: dev.as_ref(), inference, run, reporter };
        training.train(data, initial, state, objective)
    }

    /// The losses of a run with these settings, and its weights.
    fn losses(&self, settings: &StageSettings) -> (Vec<f64>, Vec<u8>) {
        let dir = tempfile::tempdir().unwrap();
        self.train(dir.path(), settings, false, &mut OBJECTIVE.clone(), &Silent).unwrap();
        (losses(dir.path()), weights_of(dir.path()))
    }
}

fn losses(run: &Path) -> Vec<f64> {
    reader::metrics(run).unwrap().iter().filter(|line| line["dev"].is_null()).map(|line| line["loss"].as_f64().unwrap()).collect()
}

fn weights_of(run: &Path) -> Vec<u8> {
    std::fs::read(run.join(weights::FILE_NAME)).unwrap()
}

/// Lines of `metrics.jsonl` without what depends on the clock.
fn metrics(run: &Path) -> Vec<serde_json::Value> {
    let mut lines = reader::metrics(run).unwrap();
    for line in &mut lines {
        line.as_object_mut().unwrap().retain(|key, _| key != "seconds" && key != "busy");
    }
    lines
}

fn assert_close(one: &[f64], other: &[f64]) {
    assert_eq!(one.len(), other.len());
    let worst = one.iter().zip(other).map(|(a, b)| (a - b).abs() / a).fold(0.0, f64::max);
    assert!(worst < 1e-5, "relative difference {worst}:\n{one:?}\n{other:?}");
}

#[test]
fn the_loss_falls() {
    let (losses, _) = Toy::new().losses(&StageSettings { epochs: 10, ..settings() });
    assert_eq!(losses.len(), 60);
    assert!(losses[59] < 0.5 * losses[0], "{losses:?}");
}

#[test]
fn accumulated_batches_equal_a_larger_batch() {
    let toy = Toy::new();
    // Without dropout, whose masks depend on the batch; with small steps, as rounding errors grow with them.
    let whole = StageSettings { dropout: 0.0, lr: 1e-3, ..settings() };
    let parts = StageSettings { batch: BatchSize::Sequences(2), accumulate: 2, ..whole.clone() };
    assert_close(&toy.losses(&whole).0, &toy.losses(&parts).0);
}

#[test]
fn two_devices_equal_two_accumulated_batches() {
    let toy = Toy::new();
    let one = StageSettings { batch: BatchSize::Sequences(2), accumulate: 2, ..settings() };
    let two = StageSettings { devices: vec![Device::Cpu; 2], ..one.clone() };
    let (one, two) = (toy.losses(&one), toy.losses(&two));
    assert_eq!(one.0, two.0);
    assert!(one.1 == two.1, "weights differ");
}

/// Makes the loss of one batch NaN, counted from 0 over the whole training: training then fails, as if the process were killed.
struct FailingObjective {
    batches: Cell<usize>,
    failing: usize,
}

impl Objective<B> for FailingObjective {
    fn loss(&self, model: &MrcModel<B>, batch: &Batch, step: &[Batch], dropouts: &mut DropoutSeeds) -> Tensor<B, 1> {
        let loss = OBJECTIVE.loss(model, batch, step, dropouts);
        let number = self.batches.replace(self.batches.get() + 1);
        if number == self.failing { loss * f32::NAN } else { loss }
    }
}

#[test]
fn a_resumed_run_equals_an_uninterrupted_one() {
    // In the midst of the first epoch, after its end, and shortly before the end of training.
    check_resumed(settings(), [5, 6, 10, 17]);
}

#[test]
fn a_run_resumed_in_any_block_equals_an_uninterrupted_one() {
    // Four blocks of six triples, two steps each.
    check_resumed(StageSettings { shuffle_buffer: 7, ..settings() }, [5, 7, 8, 15]);
}

/// Stops a run at the batches `failing`, resumes it, and compares it with one that was not stopped.
fn check_resumed(settings: StageSettings, failing: [usize; 4]) {
    let toy = Toy::new();
    let settings = StageSettings { save_every: Some(4), eval_every: 5, ..settings };
    let dir = tempfile::tempdir().unwrap();
    let (whole, stopped) = (dir.path().join("whole"), dir.path().join("stopped"));
    let end = toy.train(&whole, &settings, true, &mut OBJECTIVE.clone(), &Silent).unwrap();
    for failing in failing {
        let mut objective = FailingObjective { batches: Cell::new(0), failing };
        let error = toy.train(&stopped, &settings, true, &mut objective, &Silent).unwrap_err().to_string();
        assert!(error.contains(&format!("at step {}", failing + 1)), "{error}");

        let checkpoint = checkpoint::newest(&stopped).unwrap().unwrap();
        let state = InitialState::<B>::from_checkpoint(&settings, &stopped, &checkpoint, &Default::default()).unwrap();
        assert!((1..=failing).contains(&state.checkpoint.position.step), "{:?}", state.checkpoint.position);
        let lock = RunLock::acquire(&stopped).unwrap();
        let mut run = RunWriter::resume(&stopped, lock, state.checkpoint.metrics_bytes, false).unwrap();
        let from = (state.train, state.checkpoint);
        let resumed = toy.train_from(&mut run, &settings, true, from, &mut OBJECTIVE.clone(), &Silent).unwrap();
        drop(run);
        assert_eq!((resumed.position, &resumed.best), (end.position, &end.best));
        assert!(weights_of(&stopped) == weights_of(&whole), "weights differ after a stop at batch {failing}");
        assert_eq!(metrics(&stopped), metrics(&whole));
        std::fs::remove_dir_all(&stopped).unwrap();
    }
}

/// The triples of each step.
#[derive(Default)]
struct SeenTriples(RefCell<Vec<usize>>);

impl Objective<B> for SeenTriples {
    fn loss(&self, model: &MrcModel<B>, batch: &Batch, step: &[Batch], dropouts: &mut DropoutSeeds) -> Tensor<B, 1> {
        self.0.borrow_mut().extend(&batch.triples);
        OBJECTIVE.loss(model, batch, step, dropouts)
    }
}

#[test]
fn an_epoch_holds_each_triple_once_whatever_the_buffer() {
    let toy = Toy::new();
    for shuffle_buffer in [1, 7, 23, 24] {
        let dir = tempfile::tempdir().unwrap();
        let settings = StageSettings { shuffle_buffer, epochs: 2, ..settings() };
        let mut seen = SeenTriples::default();
        toy.train(dir.path(), &settings, false, &mut seen, &Silent).unwrap();
        let triples = seen.0.into_inner();
        assert_eq!(triples.len(), 48);
        let (first, second) = triples.split_at(24);
        assert_ne!(first, second);
        for epoch in [first, second] {
            let mut epoch = epoch.to_vec();
            epoch.sort_unstable();
            assert_eq!(epoch, (0..24).collect::<Vec<_>>());
        }
    }
}

/// Keeps all messages.
#[derive(Default)]
struct Messages(RefCell<Vec<String>>);

impl Reporter for Messages {
    fn start(&self, _: &'static str, _: usize) {}

    fn expect(&self, _: usize) {}

    fn skip(&self, _: usize) {}

    fn step(&self, _: usize, _: &dyn Fn() -> String) {}

    fn finish(&self) {}

    fn message(&self, line: &str) {
        self.0.borrow_mut().push(line.to_owned());
    }
}

/// Steps at which a run was evaluated.
fn evaluated(run: &Path) -> Vec<u64> {
    let lines = reader::metrics(run).unwrap();
    lines.iter().filter(|line| line["dev"].is_object()).map(|line| line["step"].as_u64().unwrap()).collect()
}

#[test]
fn evaluations_come_at_their_interval_and_at_the_end_of_epochs() {
    let (toy, dir) = (Toy::new(), tempfile::tempdir().unwrap());
    let settings = StageSettings { eval_every: 4, max_steps: Some(14), ..settings() };
    let state = toy.train(dir.path(), &settings, true, &mut OBJECTIVE.clone(), &Silent).unwrap();
    assert_eq!(evaluated(dir.path()), [4, 6, 8, 12, 14], "epochs have 6 steps");
    assert_eq!((state.position.step, state.position.epoch, state.position.step_in_epoch), (14, 3, 2));
    assert_eq!(checkpoint::newest(dir.path()).unwrap(), Some(dir.path().join(layout::CHECKPOINTS).join("step-14")));
}

#[test]
fn the_run_keeps_the_best_weights_on_dev() {
    let (toy, dir) = (Toy::new(), tempfile::tempdir().unwrap());
    let settings = StageSettings { epochs: 10, ..settings() };
    let state = toy.train(dir.path(), &settings, true, &mut OBJECTIVE.clone(), &Silent).unwrap();
    let lines = reader::metrics(dir.path()).unwrap();
    let f1 = |line: &serde_json::Value| line["dev"]["f1"].as_f64();
    let best = lines.iter().filter_map(f1).fold(0.0, f64::max);
    assert_eq!(state.best.f1(), Some(best));
    assert!(best > 0.5, "{best}");
}

#[test]
fn training_stops_early_without_gain() {
    let (toy, dir, messages) = (Toy::new(), tempfile::tempdir().unwrap(), Messages::default());
    // Weights that hardly change: every evaluation equals the first.
    let settings = StageSettings { lr: 1e-12, eval_every: 2, patience: Some(3), ..settings() };
    let state = toy.train(dir.path(), &settings, true, &mut OBJECTIVE.clone(), &messages).unwrap();
    assert_eq!(evaluated(dir.path()), [2, 4, 6, 8]);
    assert_eq!(state.position.step, 8);
    let messages = messages.0.into_inner();
    assert_eq!(messages.last().unwrap(), "stopped early at step 8: 3 evaluations without a better F1 on --dev");
}
