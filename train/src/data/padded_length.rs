//! The lengths that sequences of a batch are padded to.

/// How the padded length of a batch follows from its longest sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaddingRule {
    /// The longest sequence's own length.
    Longest,
    /// The next multiple of 16 (to 64), 32 (to 256) or 64 (beyond). A GPU compiles and tunes its kernels for every shape it
    /// meets, so that few lengths are worth some padding.
    FewLengths,
}

impl PaddingRule {
    /// Length of a batch whose longest sequence has `longest` word pieces.
    pub fn padded(self, longest: usize) -> usize {
        let multiple = match (self, longest) {
            (Self::Longest, _) => 1,
            (Self::FewLengths, 0..=64) => 16,
            (Self::FewLengths, 65..=256) => 32,
            (Self::FewLengths, _) => 64,
        };
        longest.next_multiple_of(multiple)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn few_lengths_leaves_few_lengths() {
        let lengths: BTreeSet<usize> = (1..=512).map(|length| PaddingRule::FewLengths.padded(length)).collect();
        assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [16, 32, 48, 64, 96, 128, 160, 192, 224, 256, 320, 384, 448, 512]);
        assert_eq!(PaddingRule::Longest.padded(37), 37);
    }
}
