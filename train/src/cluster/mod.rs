//! Clusters of vectors: the pseudo-labels of stage 3.
//!
//! | module | what it does |
//! |---|---|
//! | [`points`] | vectors of one width, and a partition of them into clusters |
//! | [`pca`], [`device_pca`] | principal components: fewer dimensions, of variance 1; on the host and on a device |
//! | [`kmeans`] | k-means by Lloyd's iterations |
//! | [`power_iteration`] | power iteration clustering on a graph of nearest neighbours |
//! | [`partition`] | the clusters of a sample, to which other points are assigned |
//! | [`matching`] | renumbers clusters to overlap most with those of the epoch before (Hungarian assignment) |
//! | [`cluster_weights`] | weights of clusters by the inverse of their variance |
//! | [`cluster_file`] | clusters in a Parquet file, for people to read |
//!
//! Only [`device_pca`] knows tensors, and nothing here knows the model. Vectors are f32; sums over many vectors are f64 and counts are
//! integers, so that ten million vectors are clustered as exactly as a hundred. Results do not depend on the number of threads.

pub mod cluster_file;
pub mod cluster_weights;
pub mod device_pca;
pub mod kmeans;
pub mod matching;
pub mod partition;
pub mod pca;
pub mod points;
pub mod power_iteration;

pub use cluster_weights::ClusterSpread;
pub use partition::Partition;
pub use points::{Clusters, Points};
