//! Names of stored tensors to those of this program.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use super::heads::head_of;
use crate::model::encoder_family::{bert_name, is_family_prefix};

/// The tensor that each encoder has, behind the prefix of its names.
const WORDS: &str = "embeddings.word_embeddings.weight";

/// Where the tensors of encoder and heads are among those of a file.
///
/// Names carry prefixes by the class that was saved (`bert.`, `roberta.`, none) and by what was around it: `module.` of DataParallel,
/// `model.` of Lightning, `state_dict.` of a checkpoint.
#[derive(Debug)]
pub(super) struct StoredNames {
    /// Prefix of the encoder's tensors.
    encoder: String,
    /// Prefix of the heads' tensors: that of the encoder without its last part.
    heads: String,
}

/// What a stored tensor is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum StoredName {
    /// A parameter, by its name in this program.
    Parameter(String),
    /// A part of the encoder that is not computed with: its pooler, or numbers of positions.
    Unused,
    /// A part of something else, such as the head of another task, by its first part.
    Other(String),
}

impl StoredNames {
    /// Finds the encoder among the names of all tensors.
    ///
    /// # Errors
    /// There are several.
    pub(super) fn find<'a>(names: impl Iterator<Item = &'a str>) -> Result<Self> {
        let prefixes = names.filter_map(|name| name.strip_suffix(WORDS)).filter(|prefix| prefix.is_empty() || prefix.ends_with('.'));
        let prefixes: BTreeSet<&str> = prefixes.collect();
        let named: Vec<String> = prefixes.iter().map(|prefix| format!("`{prefix}{WORDS}`")).collect();
        ensure!(prefixes.len() < 2, "it holds several encoders: {}; save the one to start from by itself", named.join(", "));
        let encoder = prefixes.first().copied().unwrap_or("bert.");
        let parts = encoder.trim_end_matches('.');
        let last = parts.rsplit('.').next().unwrap_or(parts);
        let heads = if is_family_prefix(last) { &encoder[..parts.len() - last.len()] } else { encoder };
        Ok(Self { encoder: encoder.to_owned(), heads: heads.to_owned() })
    }

    /// What a tensor is by its name. Older files call the weight and bias of LayerNorm `gamma` and `beta`.
    pub(super) fn resolve(&self, name: &str) -> StoredName {
        if let Some(part) = name.strip_prefix(self.encoder.as_str()) {
            if part.starts_with("pooler.") || part.ends_with("embeddings.position_ids") || part.ends_with("embeddings.token_type_ids") {
                return StoredName::Unused;
            }
            // All that bears the name of a family is the encoder's, what is not expected too; without it, other heads may stand beside.
            let is_named = self.heads != self.encoder;
            let starts = ["embeddings.", "embeddings_project.", "encoder.layer.", "transformer.layer."];
            if is_named || starts.iter().any(|start| part.starts_with(start)) {
                let part = match (part.strip_suffix(".gamma"), part.strip_suffix(".beta")) {
                    (Some(stem), _) => format!("{stem}.weight"),
                    (_, Some(stem)) => format!("{stem}.bias"),
                    _ => part.to_owned(),
                };
                return StoredName::Parameter(format!("bert.{}", bert_name(&part)));
            }
        }
        let part = name.strip_prefix(self.heads.as_str()).unwrap_or(name);
        if head_of(part).is_some() {
            return StoredName::Parameter(part.to_owned());
        }
        StoredName::Other(part.split('.').next().unwrap_or(part).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `name` is in a file whose encoder has this prefix.
    fn resolve(prefix: &str, name: &str) -> StoredName {
        let words = format!("{prefix}{WORDS}");
        StoredNames::find([words.as_str(), name].into_iter()).unwrap().resolve(name)
    }

    #[test]
    fn names_become_those_of_this_program() {
        let check = |prefix: &str, name: &str, expected: &str| {
            assert_eq!(resolve(prefix, name), StoredName::Parameter(expected.to_owned()), "{prefix}, {name}");
        };
        let norm = "bert.embeddings.LayerNorm.weight";
        check("bert.", norm, norm);
        check("", "embeddings.LayerNorm.gamma", norm);
        check("module.bert.", "module.bert.embeddings.LayerNorm.gamma", norm);
        check("state_dict.model.roberta.", "state_dict.model.roberta.embeddings.LayerNorm.weight", norm);
        check("model.", "model.embeddings.LayerNorm.weight", norm);
        check("bert.", "bert.encoder.layer.3.output.LayerNorm.beta", "bert.encoder.layer.3.output.LayerNorm.bias");
        check("electra.", "electra.embeddings_project.weight", "bert.embeddings_project.weight");
        check("bert.", "bert.encoder.relative_bias.weight", "bert.encoder.relative_bias.weight");
        check("distilbert.", "distilbert.transformer.layer.0.ffn.lin2.weight", "bert.encoder.layer.0.output.dense.weight");
        check("", "transformer.layer.0.sa_layer_norm.bias", "bert.encoder.layer.0.attention.output.LayerNorm.bias");
        for (prefix, name) in [
            ("bert.", "start_outputs.bias"),
            ("", "start_outputs.bias"),
            ("model.bert.", "model.start_outputs.bias"),
            ("model.", "model.start_outputs.bias"),
            ("module.bert.", "start_outputs.bias"),
        ] {
            check(prefix, name, "start_outputs.bias");
        }
    }

    #[test]
    fn heads_of_other_tasks_are_told_apart() {
        for (prefix, name) in
            [("bert.", "bert.pooler.dense.bias"), ("", "pooler.dense.bias"), ("roberta.", "roberta.embeddings.position_ids")]
        {
            assert_eq!(resolve(prefix, name), StoredName::Unused, "{name}");
        }
        for (prefix, name, expected) in [
            ("bert.", "cls.predictions.bias", "cls"),
            ("model.bert.", "model.classifier.weight", "classifier"),
            ("roberta.", "lm_head.dense.bias", "lm_head"),
            ("electra.", "discriminator_predictions.dense.bias", "discriminator_predictions"),
            ("", "qa_outputs.weight", "qa_outputs"),
        ] {
            assert_eq!(resolve(prefix, name), StoredName::Other(expected.to_owned()), "{name}");
        }
        let both = ["question.bert.", "context.bert."].map(|prefix| format!("{prefix}{WORDS}"));
        let error = StoredNames::find(both.iter().map(String::as_str)).unwrap_err().to_string();
        assert!(error.contains("several encoders: `context.bert.embeddings"), "{error}");
    }
}
