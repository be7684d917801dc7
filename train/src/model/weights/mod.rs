//! Weights from files and into files.
//!
//! Files are `model.safetensors` or `pytorch_model.bin` under Hugging Face's names; a linear layer's matrix is `[out, in]` there.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, Result, bail};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::backend::Backend;
use burn::tensor::{DType, Tensor, TensorData};
use burn_store::pytorch::PytorchReader;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::{BertConfig, Extras, Reader, names};

/// Name of the file of weights in a run folder.
pub const FILE_NAME: &str = "model.safetensors";

/// Wrong tensors that an error lists before it only counts them.
const LISTED: usize = 8;

/// Tensors by their canonical names.
#[derive(Debug, Default)]
pub struct Tensors(BTreeMap<String, Stored>);

#[derive(Debug)]
struct Stored {
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// Where the heads come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heads {
    /// All from the file.
    Stored,
    /// Those of starts and ends from the file, others random unless it has them: a trained reader goes into another stage.
    Extended,
    /// From the file if it has them, else random: it is an encoder's.
    Fresh,
}

impl Heads {
    /// Whether a head that the file has nothing of may be random.
    fn may_lack(self, head: &str) -> bool {
        match self {
            Self::Stored => false,
            Self::Extended => head == SPANS || head == CLUSTERS,
            Self::Fresh => true,
        }
    }
}

/// Names of the head of pseudo-labels begin so.
pub const CLUSTERS: &str = "cluster_classify.";

const SPANS: &str = "span_embedding.";

/// The heads, by what their names begin with; starts and ends come together.
fn head_of(name: &str) -> Option<&'static str> {
    let boundary = (name.starts_with("start_outputs.") || name.starts_with("end_outputs.")).then_some("_outputs.");
    boundary.or_else(|| [SPANS, CLUSTERS].into_iter().find(|head| name.starts_with(head)))
}

/// Bias of a fresh head of nested answers: hardly one pair in a hundred is an answer, and to learn that from the data alone
/// would shake the encoder.
const RARE: f32 = -4.6;

impl Tensors {
    /// Reads a folder's `model.safetensors` or `pytorch_model.bin`.
    ///
    /// # Errors
    /// Neither exists, or one is broken.
    pub fn read(dir: &Path) -> Result<Self> {
        let (safetensors, pickle) = (dir.join(FILE_NAME), dir.join("pytorch_model.bin"));
        if safetensors.exists() {
            return Self::read_safetensors(&safetensors).with_context(|| format!("cannot read weights from {}", safetensors.display()));
        }
        if pickle.exists() {
            return Self::read_pickle(&pickle).with_context(|| format!("cannot read weights from {}", pickle.display()));
        }
        bail!("{} holds neither {FILE_NAME} nor pytorch_model.bin", dir.display())
    }

    /// Heads beside those of starts and ends that are stored here.
    pub fn extras(&self) -> Extras {
        let clusters = self.0.get("cluster_classify.weight").and_then(|stored| stored.shape.first().copied());
        Extras { nested: self.0.keys().any(|name| name.starts_with(SPANS)), clusters }
    }

    /// Forgets the head of pseudo-labels: their numbers mean nothing to another run.
    #[must_use]
    pub fn without_clusters(mut self) -> Self {
        self.0.retain(|name, _| !name.starts_with(CLUSTERS));
        self
    }

    fn read_safetensors(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path)?;
        let file = SafeTensors::deserialize(&bytes)?;
        let mut tensors = Self::default();
        for (name, view) in file.iter() {
            let canonical = names::canonical(name);
            if !names::is_left_out(&canonical) {
                let values = floats(&view).with_context(|| format!("tensor `{name}`"))?;
                tensors.0.insert(canonical, Stored { shape: view.shape().to_vec(), values });
            }
        }
        Ok(tensors)
    }

    fn read_pickle(path: &Path) -> Result<Self> {
        let mut tensors = Self::default();
        for (name, snapshot) in PytorchReader::new(path)?.into_tensors() {
            let canonical = names::canonical(&name);
            if !names::is_left_out(&canonical) {
                let data = snapshot.to_data().map_err(|error| anyhow::anyhow!("tensor `{name}`: {error:?}"))?;
                let shape = data.shape.to_vec();
                let values =
                    data.convert_dtype(DType::F32).to_vec::<f32>().map_err(|error| anyhow::anyhow!("tensor `{name}`: {error:?}"))?;
                tensors.0.insert(canonical, Stored { shape, values });
            }
        }
        Ok(tensors)
    }
}

fn floats(view: &TensorView<'_>) -> Result<Vec<f32>> {
    let data = view.data();
    Ok(match view.dtype() {
        Dtype::F32 => data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
        Dtype::F64 => data.chunks_exact(8).map(|b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]) as f32).collect(),
        // bfloat16 is the upper half of an f32.
        Dtype::BF16 => data.chunks_exact(2).map(|b| f32::from_le_bytes([0, 0, b[0], b[1]])).collect(),
        Dtype::F16 => {
            let bytes = TensorData::from_bytes_vec(data.to_vec(), view.shape().to_vec(), DType::F16);
            bytes.convert_dtype(DType::F32).to_vec::<f32>().map_err(|error| anyhow::anyhow!("{error:?}"))?
        }
        other => bail!("has type {other:?}, expected F32, F16 or BF16"),
    })
}

/// A reader with the weights of `tensors`. Heads that are stored and not asked for are left out without a word.
///
/// # Errors
/// Tensors that are missing, have no place, or have another shape than the configuration says, by name.
pub fn fill<B: Backend>(
    config: &BertConfig,
    extras: Extras,
    mut tensors: Tensors,
    heads: Heads,
    seed: u64,
    device: &B::Device,
) -> Result<Reader<B>> {
    let mut wrong = Vec::new();
    let mut fresh = Fresh::new(config.initializer_range, seed);
    let stored: Vec<&str> = tensors.0.keys().filter_map(|name| head_of(name)).collect();
    let may_lack = |name: &str| head_of(name).is_some_and(|head| heads.may_lack(head) && !stored.contains(&head));
    tensors.0.retain(|name, _| match head_of(name) {
        Some(SPANS) => extras.nested,
        Some(CLUSTERS) => extras.clusters.is_some(),
        _ => true,
    });
    let reader = map(Reader::zeros(config, extras, device), |name, shape| {
        let mut random = || fresh.values(name, shape);
        match tensors.0.remove(name) {
            Some(stored) if stored.shape == shape => stored.values,
            Some(stored) => {
                wrong.push(format!("tensor `{name}` has shape {:?}, expected {shape:?}", stored.shape));
                random()
            }
            None if may_lack(name) => random(),
            None => {
                wrong.push(format!("tensor `{name}` of shape {shape:?} is missing"));
                random()
            }
        }
    });
    wrong.extend(tensors.0.iter().map(|(name, stored)| format!("tensor `{name}` of shape {:?} has no place in the model", stored.shape)));
    if wrong.is_empty() {
        return Ok(reader);
    }
    let more = wrong.len().saturating_sub(LISTED);
    wrong.truncate(LISTED);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    bail!("the weights do not fit config.json: {}{more}", wrong.join("; "))
}

/// A reader with random weights, as BERT starts pre-training.
pub fn random<B: Backend>(config: &BertConfig, extras: Extras, seed: u64, device: &B::Device) -> Reader<B> {
    let mut fresh = Fresh::new(config.initializer_range, seed);
    map(Reader::zeros(config, extras, device), |name, shape| fresh.values(name, shape))
}

/// Gives the head of pseudo-labels random weights again.
pub fn renew_clusters<B: Backend>(reader: Reader<B>, deviation: f64, seed: u64) -> Reader<B> {
    let mut fresh = Fresh::new(deviation, seed);
    reader.map(&mut Replace {
        path: names::Path::default(),
        values: |name: &str, shape: &[usize]| name.starts_with(CLUSTERS).then(|| fresh.values(name, shape)),
    })
}

/// Weights of the reader in the safetensors format.
///
/// # Errors
/// None that input can cause; those of the format's own checks.
pub fn to_safetensors<B: Backend>(reader: &Reader<B>) -> Result<Vec<u8>> {
    let mut collect = Collect { path: names::Path::default(), tensors: Vec::new() };
    reader.visit(&mut collect);
    let views = collect
        .tensors
        .iter()
        .map(|(name, data)| Ok((name.as_str(), TensorView::new(Dtype::F32, data.shape.to_vec(), data.as_bytes())?)))
        .collect::<Result<Vec<_>>>()?;
    // Hugging Face's loader wants to know which framework's layout this is.
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    Ok(safetensors::serialize(views, Some(metadata))?)
}

/// Random weights by name: N(0, initializer_range), biases 0, LayerNorm weights 1. They do not depend on the order of asking.
struct Fresh {
    deviation: f64,
    seed: u64,
}

impl Fresh {
    fn new(deviation: f64, seed: u64) -> Self {
        Self { deviation, seed }
    }

    fn values(&mut self, name: &str, shape: &[usize]) -> Vec<f32> {
        let count = shape.iter().product();
        if name.ends_with("LayerNorm.weight") {
            return vec![1.0; count];
        }
        if name == "span_embedding.classifier2.bias" {
            return vec![RARE; count];
        }
        if name.ends_with(".bias") {
            return vec![0.0; count];
        }
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        // FNV-1a, so that each tensor draws from its own stream.
        rng.set_stream(name.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)));
        // Box and Muller's transform, one of the pair.
        let normal = |rng: &mut ChaCha8Rng| {
            let (radius, angle): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
            (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
        };
        (0..count).map(|_| (normal(&mut rng) * self.deviation) as f32).collect()
    }
}

/// Replaces every parameter by `values(name, shape)`, both as files have them.
fn map<B: Backend>(reader: Reader<B>, mut values: impl FnMut(&str, &[usize]) -> Vec<f32>) -> Reader<B> {
    reader.map(&mut Replace { path: names::Path::default(), values: |name: &str, shape: &[usize]| Some(values(name, shape)) })
}

/// Replaces the parameters that it has values for.
struct Replace<F> {
    path: names::Path,
    values: F,
}

impl<B: Backend, F: FnMut(&str, &[usize]) -> Option<Vec<f32>>> ModuleMapper<B> for Replace<F> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.leave();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        let transposed = self.path.is_transposed(D);
        let mut shape = param.dims().to_vec();
        if transposed {
            shape.reverse();
        }
        let Some(values) = (self.values)(&self.path.name(), &shape) else { return param };
        let data = TensorData::new(values, shape);
        param.map(|old| {
            let tensor = Tensor::<B, D>::from_data(data, &old.device());
            // Copied into row-major order once, rather than walked askew in every product.
            let tensor = if transposed { Tensor::from_data(tensor.swap_dims(D - 2, D - 1).into_data(), &old.device()) } else { tensor };
            tensor.require_grad()
        })
    }
}

struct Collect {
    path: names::Path,
    tensors: Vec<(String, TensorData)>,
}

impl<B: Backend> ModuleVisitor<B> for Collect {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.leave();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        let tensor = if self.path.is_transposed(D) { param.val().swap_dims(D - 2, D - 1) } else { param.val() };
        self.tensors.push((self.path.name(), tensor.into_data()));
    }
}
