//! t-SNE (van der Maaten and Hinton, JMLR 2008): lays vectors out in a plane so that similar ones lie together. Deterministic.

use bhtsne::tSNE;

/// Effective number of neighbours of a point.
const PERPLEXITY: f32 = 30.0;

/// Accuracy of the Barnes-Hut approximation; 0 is exact.
const THETA: f32 = 0.5;

/// Fewer vectors make no useful map.
const MIN_VECTORS: usize = 10;

/// A point in the plane for each vector; `None` for fewer than ten vectors or vectors of width 1. All vectors have the same width.
pub fn tsne(vectors: &[&[f32]]) -> Option<Vec<[f32; 2]>> {
    if vectors.len() < MIN_VECTORS || vectors[0].len() < 2 {
        return None;
    }
    // The vectors are principal components: the first two are a deterministic initial layout, in which distant vectors lie apart.
    let initial: Vec<f32> = vectors.iter().flat_map(|vector| [vector[0] * 1e-2, vector[1] * 1e-2]).collect();
    let distance = |a: &&[f32], b: &&[f32]| a.iter().zip(*b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt();
    let perplexity = PERPLEXITY.min((vectors.len() - 1) as f32 / 3.0 - 1.0).max(1.0);
    let compute = || {
        let mut layout: tSNE<'_, f32, &[f32]> = tSNE::new(vectors);
        layout.perplexity(perplexity).initial_embedding(initial).barnes_hut(THETA, distance).embedding()
    };
    // On one thread: several would add up in any order, and the layout would differ a little from one call to the next.
    let points = match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(pool) => pool.install(compute),
        Err(_) => compute(),
    };
    Some(points.chunks_exact(2).map(|point| [point[0], point[1]]).collect())
}
