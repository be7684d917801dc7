//! What a check of matrix products found.

/// Matrix products that were computed by each routine that a backend may choose for them.
#[derive(Debug, Default)]
pub struct ProductChecks {
    /// How many were computed right.
    pub right: usize,
    /// How many a routine cannot compute on this device.
    pub refused: usize,
    /// Those that were computed wrong: routine, product and distance.
    pub wrong: Vec<String>,
}
