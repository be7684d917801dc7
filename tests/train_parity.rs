//! The encoder's hidden states and twenty steps of training against PyTorch's (golden files; the scripts beside them,
//! `encoder.py` and `steps.py`, make them).

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::backend::{Autodiff, Flex};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::{Int, Tensor, TensorData};
use serde::Deserialize;
use train::data::WordPieceTokenizer;
use train::kernels::{DropoutSeeds, EmbeddingLookup, Padding};
use train::model::weights::RequiredHeads;
use train::model::{BertInput, BoundaryTargets, MrcModel, OptionalHeads, SpanLoss};
use train::optim::{AdamW, AdamWConfig, Gradients, Schedule};
use train::parameter_names::ParameterPath;
use train::run_folder::ModelFolder;

const TOLERANCE: f32 = 1e-4;

#[derive(Deserialize)]
struct Golden {
    /// How many of a hidden state's values the file holds; beside them it holds the sum of all.
    columns: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    ids: Vec<i32>,
    segments: Vec<i32>,
    hidden: Vec<Vec<f32>>,
    sums: Vec<f32>,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

fn golden<T: for<'a> Deserialize<'a>>(file: &str) -> T {
    serde_json::from_str(&std::fs::read_to_string(fixtures().join("golden").join(file)).unwrap()).unwrap()
}

/// Pads `(ids, segments)` of each sequence.
fn input<B: Backend>(sequences: &[(&[i32], &[i32])]) -> BertInput<B> {
    let length = sequences.iter().map(|(ids, _)| ids.len()).max().unwrap();
    let padded = |rows: Vec<&[i32]>| -> Tensor<B, 2, Int> {
        let values: Vec<i32> = rows.iter().flat_map(|row| row.iter().copied().chain(std::iter::repeat_n(0, length - row.len()))).collect();
        Tensor::from_data(TensorData::new(values, [rows.len(), length]), &Default::default())
    };
    let lengths: Vec<usize> = sequences.iter().map(|(ids, _)| ids.len()).collect();
    BertInput {
        words: EmbeddingLookup { ids: padded(sequences.iter().map(|(ids, _)| *ids).collect()), tokens: Arc::default() },
        segments: padded(sequences.iter().map(|(_, segments)| *segments).collect()),
        padding: Padding::new(lengths.into(), &Default::default()),
    }
}

/// The folder of MiniLM.
///
/// # Panics
/// It is missing. Tests that need it are ignored by default, and fail if they are run without it.
fn minilm_folder() -> PathBuf {
    let dir = std::env::var_os("MINILM_DIR").map_or_else(|| fixtures().join("minilm"), PathBuf::from);
    let is_there = dir.join("model.safetensors").exists();
    assert!(is_there, "{} is missing: get it with fixtures/minilm.sh, or set MINILM_DIR", dir.display());
    dir
}

/// Largest distance of a value from its golden one.
fn check(dir: &Path, file: &str) -> f32 {
    let golden: Golden = golden(file);
    let folder = ModelFolder::open_encoder(dir).unwrap();
    let (reader, _): (MrcModel<Flex>, _) = folder.load(OptionalHeads::default(), RequiredHeads::None, 1, &Default::default()).unwrap();
    let sequences: Vec<_> = golden.cases.iter().map(|case| (&*case.ids, &*case.segments)).collect();
    let input = input(&sequences);
    let length = input.words.ids.dims()[1];
    let hidden = reader.bert.forward(&input, &mut DropoutSeeds::off());
    let width = hidden.dims()[1];
    let values = hidden.into_data().to_vec::<f32>().unwrap();
    let mut worst = 0.0f32;
    for (row, case) in golden.cases.iter().enumerate() {
        for (at, (expected, sum)) in case.hidden.iter().zip(&case.sums).enumerate() {
            let got = &values[(row * length + at) * width..][..width];
            assert_eq!(expected.len(), golden.columns);
            for (got, expected) in got.iter().zip(expected) {
                worst = worst.max((got - expected).abs());
            }
            assert!((got.iter().sum::<f32>() - sum).abs() < TOLERANCE * 10.0, "sum of case {row}, token {at}");
        }
    }
    println!("{file}: largest distance {worst:e}");
    worst
}

#[test]
fn hidden_states_of_the_tiny_encoder_equal_those_of_transformers() {
    assert!(check(&fixtures().join("encoder"), "encoder_hidden.json") < TOLERANCE);
}

#[derive(Deserialize)]
struct Reference {
    ids: Vec<i32>,
    segments: Vec<i32>,
    start: Vec<f32>,
    end: Vec<f32>,
    context: Vec<i32>,
    pairs: Vec<f32>,
}

#[test]
fn a_model_of_the_reference_code_gives_the_same_logits() {
    let golden: Reference = golden("reference.json");
    let folder = ModelFolder::open_model(&fixtures().join("reference")).unwrap();
    let reader: MrcModel<Flex> = folder.load_trained(&Default::default()).unwrap();
    let hidden = reader.bert.forward(&input(&[(&golden.ids, &golden.segments)]), &mut DropoutSeeds::off());
    let margins = reader.boundary_logits(hidden.clone());
    let rows = Tensor::<Flex, 2, Int>::from_data(TensorData::new(golden.context.clone(), [1, golden.context.len()]), &Default::default());
    let pairs = reader.span_logits(hidden, rows, &mut DropoutSeeds::off()).unwrap();
    for (ours, theirs) in [(margins.start, golden.start), (margins.end, golden.end), (pairs, golden.pairs)] {
        let ours = ours.into_data().to_vec::<f32>().unwrap();
        assert_eq!(ours.len(), theirs.len());
        assert!(ours.iter().zip(&theirs).all(|(ours, theirs)| (ours - theirs).abs() < TOLERANCE), "{ours:?}\n{theirs:?}");
    }
}

#[derive(Deserialize)]
struct Course {
    lr: f64,
    warmup: f64,
    rows: Vec<Row>,
    batches: Vec<Vec<usize>>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Row {
    ids: Vec<i32>,
    segments: Vec<i32>,
    context: Vec<usize>,
    starts: Vec<usize>,
    ends: Vec<usize>,
}

#[derive(Deserialize)]
struct Step {
    loss: f32,
    gradient_norms: BTreeMap<String, f32>,
}

type Training = Autodiff<Flex>;

/// Gives the heads the sines that the script gives them.
#[derive(Default)]
struct SineHeads(ParameterPath);

impl ModuleMapper<Training> for SineHeads {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.0.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.0.leave();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<Training, D>>) -> Param<Tensor<Training, D>> {
        let first = match &*self.0.name() {
            "start_outputs.weight" => 1000,
            "end_outputs.weight" => 2000,
            _ => return param,
        };
        param.map(|tensor| {
            let [width, outputs] = [tensor.dims()[0], tensor.dims()[1]];
            // [in, out] here, [out, in] there
            let value = |at: usize| 0.05 * f64::sin((first + at % outputs * width + at / outputs) as f64);
            let values: Vec<f32> = (0..width * outputs).map(|at| value(at) as f32).collect();
            Tensor::from_data(TensorData::new(values, [width, outputs]), &Default::default()).require_grad()
        })
    }
}

struct Norms<'a> {
    gradients: &'a <Training as AutodiffBackend>::Gradients,
    path: ParameterPath,
    norms: BTreeMap<String, f32>,
}

impl ModuleVisitor<Training> for Norms<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.leave();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<Training, D>>) {
        let gradient = param.grad(self.gradients).unwrap();
        let values = gradient.into_data().to_vec::<f32>().unwrap();
        let norm = values.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt() as f32;
        self.norms.insert(self.path.name(), norm);
    }
}

/// Largest distances of losses and gradient norms from the golden ones, the former relative, the latter over the norm of all.
fn train_along(dir: &Path, file: &str) -> (f32, f32) {
    let course: Course = golden(file);
    let folder = ModelFolder::open_encoder(dir).unwrap();
    let (reader, _) = folder.load(OptionalHeads::default(), RequiredHeads::None, 1, &Default::default()).unwrap();
    let mut reader: MrcModel<Training> = reader.map(&mut SineHeads::default());
    let mut optimizer = AdamW::<Flex>::new(AdamWConfig::default());
    let schedule = Schedule { lr: course.lr, warmup: course.warmup };
    let share = |step: usize| step as f64 / course.steps.len() as f64;
    let (mut of_loss, mut of_gradients) = (0.0f32, 0.0f32);
    for (number, step) in course.steps.iter().enumerate() {
        let rows: Vec<&Row> = course.batches[number % course.batches.len()].iter().map(|&row| &course.rows[row]).collect();
        let sequences: Vec<_> = rows.iter().map(|row| (&*row.ids, &*row.segments)).collect();
        let input = input(&sequences);
        let [size, length] = input.words.ids.dims();
        let marks = |of: &dyn Fn(&Row) -> &[usize], marked: f32, other: f32| {
            let mut values = vec![other; size * length];
            for (at, row) in rows.iter().enumerate() {
                of(row).iter().for_each(|&token| values[at * length + token] = marked);
            }
            Tensor::from_data(TensorData::new(values, [size * length]), &Default::default())
        };
        let context: usize = rows.iter().map(|row| row.context.len()).sum();
        let target = BoundaryTargets {
            start: marks(&|row| &row.starts, 1.0, -1.0),
            end: marks(&|row| &row.ends, 1.0, -1.0),
            share: marks(&|row| &row.context, 1.0 / context as f32, 0.0),
        };
        let loss = reader.forward(&input, &mut DropoutSeeds::off()).loss(&target, SpanLoss::CROSS_ENTROPY);
        let value: f32 = loss.clone().into_scalar();
        of_loss = of_loss.max((value - step.loss).abs() / step.loss);
        let gradients = loss.backward();
        if !step.gradient_norms.is_empty() {
            let mut ours = Norms { gradients: &gradients, path: ParameterPath::default(), norms: BTreeMap::new() };
            reader.visit(&mut ours);
            assert_eq!(ours.norms.keys().collect::<Vec<_>>(), step.gradient_norms.keys().collect::<Vec<_>>());
            let all = step.gradient_norms.values().map(|norm| norm * norm).sum::<f32>().sqrt();
            for (name, expected) in &step.gradient_norms {
                of_gradients = of_gradients.max((ours.norms[name] - expected).abs() / all);
            }
        }
        let gradients = Gradients::of(&reader, gradients);
        reader = optimizer.step(reader, gradients, schedule.at(share(number), share(number + 1)));
    }
    println!("{file}: largest distance of losses {of_loss:e}, of gradients {of_gradients:e}");
    (of_loss, of_gradients)
}

#[test]
fn twenty_steps_on_the_tiny_encoder_equal_those_of_pytorch() {
    let (loss, gradients) = train_along(&fixtures().join("encoder"), "encoder_steps.json");
    assert!(loss < 1e-3 && gradients < 1e-3, "{loss} {gradients}");
}

mod minilm {
    use super::*;

    #[test]
    #[ignore = "needs fixtures/minilm: fixtures/minilm.sh fetches it, or MINILM_DIR names it"]
    fn hidden_states_equal_those_of_transformers() {
        let dir = minilm_folder();
        assert!(check(&dir, "minilm_hidden.json") < TOLERANCE);

        // The tokenizer too gives the ids of its peer, and no truncation or padding that its file asks for.
        let tokenizer = WordPieceTokenizer::read(&dir).unwrap();
        let special = tokenizer.special_tokens();
        let tokenised = tokenizer.tokenize(&["Find the names of places.", "Budapest lies on the Danube."]).unwrap();
        let ids: Vec<i32> = [&[special.cls], &*tokenised[0].ids, &[special.sep], &*tokenised[1].ids, &[special.sep]]
            .concat()
            .into_iter()
            .map(|id| id as i32)
            .collect();
        assert_eq!(ids, golden::<Golden>("minilm_hidden.json").cases[1].ids);
        assert_eq!(tokenizer.tokenize(&[&"long ".repeat(700)]).unwrap()[0].ids.len(), 700);
    }

    #[test]
    #[ignore = "needs fixtures/minilm: fixtures/minilm.sh fetches it, or MINILM_DIR names it"]
    fn twenty_steps_equal_those_of_pytorch() {
        let dir = minilm_folder();
        let (loss, gradients) = train_along(&dir, "minilm_steps.json");
        assert!(loss < 1e-3 && gradients < 1e-3, "{loss} {gradients}");
    }
}
