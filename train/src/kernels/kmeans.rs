//! The assignment step of k-means, which a device may take over.

/// The nearest centroid of a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assignment {
    /// Number of the centroid; the lowest of equally near ones.
    pub cluster: u32,
    /// Square of the distance from it.
    pub squared_distance: f32,
}

/// Points of one width, wherever they are stored, with the two operations of Lloyd's iteration that read all of them.
pub trait AssignmentBackend {
    /// The nearest centroid of each point.
    ///
    /// `centroids` are vectors of the points' width, one after the other.
    fn assign(&self, centroids: &[f32]) -> Vec<Assignment>;

    /// The sum of the points of each cluster, one vector after the other.
    fn cluster_sums(&self, assignments: &[Assignment], clusters: usize) -> Vec<f64>;
}
