//! The parameters of a model by their names in files: read, replaced and serialised.

use std::collections::HashMap;

use anyhow::Result;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::backend::Backend;
use burn::tensor::{Tensor, TensorData};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use crate::model::encoder_family::EncoderFamily;
use crate::model::mrc::MrcModel;
use crate::parameter_names::ParameterPath;

/// Replaces the parameters for which `values(name, shape)` gives values, in the layout of files.
pub fn replace_parameters<B: Backend>(model: MrcModel<B>, values: impl FnMut(&str, &[usize]) -> Option<Vec<f32>>) -> MrcModel<B> {
    model.map(&mut Replace { path: ParameterPath::default(), values })
}

/// The weights of a model in the safetensors format, as run folders and checkpoints have them: with the names of BERT.
///
/// # Errors
/// Those of the format's own checks; no input causes one.
pub fn to_safetensors<B: Backend>(model: &MrcModel<B>) -> Result<Vec<u8>> {
    to_safetensors_of(model, EncoderFamily::Bert)
}

/// The weights of a model in the safetensors format, with the names of a family.
///
/// # Errors
/// As [`to_safetensors`].
pub fn to_safetensors_of<B: Backend>(model: &MrcModel<B>, family: EncoderFamily) -> Result<Vec<u8>> {
    let mut collect = Collect { path: ParameterPath::default(), tensors: Vec::new() };
    model.visit(&mut collect);
    let views = collect
        .tensors
        .iter()
        .map(|(name, data)| Ok((family.file_name(name), TensorView::new(Dtype::F32, data.shape.to_vec(), data.as_bytes())?)))
        .collect::<Result<Vec<_>>>()?;
    // Hugging Face's loader requires the framework whose layout this is.
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    Ok(safetensors::serialize(views, Some(metadata))?)
}

struct Replace<F> {
    path: ParameterPath,
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
            // Copied into row-major order once, so that no product has to read it transposed.
            let tensor = if transposed { Tensor::from_data(tensor.swap_dims(D - 2, D - 1).into_data(), &old.device()) } else { tensor };
            tensor.require_grad()
        })
    }
}

struct Collect {
    path: ParameterPath,
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
