//! Tensors by name, as files of weights hold them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::{DType, TensorData};
use burn_store::pytorch::PytorchReader;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;

use super::heads::{CLUSTER_HEAD_PREFIX, SPAN_HEAD_PREFIX};
use super::stored_names::{StoredName, StoredNames};
use crate::model::mrc::OptionalHeads;
use crate::model_files::{plain_file_name, refuse_lfs_pointer};

/// Name of the file of weights in a run folder.
pub const FILE_NAME: &str = "model.safetensors";

/// Files of weights of the Hugging Face layout, each with the index of its shards, in the order in which they are looked for.
const FILES: [(&str, &str); 2] = [(FILE_NAME, "model.safetensors.index.json"), ("pytorch_model.bin", "pytorch_model.bin.index.json")];

/// Tensors by their names in this program, in f32.
///
/// Memory: that of all tensors.
#[derive(Debug, Default)]
pub struct StateDict {
    tensors: BTreeMap<String, StoredTensor>,
    left_out: BTreeSet<String>,
}

/// The files that a model's weights are in.
struct WeightFiles {
    paths: Vec<PathBuf>,
    /// Names of all tensors, where an index says them.
    names: Option<Vec<String>>,
}

/// The index of shards.
#[derive(Deserialize)]
struct ShardIndex {
    /// The file of each tensor.
    weight_map: BTreeMap<String, String>,
}

/// A tensor in the layout of files.
#[derive(Debug)]
pub(super) struct StoredTensor {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

impl StateDict {
    /// Reads the `model.safetensors` of a folder, or else its `pytorch_model.bin`, whole or in shards.
    ///
    /// # Errors
    /// Neither exists; or it is broken, or holds numbers of another type than F32, F64, F16 or BF16, or several encoders.
    pub fn read(dir: &Path) -> Result<Self> {
        let WeightFiles { paths, names } = WeightFiles::find(dir)?;
        let mut names = names.map(|names| StoredNames::find(names.iter().map(String::as_str))).transpose()?;
        let mut tensors = Self::default();
        for path in paths {
            let mut read = || {
                refuse_lfs_pointer(&path)?;
                let is_pickle = path.extension().is_some_and(|extension| extension == "bin");
                if is_pickle { tensors.read_pickle(&path, &mut names) } else { tensors.read_safetensors(&path, &mut names) }
            };
            read().with_context(|| format!("cannot read weights from {}", path.display()))?;
        }
        Ok(tensors)
    }

    /// First parts of the names of tensors that are neither of the encoder nor of a head of this program: heads of other tasks.
    pub fn left_out(&self) -> &BTreeSet<String> {
        &self.left_out
    }

    /// The optional heads whose tensors are here.
    pub fn optional_heads(&self) -> OptionalHeads {
        let clusters = self.tensors.get("cluster_classify.weight").and_then(|stored| stored.shape.first().copied());
        OptionalHeads { nested: self.tensors.keys().any(|name| name.starts_with(SPAN_HEAD_PREFIX)), clusters }
    }

    /// Drops the head for pseudo-labels: the clusters of one run mean nothing to another.
    #[must_use]
    pub fn without_cluster_head(mut self) -> Self {
        self.retain(|name| !name.starts_with(CLUSTER_HEAD_PREFIX));
        self
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    pub(super) fn shapes(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.tensors.iter().map(|(name, stored)| (name.as_str(), &*stored.shape))
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.tensors.retain(|name, _| keep(name));
    }

    pub(super) fn take(&mut self, name: &str) -> Option<StoredTensor> {
        self.tensors.remove(name)
    }

    fn read_safetensors(&mut self, path: &Path, names: &mut Option<StoredNames>) -> Result<()> {
        let bytes = std::fs::read(path)?;
        let file = SafeTensors::deserialize(&bytes)?;
        let names = known_names(names, || file.names())?;
        for (name, view) in file.iter() {
            self.insert(names, name, || Ok(StoredTensor { shape: view.shape().to_vec(), values: to_f32(&view)? }))?;
        }
        Ok(())
    }

    fn read_pickle(&mut self, path: &Path, names: &mut Option<StoredNames>) -> Result<()> {
        let file = PytorchReader::new(path)?.into_tensors();
        let names = known_names(names, || file.keys().map(String::as_str).collect())?;
        for (name, snapshot) in &file {
            self.insert(names, name, || {
                let data = snapshot.to_data().map_err(|error| anyhow::anyhow!("{error:?}"))?;
                let shape = data.shape.to_vec();
                let values = data.convert_dtype(DType::F32).to_vec::<f32>().map_err(|error| anyhow::anyhow!("{error:?}"))?;
                Ok(StoredTensor { shape, values })
            })?;
        }
        Ok(())
    }

    /// Adds a tensor under its name in this program, unless the model has no use for it.
    fn insert(&mut self, names: &StoredNames, name: &str, tensor: impl FnOnce() -> Result<StoredTensor>) -> Result<()> {
        match names.resolve(name) {
            StoredName::Parameter(parameter) => {
                self.tensors.insert(parameter, tensor().with_context(|| format!("tensor `{name}`"))?);
            }
            StoredName::Unused => {}
            StoredName::Other(part) => {
                self.left_out.insert(part);
            }
        }
        Ok(())
    }
}

/// Where the encoder is among the names of a file, found once.
fn known_names<'n, 'f>(known: &'n mut Option<StoredNames>, of_file: impl FnOnce() -> Vec<&'f str>) -> Result<&'n StoredNames> {
    let names = match known.take() {
        Some(names) => names,
        None => StoredNames::find(of_file().into_iter())?,
    };
    Ok(known.insert(names))
}

impl WeightFiles {
    fn find(dir: &Path) -> Result<Self> {
        for (file, index) in FILES {
            let (file, index) = (dir.join(file), dir.join(index));
            if file.exists() {
                return Ok(Self { paths: vec![file], names: None });
            }
            if index.exists() {
                return Self::of_index(dir, &index).with_context(|| format!("cannot use {}", index.display()));
            }
        }
        bail!("{} holds neither {FILE_NAME} nor pytorch_model.bin, nor the index of their shards", dir.display())
    }

    fn of_index(dir: &Path, index: &Path) -> Result<Self> {
        refuse_lfs_pointer(index)?;
        let ShardIndex { weight_map } = serde_json::from_slice(&std::fs::read(index)?)?;
        let files: BTreeSet<&str> = weight_map.values().map(String::as_str).collect();
        let mut paths = Vec::new();
        for file in files {
            let name = plain_file_name(file).with_context(|| format!("`{file}` is not the name of a file beside it"))?;
            let path = dir.join(name);
            ensure!(path.exists(), "the shard {file} is missing; download it too");
            paths.push(path);
        }
        Ok(Self { paths, names: Some(weight_map.into_keys().collect()) })
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
