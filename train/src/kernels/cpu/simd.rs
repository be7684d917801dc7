//! Building blocks of vectorised loops: dispatch by the processor's vector width, the exponential, the normal distribution, sums.
//!
//! Results do not depend on the width of the processor's vectors: sums run over a fixed number of lanes, and no multiplication is fused
//! with an addition.

/// Partial sums of a sum: two registers of the widest vectors in use.
pub const LANES: usize = 32;

/// Defines functions that are compiled for every vector width and dispatched at run time to the widest that the processor has.
///
/// This is a macro and no function that takes a closure: a closure may be compiled as a function of its own, for the narrow vectors of
/// the build's target, and be several times as slow.
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

/// `e^x`, with a relative error below 3e-7; 0 for `x` below -87, and `e^88` for `x` above 88.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // As in Cephes' expf (Moshier): 2^n times a polynomial on ±ln(2)/2. Adding and subtracting 1.5 · 2^23 rounds to the nearest integer.
    const ROUND: f32 = 12_582_912.0;
    let clamped = x.clamp(-87.0, 88.0);
    let rounded = clamped * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = clamped - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let mut poly = 1.987_569_1e-4;
    for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        poly = poly * r + coefficient;
    }
    // The lowest bits of the rounded sum are n, so that no conversion is needed.
    let power = f32::from_bits((rounded.to_bits() << 23).wrapping_add(127 << 23));
    let value = (poly * r * r + r + 1.0) * power;
    if x < -87.0 { 0.0 } else { value }
}

/// The cumulative distribution `Φ(x)` of the standard normal distribution, with an absolute error below 3e-7, and its density `φ(x)`.
#[inline(always)]
pub fn normal(x: f32) -> (f32, f32) {
    // Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26; the exponential in it is that of the density.
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let bell = exp(-0.5 * x * x);
    let poly = ((((1.061_405_4 * t - 1.453_152_1) * t + 1.421_413_8) * t - 0.284_496_72) * t + 0.254_829_6) * t;
    let tail = 0.5 * poly * bell;
    let phi = if x < 0.0 { tail } else { 1.0 - tail };
    (phi, bell * 0.398_942_3)
}

/// The sum of `term(0)` to `term(length - 1)`, in a fixed order: [`LANES`] partial sums, then the rest.
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
    fn exponential_and_normal_distribution_are_within_their_bounds() {
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
