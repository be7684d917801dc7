//! Tensors by name, as files of weights hold them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use burn::tensor::{DType, TensorData};
use burn_store::pytorch::PytorchReader;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::heads::{CLUSTER_HEAD_PREFIX, SPAN_HEAD_PREFIX};
use crate::model::mrc::OptionalHeads;
use crate::parameter_names;

/// Name of the file of weights in a run folder.
pub const FILE_NAME: &str = "model.safetensors";

/// Tensors by their canonical names, in f32.
///
/// Memory: that of all tensors.
#[derive(Debug, Default)]
pub struct StateDict(BTreeMap<String, StoredTensor>);

/// A tensor in the layout of files.
#[derive(Debug)]
pub(super) struct StoredTensor {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

impl StateDict {
    /// Reads the `model.safetensors` of a folder, or else its `pytorch_model.bin`.
    ///
    /// # Errors
    /// Neither exists; or it is broken, or holds numbers of another type than F32, F64, F16 or BF16.
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

    /// The optional heads whose tensors are here.
    pub fn optional_heads(&self) -> OptionalHeads {
        let clusters = self.0.get("cluster_classify.weight").and_then(|stored| stored.shape.first().copied());
        OptionalHeads { nested: self.0.keys().any(|name| name.starts_with(SPAN_HEAD_PREFIX)), clusters }
    }

    /// Drops the head for pseudo-labels: the clusters of one run mean nothing to another.
    #[must_use]
    pub fn without_cluster_head(mut self) -> Self {
        self.retain(|name| !name.starts_with(CLUSTER_HEAD_PREFIX));
        self
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn shapes(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.0.iter().map(|(name, stored)| (name.as_str(), &*stored.shape))
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.0.retain(|name, _| keep(name));
    }

    pub(super) fn take(&mut self, name: &str) -> Option<StoredTensor> {
        self.0.remove(name)
    }

    fn read_safetensors(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path)?;
        let file = SafeTensors::deserialize(&bytes)?;
        let mut tensors = Self::default();
        for (name, view) in file.iter() {
            tensors.insert(name, || Ok(StoredTensor { shape: view.shape().to_vec(), values: to_f32(&view)? }))?;
        }
        Ok(tensors)
    }

    fn read_pickle(path: &Path) -> Result<Self> {
        let mut tensors = Self::default();
        for (name, snapshot) in PytorchReader::new(path)?.into_tensors() {
            tensors.insert(&name, || {
                let data = snapshot.to_data().map_err(|error| anyhow::anyhow!("{error:?}"))?;
                let shape = data.shape.to_vec();
                let values = data.convert_dtype(DType::F32).to_vec::<f32>().map_err(|error| anyhow::anyhow!("{error:?}"))?;
                Ok(StoredTensor { shape, values })
            })?;
        }
        Ok(tensors)
    }

    /// Adds a tensor under its canonical name, unless the model has no use for it.
    fn insert(&mut self, name: &str, tensor: impl FnOnce() -> Result<StoredTensor>) -> Result<()> {
        let canonical = parameter_names::canonical_name(name);
        if !parameter_names::is_ignored(&canonical) {
            self.0.insert(canonical, tensor().with_context(|| format!("tensor `{name}`"))?);
        }
        Ok(())
    }
}

fn to_f32(view: &TensorView<'_>) -> Result<Vec<f32>> {
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
        other => bail!("has type {other:?}, expected F32, F64, F16 or BF16"),
    })
}
