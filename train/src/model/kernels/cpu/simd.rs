//! What the loops of this folder are made of: vectors, exponentials, dropout.
//!
//! Results depend neither on the number of threads nor on the width of the processor's vectors: sums run over a fixed number of
//! lanes, and no multiplication is fused with an addition.

use super::Dropout;

/// Lanes of a sum: two registers of the widest vectors in use.
pub const LANES: usize = 32;

/// Defines functions that are compiled for the widest vectors which the processor has, whatever the build is for. Their bodies
/// must be part of one that says so: a closure handed over may stay a function of its own, of narrow vectors and several times as slow.
macro_rules! vectorised {
    ($($(#[$meta:meta])* $vis:vis fn $name:ident<$life:lifetime>($($arg:ident: $type:ty),* $(,)?) $body:block)*) => {$(
        $(#[$meta])*
        $vis fn $name<$life>($($arg: $type),*) {
            struct Loop<$life> {
                $($arg: $type,)*
                life: std::marker::PhantomData<&$life ()>,
            }
            impl<$life> pulp::WithSimd for Loop<$life> {
                type Output = ();
                #[inline(always)]
                fn with_simd<S: pulp::Simd>(self, _: S) {
                    let Self { $($arg,)* .. } = self;
                    $body
                }
            }
            pulp::Arch::new().dispatch(Loop { $($arg,)* life: std::marker::PhantomData });
        }
    )*};
}
pub(super) use vectorised;

/// `e^x` within 2 ulp, for any `x`; 0 below -87, as softmax wants it.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // Cephes' expf: 2^n times a polynomial on ±ln(2)/2. Adding and subtracting 1.5 · 2^23 rounds to the nearest integer.
    const ROUND: f32 = 12_582_912.0;
    let clamped = x.clamp(-87.0, 88.0);
    let rounded = clamped * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = clamped - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let mut poly = 1.987_569_1e-4;
    for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        poly = poly * r + coefficient;
    }
    // The lowest bits of the sum are n: no conversion is needed.
    let power = f32::from_bits((rounded.to_bits() << 23).wrapping_add(127 << 23));
    let value = (poly * r * r + r + 1.0) * power;
    if x < -87.0 { 0.0 } else { value }
}

/// `Φ(x)`, the normal distribution's integral, within 2e-7, and its density `φ(x)`.
#[inline(always)]
pub fn normal(x: f32) -> (f32, f32) {
    // Abramowitz and Stegun 7.1.26; its exponential is the density's.
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let bell = exp(-0.5 * x * x);
    let poly = ((((1.061_405_4 * t - 1.453_152_1) * t + 1.421_413_8) * t - 0.284_496_72) * t + 0.254_829_6) * t;
    let tail = 0.5 * poly * bell;
    let phi = if x < 0.0 { tail } else { 1.0 - tail };
    (phi, bell * 0.398_942_3)
}

/// The factor of each element of a tensor under dropout: 0 or `1 / (1 - rate)`.
#[derive(Clone, Copy)]
pub struct Keep {
    /// The seed's lower half.
    pub low: u32,
    /// Its upper half.
    pub high: u32,
    /// Hashes below it fall out.
    pub threshold: u32,
    /// What the others are multiplied by.
    pub scale: f32,
}

impl Keep {
    /// No dropout keeps all.
    pub fn new(dropout: Option<Dropout>) -> Self {
        let Dropout { rate, seed } = dropout.unwrap_or(Dropout { rate: 0.0, seed: 0 });
        let threshold = (f64::from(rate) * 4_294_967_296.0) as u32;
        Self { low: seed as u32, high: (seed >> 32) as u32, threshold, scale: 1.0 / (1.0 - rate) }
    }

    /// The factor of the element at this position of the tensor.
    #[inline(always)]
    pub fn factor(self, index: usize) -> f32 {
        // MurmurHash3's finalizer of the position, keyed by the seed. One hash costs less than storing a mask.
        let mut hash = (index as u32 ^ self.high).wrapping_mul(0x9E37_79B1).wrapping_add(self.low);
        hash = (hash ^ (hash >> 16)).wrapping_mul(0x85EB_CA6B);
        hash = (hash ^ (hash >> 13)).wrapping_mul(0xC2B2_AE35);
        hash ^= hash >> 16;
        if hash >= self.threshold { self.scale } else { 0.0 }
    }
}

/// Sum of the terms of these numbers, in a fixed order.
#[inline(always)]
pub fn sum_of(length: usize, term: impl Fn(usize) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let whole = length / LANES * LANES;
    for start in (0..whole).step_by(LANES) {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += term(start + lane);
        }
    }
    let mut total = 0.0;
    for sum in lanes {
        total += sum;
    }
    for at in whole..length {
        total += term(at);
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_and_normal_integral_are_close() {
        for step in -2000..=2000 {
            let x = step as f32 * 0.04;
            let (got, expected) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((got - expected).abs() <= 3e-7 * expected, "exp({x}) = {got}, expected {expected}");
        }
        assert_eq!((exp(f32::MIN), exp(-1e9), exp(0.0)), (0.0, 0.0, 1.0));
        for (x, expected) in [(0.0, 0.5), (1.0, 0.841_344_7), (-1.0, 0.158_655_25), (2.5, 0.993_790_3), (-9.0, 0.0)] {
            assert!((normal(x).0 - expected).abs() < 3e-7, "Φ({x}) = {}", normal(x).0);
        }
    }
}
