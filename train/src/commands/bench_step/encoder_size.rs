//! The encoders that are timed.

use crate::config::BenchModel;
use crate::model::BertConfig;

/// The configuration of an encoder of this size.
pub fn bert_config(model: BenchModel, vocab_size: usize) -> BertConfig {
    let (hidden_size, num_hidden_layers) = if model == BenchModel::Base { (768, 12) } else { (384, 6) };
    let intermediate_size = 4 * hidden_size;
    BertConfig { hidden_size, num_hidden_layers, num_attention_heads: 12, intermediate_size, ..BertConfig::tiny(vocab_size) }
}

/// Number of the encoder's parameters without the embeddings.
pub fn layer_parameters(config: &BertConfig) -> f64 {
    let (hidden, inner) = (config.hidden_size, config.intermediate_size);
    (config.num_hidden_layers * (4 * hidden * (hidden + 1) + 2 * hidden * inner + inner + hidden + 4 * hidden)) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bert_base_has_85_million_parameters_in_its_layers() {
        assert_eq!(layer_parameters(&bert_config(BenchModel::Base, 30_522)), 85_054_464.0);
    }
}
