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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn biases_and_layer_norm_have_no_weight_decay() {
        assert!(is_exempt_from_weight_decay("bert.embeddings.LayerNorm.weight") && is_exempt_from_weight_decay("start_outputs.bias"));
        assert!(
            !is_exempt_from_weight_decay("bert.embeddings.word_embeddings.weight") && !is_exempt_from_weight_decay("end_outputs.weight")
        );
    }
}
