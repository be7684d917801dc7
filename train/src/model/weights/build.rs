//! A model from stored tensors, from random weights, or from both.

use anyhow::{Result, bail};
use burn::tensor::backend::Backend;

use super::heads::{CLUSTER_HEAD_PREFIX, RequiredHeads, SPAN_HEAD_PREFIX, head_of};
use super::initialization::RandomWeights;
use super::parameters::replace_parameters;
use super::state_dict::StateDict;
use crate::model::bert_config::BertConfig;
use crate::model::mrc::{MrcModel, OptionalHeads};

/// Most mismatched tensors that an error lists; the others are counted.
const LISTED_MISMATCHES: usize = 8;

/// A model with stored weights. Stored heads that the model does not have are ignored; heads that the file may lack get random weights.
///
/// # Errors
/// Tensors that are missing, that the model does not have, or whose shape is not that of the configuration, by name.
pub fn build_model<B: Backend>(
    config: &BertConfig,
    heads: OptionalHeads,
    mut tensors: StateDict,
    required: RequiredHeads,
    seed: u64,
    device: &B::Device,
) -> Result<MrcModel<B>> {
    let mut mismatches = Vec::new();
    let random = RandomWeights::new(config.initializer_range, seed);
    let stored_heads: Vec<&str> = tensors.names().filter_map(head_of).collect();
    let may_lack = |name: &str| head_of(name).is_some_and(|head| required.may_lack(head) && !stored_heads.contains(&head));
    tensors.retain(|name| match head_of(name) {
        Some(SPAN_HEAD_PREFIX) => heads.nested,
        Some(CLUSTER_HEAD_PREFIX) => heads.clusters.is_some(),
        _ => true,
    });
    let model = replace_parameters(MrcModel::zeros(config, heads, device), |name, shape| {
        let values = match tensors.take(name) {
            Some(stored) if stored.shape == shape => stored.values,
            Some(stored) => {
                mismatches.push(format!("tensor `{name}` has shape {:?}, expected {shape:?}", stored.shape));
                random.values(name, shape)
            }
            None => {
                if !may_lack(name) {
                    mismatches.push(format!("tensor `{name}` of shape {shape:?} is missing"));
                }
                random.values(name, shape)
            }
        };
        Some(values)
    });
    mismatches.extend(tensors.shapes().map(|(name, shape)| format!("tensor `{name}` of shape {shape:?} has no place in the model")));
    if mismatches.is_empty() {
        return Ok(model);
    }
    let more = mismatches.len().saturating_sub(LISTED_MISMATCHES);
    mismatches.truncate(LISTED_MISMATCHES);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    bail!("the weights do not fit config.json: {}{more}", mismatches.join("; "))
}

/// A model with random weights, as BERT starts pre-training.
pub fn random_model<B: Backend>(config: &BertConfig, heads: OptionalHeads, seed: u64, device: &B::Device) -> MrcModel<B> {
    let random = RandomWeights::new(config.initializer_range, seed);
    replace_parameters(MrcModel::zeros(config, heads, device), |name, shape| Some(random.values(name, shape)))
}

/// Gives the head for pseudo-labels new random weights.
pub fn reinitialize_cluster_head<B: Backend>(model: MrcModel<B>, deviation: f64, seed: u64) -> MrcModel<B> {
    let random = RandomWeights::new(deviation, seed);
    replace_parameters(model, |name, shape| name.starts_with(CLUSTER_HEAD_PREFIX).then(|| random.values(name, shape)))
}
