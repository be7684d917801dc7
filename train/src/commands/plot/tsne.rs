//! Vectors laid out in a plane (t-SNE, van der Maaten and Hinton 2008), the same each time.

use bhtsne::tSNE;

/// AssignmentBackend that a point minds, about.
const PERPLEXITY: f32 = 30.0;

/// How roughly far points are taken together (Barnes and Hut).
const THETA: f32 = 0.5;

/// Vectors that make no map worth looking at.
const TOO_FEW: usize = 10;

/// A place in the plane for each vector, or nothing if they are too few. All are of one width, two or more.
pub fn tsne(vectors: &[&[f32]]) -> Option<Vec<[f32; 2]>> {
    if vectors.len() < TOO_FEW || vectors[0].len() < 2 {
        return None;
    }
    // The first two principal components: seeded by the data rather than by chance, and what is far apart begins so.
    let start: Vec<f32> = vectors.iter().flat_map(|vector| [vector[0] * 1e-2, vector[1] * 1e-2]).collect();
    let distance = |a: &&[f32], b: &&[f32]| a.iter().zip(*b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt();
    let perplexity = PERPLEXITY.min((vectors.len() - 1) as f32 / 3.0 - 1.0).max(1.0);
    let place = || {
        let mut layout: tSNE<'_, f32, &[f32]> = tSNE::new(vectors);
        layout.perplexity(perplexity).initial_embedding(start).barnes_hut(THETA, distance).embedding()
    };
    // Several threads add up in an order of their own, and the picture would move by a pixel from one time to the next.
    let places = match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(alone) => alone.install(place),
        Err(_) => place(),
    };
    Some(places.chunks_exact(2).map(|place| [place[0], place[1]]).collect())
}
