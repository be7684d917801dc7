//! Names of the weights in files: those of Hugging Face's BERT.

/// Where a walk over the module stands.
#[derive(Debug, Default)]
pub struct Path(Vec<String>);

impl Path {
    /// To be called on entering a field.
    pub fn enter(&mut self, field: &str) {
        self.0.push(field.to_owned());
    }

    /// To be called on leaving it.
    pub fn leave(&mut self) {
        self.0.pop();
    }

    /// Name of the parameter here.
    pub fn name(&self) -> String {
        let fields: Vec<&str> = self.0.iter().map(|field| hugging_face(field)).collect();
        let name = fields.join(".");
        if name.ends_with("_embeddings") { name + ".weight" } else { name }
    }

    /// Whether the matrix here belongs to a linear layer, which files hold transposed.
    pub fn is_transposed(&self, rank: usize) -> bool {
        rank == 2 && self.0.last().is_some_and(|field| field == "weight")
    }
}

fn hugging_face(field: &str) -> &str {
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

/// Whether weight decay spares the parameter: biases and LayerNorm.
pub fn is_undecayed(name: &str) -> bool {
    name.ends_with(".bias") || name.ends_with("LayerNorm.weight")
}

/// The name as this program writes it: with `bert.` in front, without the `module.` of PyTorch's DataParallel, and LayerNorm's
/// parameters as weight and bias.
pub fn canonical(name: &str) -> String {
    let name = name.strip_prefix("module.").unwrap_or(name);
    let name = match (name.strip_suffix(".gamma"), name.strip_suffix(".beta")) {
        (Some(stem), _) => format!("{stem}.weight"),
        (_, Some(stem)) => format!("{stem}.bias"),
        _ => name.to_owned(),
    };
    let bare = ["embeddings.", "encoder.", "pooler."].iter().any(|part| name.starts_with(part));
    if bare { format!("bert.{name}") } else { name }
}

/// Whether a pre-trained model's tensor has no place in the reader, and is left out without a word: pooler, the heads of
/// pre-training, and position ids, which older files store.
pub fn is_left_out(canonical: &str) -> bool {
    canonical.starts_with("bert.pooler.") || canonical.starts_with("cls.") || canonical == "bert.embeddings.position_ids"
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
            assert_eq!(canonical(given), expected);
        }
        assert!(is_left_out(&canonical("pooler.dense.weight")) && is_left_out("cls.predictions.bias"));
    }

    #[test]
    fn decay_spares_biases_and_layer_norm() {
        assert!(is_undecayed("bert.embeddings.LayerNorm.weight") && is_undecayed("start_outputs.bias"));
        assert!(!is_undecayed("bert.embeddings.word_embeddings.weight") && !is_undecayed("end_outputs.weight"));
    }
}
