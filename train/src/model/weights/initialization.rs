//! Random weights, as BERT starts pre-training.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Bias of the output of a new span head. Hardly one pair of word pieces in a hundred is an answer; without this bias, learning that from
/// the data would disturb the encoder.
const RARE_SPAN_BIAS: f32 = -4.6;

/// Random weights by name: biases are 0, weights of LayerNorm 1, all others drawn from N(0, deviation²). The weights of a name depend on
/// the name and the seed alone.
pub(super) struct RandomWeights {
    deviation: f64,
    seed: u64,
}

impl RandomWeights {
    /// Random weights of this deviation.
    pub(super) fn new(deviation: f64, seed: u64) -> Self {
        Self { deviation, seed }
    }

    /// The weights of a parameter, in row-major order.
    pub(super) fn values(&self, name: &str, shape: &[usize]) -> Vec<f32> {
        let count = shape.iter().product();
        if name.ends_with("LayerNorm.weight") {
            return vec![1.0; count];
        }
        if name == "span_embedding.classifier2.bias" {
            return vec![RARE_SPAN_BIAS; count];
        }
        if name.ends_with(".bias") {
            return vec![0.0; count];
        }
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        // Each tensor draws from a stream of its own: the FNV-1a hash of its name.
        rng.set_stream(name.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)));
        // The Box-Muller transform, of which one of both numbers is used.
        let normal = |rng: &mut ChaCha8Rng| {
            let (radius, angle): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
            (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
        };
        (0..count).map(|_| (normal(&mut rng) * self.deviation) as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_depend_on_name_and_seed_alone() {
        let weights = |seed, name| RandomWeights::new(0.02, seed).values(name, &[100, 100]);
        let first = weights(1, "start_outputs.weight");
        assert_eq!(first, weights(1, "start_outputs.weight"));
        assert_ne!(first, weights(1, "end_outputs.weight"));
        assert_ne!(first, weights(2, "start_outputs.weight"));
        let deviation = (first.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / 1e4).sqrt();
        assert!((deviation - 0.02).abs() < 0.001, "{deviation}");
    }

    #[test]
    fn biases_and_layer_norm_are_constant() {
        let weights = RandomWeights::new(0.02, 1);
        assert_eq!(weights.values("start_outputs.bias", &[2]), [0.0, 0.0]);
        assert_eq!(weights.values("bert.embeddings.LayerNorm.weight", &[2]), [1.0, 1.0]);
        assert_eq!(weights.values("span_embedding.classifier2.bias", &[1]), [RARE_SPAN_BIAS]);
    }
}
