//! Dropout as a function of a seed and a position, so that no mask is stored and every backend drops the same elements.

/// Dropout of one tensor: which elements are dropped depends on the seed and their positions alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    /// Probability that an element is dropped, in [0, 1).
    pub rate: f32,
    /// Differs for every tensor and step.
    pub seed: u64,
}

/// Hands out the seed of each dropout of a training step, or none at all in evaluation.
#[derive(Debug, Clone)]
pub struct DropoutSeeds {
    rate: f32,
    seed: u64,
}

impl DropoutSeeds {
    /// No dropout, for evaluation.
    pub fn off() -> Self {
        Self { rate: 0.0, seed: 0 }
    }

    /// Dropout at `rate` in the training step whose seed is given.
    pub fn seeded(rate: f32, seed: u64) -> Self {
        Self { rate, seed }
    }

    /// Dropout of the next tensor; `None` at rate 0.
    pub fn draw(&mut self) -> Option<Dropout> {
        // Adding the golden ratio's odd multiple visits all 2^64 seeds before one comes again.
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        (self.rate > 0.0).then_some(Dropout { rate: self.rate, seed: self.seed })
    }
}

/// The mask of a [`Dropout`], computed element by element: 0 for a dropped element, `1 / (1 - rate)` for a kept one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DropoutMask {
    /// Lower half of the seed.
    pub low: u32,
    /// Upper half of the seed.
    pub high: u32,
    /// Elements whose hash is below are dropped.
    pub threshold: u32,
    /// Factor of kept elements.
    pub scale: f32,
}

impl DropoutMask {
    /// The mask of a dropout; without one, every factor is 1.
    pub fn new(dropout: Option<Dropout>) -> Self {
        let Dropout { rate, seed } = dropout.unwrap_or(Dropout { rate: 0.0, seed: 0 });
        let threshold = (f64::from(rate) * 4_294_967_296.0) as u32;
        Self { low: seed as u32, high: (seed >> 32) as u32, threshold, scale: 1.0 / (1.0 - rate) }
    }

    /// The factor of the element at this position of the tensor, in row-major order. The GPU's kernels compute the same.
    #[inline(always)]
    pub fn factor(self, index: usize) -> f32 {
        // MurmurHash3's finalizer (Appleby 2011) of the position, keyed by the seed. One hash costs less than reading a stored mask.
        let mut hash = (index as u32 ^ self.high).wrapping_mul(0x9E37_79B1).wrapping_add(self.low);
        hash = (hash ^ (hash >> 16)).wrapping_mul(0x85EB_CA6B);
        hash = (hash ^ (hash >> 13)).wrapping_mul(0xC2B2_AE35);
        hash ^= hash >> 16;
        if hash >= self.threshold { self.scale } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_drops_at_its_rate_and_keeps_the_mean() {
        let factors = |seed| {
            let mask = DropoutMask::new(Some(Dropout { rate: 0.1, seed }));
            (0..200_000).map(|at| mask.factor(at)).collect::<Vec<f32>>()
        };
        let mask = factors(7);
        let count = mask.len() as f32;
        let dropped = mask.iter().filter(|&&factor| factor == 0.0).count() as f32 / count;
        assert!((dropped - 0.1).abs() < 0.005, "{dropped} of the elements are dropped");
        assert!((mask.iter().sum::<f32>() / count - 1.0).abs() < 0.005);
        assert_eq!(mask, factors(7));
        assert_ne!(mask, factors(8));
        // Neighbours are dropped independently of each other.
        let both = mask.windows(2).filter(|pair| pair == &[0.0, 0.0]).count() as f32 / count;
        assert!((both - 0.01).abs() < 0.002, "{both} of the elements are dropped with their neighbour");
    }

    #[test]
    fn without_dropout_every_factor_is_one() {
        let mask = DropoutMask::new(None);
        assert!((0..1000).all(|at| mask.factor(at) == 1.0));
        assert_eq!(DropoutSeeds::off().draw(), None);
    }

    #[test]
    fn each_tensor_of_a_step_gets_a_seed_of_its_own() {
        let mut seeds = DropoutSeeds::seeded(0.1, 5);
        let (first, second) = (seeds.draw().unwrap(), seeds.draw().unwrap());
        assert_ne!(first.seed, second.seed);
        assert_eq!(DropoutSeeds::seeded(0.1, 5).draw(), Some(first));
    }
}
