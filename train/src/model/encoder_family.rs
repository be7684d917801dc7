//! The encoders that this program computes: BERT, and those that differ from it in names and embeddings alone.

/// An encoder of the BERT family.
///
/// All have BERT's layers. They differ in the names of their tensors and of the keys of `config.json`, in their embeddings, and in
/// their tokenizers, which come with the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncoderFamily {
    /// BERT (Devlin et al. 2019).
    Bert,
    /// RoBERTa (Liu et al. 2019).
    Roberta,
    /// XLM-RoBERTa (Conneau et al. 2020).
    XlmRoberta,
    /// CamemBERT (Martin et al. 2020).
    Camembert,
    /// DistilBERT (Sanh et al. 2019).
    DistilBert,
    /// ELECTRA (Clark et al. 2020).
    Electra,
}

/// What a family is called in files.
struct Names {
    family: EncoderFamily,
    /// `model_type` in `config.json`.
    model_type: &'static str,
    /// The class of `transformers`.
    class: &'static str,
    /// First part of the names of its tensors.
    prefix: &'static str,
}

const FAMILIES: [Names; 6] = [
    Names { family: EncoderFamily::Bert, model_type: "bert", class: "BertModel", prefix: "bert" },
    Names { family: EncoderFamily::Roberta, model_type: "roberta", class: "RobertaModel", prefix: "roberta" },
    Names { family: EncoderFamily::XlmRoberta, model_type: "xlm-roberta", class: "XLMRobertaModel", prefix: "roberta" },
    Names { family: EncoderFamily::Camembert, model_type: "camembert", class: "CamembertModel", prefix: "roberta" },
    Names { family: EncoderFamily::DistilBert, model_type: "distilbert", class: "DistilBertModel", prefix: "distilbert" },
    Names { family: EncoderFamily::Electra, model_type: "electra", class: "ElectraModel", prefix: "electra" },
];

/// Encoders that are asked for and not computed: `model_type`, how they differ from BERT, and an encoder that would serve.
const OTHERS: [(&str, &str, &str); 15] = [
    ("modernbert", "ModernBERT has rotary positions and gated layers", "a RoBERTa or a BERT of the same language"),
    ("deberta", "DeBERTa has disentangled attention", "a RoBERTa of the same language"),
    ("deberta-v2", "DeBERTa has disentangled attention", "an XLM-RoBERTa, or a RoBERTa of the same language"),
    ("albert", "ALBERT shares its layers", "a DistilBERT, or an ELECTRA of small size"),
    ("mobilebert", "MobileBERT has bottlenecks between its layers", "a DistilBERT, or an ELECTRA of small size"),
    ("xlm-roberta-xl", "XLM-RoBERTa-XL normalises before its layers", "xlm-roberta-large"),
    ("roberta-prelayernorm", "it normalises before its layers", "a RoBERTa of the same language"),
    ("mpnet", "MPNet has relative positions", "a RoBERTa or a BERT of the same language"),
    ("xlnet", "XLNet has relative positions", "a RoBERTa of the same language"),
    ("longformer", "Longformer has sparse attention", "the RoBERTa it was made from: long contexts are read in windows"),
    ("big_bird", "BigBird has sparse attention", "a RoBERTa of the same language: long contexts are read in windows"),
    ("nomic_bert", "it has rotary positions and gated layers", "a RoBERTa or a BERT of the same language"),
    ("t5", "T5 has relative positions and a decoder", "a RoBERTa or a BERT of the same language"),
    ("gpt2", "GPT-2 reads from left to right only", "a RoBERTa or a BERT of the same language"),
    ("llama", "Llama reads from left to right only", "a RoBERTa or a BERT of the same language"),
];

/// Keys of `config.json` that are not called the same in all families.
pub(super) struct ConfigKeys {
    pub(super) hidden_size: &'static str,
    pub(super) num_hidden_layers: &'static str,
    pub(super) num_attention_heads: &'static str,
    pub(super) intermediate_size: &'static str,
    pub(super) hidden_act: &'static str,
}

/// Parts of a layer in DistilBERT and in BERT.
const DISTILBERT_LAYER: [(&str, &str); 8] = [
    ("attention.q_lin", "attention.self.query"),
    ("attention.k_lin", "attention.self.key"),
    ("attention.v_lin", "attention.self.value"),
    ("attention.out_lin", "attention.output.dense"),
    ("sa_layer_norm", "attention.output.LayerNorm"),
    ("ffn.lin1", "intermediate.dense"),
    ("ffn.lin2", "output.dense"),
    ("output_layer_norm", "output.LayerNorm"),
];

impl EncoderFamily {
    /// The family of a `model_type`.
    ///
    /// # Errors
    /// It is none of them: a message that says how it differs and what would serve.
    pub fn of_model_type(model_type: &str) -> Result<Self, String> {
        if let Some(names) = FAMILIES.iter().find(|names| names.model_type == model_type) {
            return Ok(names.family);
        }
        let known: Vec<&str> = FAMILIES.iter().map(|names| names.model_type).collect();
        let known = known.join(", ");
        Err(match OTHERS.iter().find(|(other, ..)| *other == model_type) {
            Some((_, why, other)) => {
                format!("model_type is `{model_type}`, expected one of {known}: {why}, which is not computed here; use {other}")
            }
            None => format!("model_type is `{model_type}`, expected one of {known}; use a RoBERTa or a BERT of the same language"),
        })
    }

    fn names(self) -> &'static Names {
        FAMILIES.iter().find(|names| names.family == self).expect("the table has all families")
    }

    /// `model_type` in `config.json`.
    pub fn model_type(self) -> &'static str {
        self.names().model_type
    }

    /// The class of `transformers`.
    pub fn class(self) -> &'static str {
        self.names().class
    }

    /// Whether tokens have the vector of a segment added.
    pub fn has_segments(self) -> bool {
        self != Self::DistilBert
    }

    /// Whether positions are counted from the id of padding on.
    pub fn counts_positions_from_padding(self) -> bool {
        matches!(self, Self::Roberta | Self::XlmRoberta | Self::Camembert)
    }

    /// Id of padding where `config.json` has none.
    pub(super) fn default_padding(self) -> usize {
        usize::from(self.counts_positions_from_padding())
    }

    pub(super) fn config_keys(self) -> ConfigKeys {
        match self {
            Self::DistilBert => ConfigKeys {
                hidden_size: "dim",
                num_hidden_layers: "n_layers",
                num_attention_heads: "n_heads",
                intermediate_size: "hidden_dim",
                hidden_act: "activation",
            },
            _ => ConfigKeys {
                hidden_size: "hidden_size",
                num_hidden_layers: "num_hidden_layers",
                num_attention_heads: "num_attention_heads",
                intermediate_size: "intermediate_size",
                hidden_act: "hidden_act",
            },
        }
    }

    /// The name of a parameter in the files of this family: that of `transformers`. Heads keep theirs.
    pub fn file_name(self, name: &str) -> String {
        let Some(name) = name.strip_prefix("bert.") else { return name.to_owned() };
        let name = match (self, name.strip_prefix("encoder.layer.")) {
            (Self::DistilBert, Some(layer)) => format!("transformer.layer.{}", replace_part(layer, |(theirs, ours)| (ours, theirs))),
            _ => name.to_owned(),
        };
        format!("{}.{name}", self.names().prefix)
    }
}

/// The name of an encoder's tensor, without the prefix of its family, as BERT has it.
pub(super) fn bert_name(name: &str) -> String {
    match name.strip_prefix("transformer.layer.") {
        Some(layer) => format!("encoder.layer.{}", replace_part(layer, |pair| pair)),
        None => name.to_owned(),
    }
}

/// Whether a part of a name is the prefix of a family.
pub(super) fn is_family_prefix(part: &str) -> bool {
    FAMILIES.iter().any(|names| names.prefix == part)
}

/// `3.ffn.lin1.bias` with its middle replaced by what stands beside it in the table.
fn replace_part(layer: &str, order: impl Fn((&'static str, &'static str)) -> (&'static str, &'static str)) -> String {
    let parts = layer.split_once('.').and_then(|(number, rest)| Some((number, rest.rsplit_once('.')?)));
    let Some((number, (part, kind))) = parts else { return layer.to_owned() };
    let other = DISTILBERT_LAYER.into_iter().map(order).find(|(from, _)| *from == part).map_or(part, |(_, to)| to);
    format!("{number}.{other}.{kind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_files_are_those_of_the_family() {
        let check = |family: EncoderFamily, name: &str, expected: &str| {
            assert_eq!(family.file_name(name), expected);
            if let Some((prefix, rest)) = expected.split_once('.').filter(|_| name != expected) {
                assert!(is_family_prefix(prefix));
                assert_eq!(format!("bert.{}", bert_name(rest)), name);
            }
        };
        let query = "bert.encoder.layer.11.attention.self.query.weight";
        check(EncoderFamily::Bert, query, query);
        check(EncoderFamily::Camembert, query, "roberta.encoder.layer.11.attention.self.query.weight");
        check(EncoderFamily::DistilBert, query, "distilbert.transformer.layer.11.attention.q_lin.weight");
        check(
            EncoderFamily::DistilBert,
            "bert.encoder.layer.0.output.LayerNorm.bias",
            "distilbert.transformer.layer.0.output_layer_norm.bias",
        );
        check(EncoderFamily::DistilBert, "bert.embeddings.LayerNorm.bias", "distilbert.embeddings.LayerNorm.bias");
        check(EncoderFamily::Electra, "bert.embeddings_project.bias", "electra.embeddings_project.bias");
        check(EncoderFamily::Roberta, "start_outputs.bias", "start_outputs.bias");
    }

    #[test]
    fn an_encoder_that_is_not_computed_is_refused_with_what_would_serve() {
        let error = EncoderFamily::of_model_type("albert").unwrap_err();
        assert!(error.contains("ALBERT shares its layers") && error.contains("use a DistilBERT"), "{error}");
        let error = EncoderFamily::of_model_type("unheard-of").unwrap_err();
        assert!(error.contains("expected one of bert, roberta, xlm-roberta, camembert, distilbert, electra"), "{error}");
    }
}
