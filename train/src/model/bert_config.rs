//! `config.json` of encoders of the BERT family, in the Hugging Face layout.

use std::fmt::Display;

use serde_json::{Value, json};
use thiserror::Error;

use super::encoder_family::EncoderFamily;

/// The shape of an encoder of the BERT family.
#[derive(Debug, Clone, PartialEq)]
pub struct BertConfig {
    /// Which encoder it is.
    pub family: EncoderFamily,
    /// Word pieces of the vocabulary.
    pub vocab_size: usize,
    /// Width of the hidden states.
    pub hidden_size: usize,
    /// Width of the embeddings, where it is another.
    pub embedding_size: Option<usize>,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// Attention heads of a layer.
    pub num_attention_heads: usize,
    /// Width between the two linear maps of a layer's feed-forward network.
    pub intermediate_size: usize,
    /// Rows of the table of positions.
    pub max_position_embeddings: usize,
    /// Number of segment ids; 0 for an encoder without them.
    pub type_vocab_size: usize,
    /// Id of the word piece that fills batches.
    pub pad_token_id: usize,
    /// Added to the variance in LayerNorm (epsilon).
    pub layer_norm_eps: f64,
    /// Standard deviation of random weights.
    pub initializer_range: f64,
}

/// A `config.json` that this program cannot use.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// It is no JSON object, or a value is missing or of another type.
    #[error("does not describe a BERT: {0}")]
    Malformed(String),
    /// It describes an encoder that this program does not compute.
    #[error("{0}")]
    Unsupported(String),
}

impl BertConfig {
    /// The configuration of `--encoder tiny`: 2 layers of width 128.
    pub fn tiny(vocab_size: usize) -> Self {
        Self {
            family: EncoderFamily::Bert,
            vocab_size,
            hidden_size: 128,
            embedding_size: None,
            num_hidden_layers: 2,
            num_attention_heads: 4,
            intermediate_size: 512,
            max_position_embeddings: 512,
            type_vocab_size: 2,
            pad_token_id: 0,
            layer_norm_eps: 1e-12,
            initializer_range: 0.02,
        }
    }

    /// Reads a `config.json`; keys that do not matter here are ignored, and others that are missing have the defaults of `transformers`.
    ///
    /// # Errors
    /// A value that is missing or of another type; an encoder that this program does not compute, with what would serve.
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        let json: Value = serde_json::from_str(text).map_err(|error| ConfigError::Malformed(error.to_string()))?;
        if !json.is_object() {
            return Err(ConfigError::Malformed("it is no JSON object".to_owned()));
        }
        let keys = ConfigFile(json);
        let family = EncoderFamily::of_model_type(keys.text("model_type", "bert")?).map_err(ConfigError::Unsupported)?;
        let names = family.config_keys();
        let hidden_size = keys.number(names.hidden_size, None)?;
        let config = Self {
            family,
            vocab_size: keys.number("vocab_size", None)?,
            hidden_size,
            embedding_size: match family {
                EncoderFamily::Electra => Some(keys.number("embedding_size", Some(128))?).filter(|&width| width != hidden_size),
                _ => None,
            },
            num_hidden_layers: keys.number(names.num_hidden_layers, None)?,
            num_attention_heads: keys.number(names.num_attention_heads, None)?,
            intermediate_size: keys.number(names.intermediate_size, None)?,
            max_position_embeddings: keys.number("max_position_embeddings", Some(512))?,
            type_vocab_size: if family.has_segments() { keys.number("type_vocab_size", Some(2))? } else { 0 },
            pad_token_id: keys.number("pad_token_id", Some(family.default_padding()))?,
            layer_norm_eps: keys.decimal("layer_norm_eps", 1e-12)?,
            initializer_range: keys.decimal("initializer_range", 0.02)?,
        };
        let must_be = |key: &str, expected: &str| match keys.text(key, expected)? {
            found if found == expected => Ok(()),
            found => Err(ConfigError::Unsupported(format!("{key} is `{found}`, expected `{expected}`"))),
        };
        must_be(names.hidden_act, "gelu")?;
        must_be("position_embedding_type", "absolute")?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let unsupported = |what: String| Err(ConfigError::Unsupported(what));
        let names = self.family.config_keys();
        if self.num_attention_heads == 0 || !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            let (heads, hidden) = (names.num_attention_heads, names.hidden_size);
            return unsupported(format!("{hidden} {} is not a multiple of {heads} {}", self.hidden_size, self.num_attention_heads));
        }
        if self.family.has_segments() && self.type_vocab_size == 0 {
            return unsupported("type_vocab_size is 0, expected 1 or more".to_owned());
        }
        if self.max_length() == 0 {
            let (positions, first) = (self.max_position_embeddings, self.first_position());
            return unsupported(format!("max_position_embeddings is {positions}, but the first position is {first}"));
        }
        Ok(())
    }

    /// Width of the embeddings.
    pub fn embedding_width(&self) -> usize {
        self.embedding_size.unwrap_or(self.hidden_size)
    }

    /// Row of the first word piece in the table of positions: those of RoBERTa and its kin begin after that of padding.
    pub fn first_position(&self) -> usize {
        if self.family.counts_positions_from_padding() { self.pad_token_id + 1 } else { 0 }
    }

    /// Length of the longest sequence, in word pieces.
    pub fn max_length(&self) -> usize {
        self.max_position_embeddings.saturating_sub(self.first_position())
    }

    /// The content of `config.json`.
    pub fn to_json(&self) -> Value {
        let names = self.family.config_keys();
        let mut json = json!({
            "model_type": self.family.model_type(),
            "architectures": [self.family.class()],
            "vocab_size": self.vocab_size,
            (names.hidden_size): self.hidden_size,
            (names.num_hidden_layers): self.num_hidden_layers,
            (names.num_attention_heads): self.num_attention_heads,
            (names.intermediate_size): self.intermediate_size,
            (names.hidden_act): "gelu",
            "max_position_embeddings": self.max_position_embeddings,
            "pad_token_id": self.pad_token_id,
            "initializer_range": self.initializer_range,
        });
        if self.family.has_segments() {
            json["type_vocab_size"] = self.type_vocab_size.into();
            json["layer_norm_eps"] = self.layer_norm_eps.into();
            json["position_embedding_type"] = "absolute".into();
        }
        if self.family == EncoderFamily::Electra {
            json["embedding_size"] = self.embedding_width().into();
        }
        json
    }
}

/// A `config.json`, read.
struct ConfigFile(Value);

impl ConfigFile {
    /// The value of a key; `None` where it is missing or null.
    fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    fn number(&self, key: &str, default: Option<usize>) -> Result<usize, ConfigError> {
        match (self.get(key), default) {
            (Some(value), _) => {
                let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
                number.ok_or_else(|| mismatch(key, value, "a whole number"))
            }
            (None, Some(default)) => Ok(default),
            (None, None) => Err(ConfigError::Malformed(format!("`{key}` is missing"))),
        }
    }

    fn decimal(&self, key: &str, default: f64) -> Result<f64, ConfigError> {
        self.get(key).map_or(Ok(default), |value| value.as_f64().ok_or_else(|| mismatch(key, value, "a number")))
    }

    fn text<'a>(&'a self, key: &str, default: &'a str) -> Result<&'a str, ConfigError> {
        self.get(key).map_or(Ok(default), |value| value.as_str().ok_or_else(|| mismatch(key, value, "a string")))
    }
}

fn mismatch(key: &str, found: &impl Display, expected: &str) -> ConfigError {
    ConfigError::Malformed(format!("`{key}` is {found}, expected {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A configuration with the keys of BERT, and those of `other` in their place or beside them.
    fn parse(other: Value) -> Result<BertConfig, ConfigError> {
        let mut json = json!({
            "vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32,
            "max_position_embeddings": 20,
        });
        for (key, value) in other.as_object().unwrap() {
            json[key] = value.clone();
        }
        BertConfig::from_json(&json.to_string())
    }

    #[test]
    fn each_family_has_its_own_positions_and_widths() {
        let check = |other: Value, first: usize, longest: usize, segments: usize, width: usize| {
            let config = parse(other).unwrap();
            let found = (config.first_position(), config.max_length(), config.type_vocab_size, config.embedding_width());
            assert_eq!(found, (first, longest, segments, width), "{config:?}");
            let written = BertConfig::from_json(&config.to_json().to_string()).unwrap();
            assert_eq!(written, config, "read as written");
        };
        check(json!({}), 0, 20, 2, 16);
        check(json!({"model_type": "bert", "type_vocab_size": 1}), 0, 20, 1, 16);
        check(json!({"model_type": "roberta", "type_vocab_size": 1}), 2, 18, 1, 16);
        check(json!({"model_type": "xlm-roberta", "type_vocab_size": 1, "pad_token_id": 3}), 4, 16, 1, 16);
        check(json!({"model_type": "camembert", "type_vocab_size": 1, "layer_norm_eps": 1e-5}), 2, 18, 1, 16);
        check(json!({"model_type": "electra", "embedding_size": 8}), 0, 20, 2, 8);
        check(json!({"model_type": "electra", "embedding_size": 16}), 0, 20, 2, 16);
        let distilbert =
            json!({"model_type": "distilbert", "dim": 12, "n_layers": 3, "n_heads": 4, "hidden_dim": 24, "activation": "gelu"});
        check(distilbert, 0, 20, 0, 12);
    }

    #[test]
    fn what_is_not_computed_is_named() {
        let check = |other: Value, expected: &str| {
            let error = parse(other).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(json!({"hidden_act": "relu"}), "hidden_act is `relu`, expected `gelu`");
        check(json!({"position_embedding_type": "relative_key"}), "position_embedding_type is `relative_key`, expected `absolute`");
        check(json!({"num_attention_heads": 3}), "hidden_size 16 is not a multiple of num_attention_heads 3");
        check(json!({"vocab_size": "many"}), "`vocab_size` is \"many\", expected a whole number");
        check(json!({"model_type": "distilbert"}), "`dim` is missing");
        check(json!({"model_type": "roberta", "max_position_embeddings": 2}), "the first position is 2");
        check(json!({"model_type": "modernbert"}), "model_type is `modernbert`");
        assert!(BertConfig::from_json("[]").unwrap_err().to_string().contains("does not describe a BERT"));
    }
}
