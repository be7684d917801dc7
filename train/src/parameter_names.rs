//! Names of a model's parameters in files: those of Hugging Face's BERT.

/// The path of the module that a walk over the model is in, to be kept by a `ModuleVisitor` or `ModuleMapper`.
#[derive(Debug, Default)]
pub struct ParameterPath(Vec<String>);

impl ParameterPath {
    /// Call it in `enter_module`.
    pub fn enter(&mut self, field: &str) {
        self.0.push(field.to_owned());
    }

    /// Call it in `exit_module`.
    pub fn leave(&mut self) {
        self.0.pop();
    }

    /// The name of the parameter at this path.
    pub fn name(&self) -> String {
        let fields: Vec<&str> = self.0.iter().map(|field| hugging_face_name(field)).collect();
        let name = fields.join(".");
        if name.ends_with("_embeddings") { name + ".weight" } else { name }
    }

    /// Whether the parameter at this path, of this rank, is the matrix of a linear layer, which files hold transposed.
    pub fn is_transposed(&self, rank: usize) -> bool {
        rank == 2 && self.0.last().is_some_and(|field| field == "weight")
    }
}

fn hugging_face_name(field: &str) -> &str {
    match field {
        "layers" => "encoder.layer",
        "query" => "attention.self.query",
        "key" => "attention.self.key",
        "value" => "attention.self.value",
        "attention_output" => "attention.output.dense",
        "attention_norm" => "attention.output.LayerNorm",
        "intermediate" => "intermediate.dense",
        "output" => "output.dense",
        "output_norm" => "output.LayerNorm",
        "norm" => "LayerNorm",
        same => same,
    }
}

/// Whether a parameter has no weight decay: biases and LayerNorm.
pub fn is_exempt_from_weight_decay(name: &str) -> bool {
    name.ends_with(".bias") || name.ends_with("LayerNorm.weight")
}

/// The name as this program writes it: with the prefix `bert.`, without the prefix `module.` of PyTorch's DataParallel, and with `weight`
/// and `bias` for the `gamma` and `beta` of LayerNorm in older files.
pub fn canonical_name(name: &str) -> String {
    let name = name.strip_prefix("module.").unwrap_or(name);
    let name = match (name.strip_suffix(".gamma"), name.strip_suffix(".beta")) {
        (Some(stem), _) => format!("{stem}.weight"),
        (_, Some(stem)) => format!("{stem}.bias"),
        _ => name.to_owned(),
    };
    let bare = ["embeddings.", "encoder.", "pooler."].iter().any(|part| name.starts_with(part));
    if bare { format!("bert.{name}") } else { name }
}

/// Whether a stored tensor is ignored because the model has no use for it: the pooler, the heads of pre-training, and the position ids of
/// older files.
pub fn is_ignored(name: &str) -> bool {
    name.starts_with("bert.pooler.") || name.starts_with("cls.") || name == "bert.embeddings.position_ids"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_canonical() {
        for (given, expected) in [
            ("embeddings.LayerNorm.gamma", "bert.embeddings.LayerNorm.weight"),
            ("bert.encoder.layer.3.output.LayerNorm.beta", "bert.encoder.layer.3.output.LayerNorm.bias"),
            ("encoder.layer.0.output.dense.weight", "bert.encoder.layer.0.output.dense.weight"),
            ("start_outputs.bias", "start_outputs.bias"),
            ("module.bert.embeddings.LayerNorm.beta", "bert.embeddings.LayerNorm.bias"),
        ] {
            assert_eq!(canonical_name(given), expected);
        }
        assert!(is_ignored(&canonical_name("pooler.dense.weight")) && is_ignored("cls.predictions.bias"));
    }

    #[test]
    fn biases_and_layer_norm_have_no_weight_decay() {
        assert!(is_exempt_from_weight_decay("bert.embeddings.LayerNorm.weight") && is_exempt_from_weight_decay("start_outputs.bias"));
        assert!(
            !is_exempt_from_weight_decay("bert.embeddings.word_embeddings.weight") && !is_exempt_from_weight_decay("end_outputs.weight")
        );
    }
}
