//! Optimizer state as a safetensors file: `NAME.mean`, `NAME.square` and `NAME.steps` of each parameter.
//!
//! Matrices are stored as they are in memory, `[in, out]`, unlike those of the model's file.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::backend::Backend;
use burn::tensor::{Shape, Tensor, TensorData, TensorMetadata, TensorPrimitive, ops::FloatTensor};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::adamw::{AdamW, AdamWConfig, ParameterState};

impl<B: Backend> AdamW<B> {
    /// The state of all parameters, as the bytes of a safetensors file.
    ///
    /// # Errors
    /// Those of the format's own checks, which no optimizer fails.
    pub fn to_safetensors(&self) -> Result<Vec<u8>> {
        let mut tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::with_capacity(3 * self.states().len());
        for (name, state) in self.states() {
            for (what, tensor) in [("mean", &state.mean), ("square", &state.square)] {
                let shape = tensor.shape();
                let flat = B::float_reshape(tensor.clone(), Shape::new([shape.num_elements()]));
                let data = Tensor::<B, 1>::from_primitive(TensorPrimitive::Float(flat)).into_data();
                tensors.push((format!("{name}.{what}"), Dtype::F32, shape.to_vec(), data.as_bytes().to_vec()));
            }
            tensors.push((format!("{name}.steps"), Dtype::I32, Vec::new(), state.steps.to_le_bytes().to_vec()));
        }
        let views = tensors
            .iter()
            .map(|(name, kind, shape, bytes)| Ok((name.as_str(), TensorView::new(*kind, shape.clone(), bytes)?)))
            .collect::<Result<Vec<_>>>()?;
        Ok(safetensors::serialize(views, None)?)
    }

    /// An optimizer with the state of a safetensors file.
    ///
    /// # Errors
    /// The file is broken, or lacks a tensor of a parameter.
    pub fn from_safetensors(config: AdamWConfig, bytes: &[u8], device: &B::Device) -> Result<Self> {
        let file = SafeTensors::deserialize(bytes)?;
        let mut states = HashMap::new();
        for name in file.names() {
            let Some(name) = name.strip_suffix(".steps") else { continue };
            let part = |what: &str| file.tensor(&format!("{name}.{what}")).with_context(|| format!("moments of `{name}`"));
            let steps =
                part("steps")?.data().try_into().map(i32::from_le_bytes).with_context(|| format!("`{name}.steps` is not one number"))?;
            let state =
                ParameterState { mean: moment::<B>(&part("mean")?, device)?, square: moment::<B>(&part("square")?, device)?, steps };
            states.insert(name.to_owned(), state);
        }
        ensure!(file.len() == 3 * states.len(), "it holds tensors beside `.mean`, `.square` and `.steps`");
        Ok(Self::with_states(config, states))
    }
}

fn moment<B: Backend>(view: &TensorView<'_>, device: &B::Device) -> Result<FloatTensor<B>> {
    if view.dtype() != Dtype::F32 {
        bail!("a moment has type {:?}, expected F32", view.dtype());
    }
    let values: Vec<f32> = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    Ok(B::float_from_data(TensorData::new(values, view.shape().to_vec()), device))
}
