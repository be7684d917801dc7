//! The kernels themselves. A cube is what CUDA calls a block, a unit a thread, a plane a warp.
//!
//! `F` is f32 or the half type that products are computed in; all arithmetic is f32. Arrays are matrices in row-major order.

use cubecl::prelude::*;

/// The factor of an element under dropout: as `vector::Keep` has it, so that a CPU and a GPU drop the same.
#[cube]
fn keep_factor(index: usize, low: u32, high: u32, threshold: u32, scale: f32) -> f32 {
    let mut hash = (u32::cast_from(index) ^ high) * 0x9E37_79B1u32 + low;
    hash = (hash ^ (hash >> 16u32)) * 0x85EB_CA6Bu32;
    hash = (hash ^ (hash >> 13u32)) * 0xC2B2_AE35u32;
    hash = hash ^ (hash >> 16u32);
    select(hash >= threshold, scale, 0.0f32)
}

/// Sum of all units' values. Each unit of the cube must come here.
#[cube]
fn cube_sum(value: f32) -> f32 {
    let mut of_planes = SharedMemory::<f32>::new(128usize);
    let of_plane = plane_sum(value);
    if UNIT_POS_PLANE == 0 {
        of_planes[(UNIT_POS / PLANE_DIM) as usize] = of_plane;
    }
    sync_cube();
    let mut sum = 0.0f32;
    for plane in 0..CUBE_DIM / PLANE_DIM {
        sum += of_planes[plane as usize];
    }
    sync_cube();
    sum
}

/// Largest of all units' values. Each unit of the cube must come here.
#[cube]
fn cube_max(value: f32) -> f32 {
    let mut of_planes = SharedMemory::<f32>::new(128usize);
    let of_plane = plane_max(value);
    if UNIT_POS_PLANE == 0 {
        of_planes[(UNIT_POS / PLANE_DIM) as usize] = of_plane;
    }
    sync_cube();
    let mut largest = of_planes[0];
    for plane in 1..CUBE_DIM / PLANE_DIM {
        largest = max(largest, of_planes[plane as usize]);
    }
    sync_cube();
    largest
}

/// `Φ(x)`, the normal distribution's integral.
#[cube]
fn normal_integral(x: f32) -> f32 {
    0.5f32 * (1.0f32 + (x * 0.707_106_77f32).erf())
}

/// Adds the same row to each row, in place.
#[cube(launch)]
pub fn add_row<F: Float>(x: &mut Array<F>, row: &Array<f32>, #[define(F)] _dtype: StorageType) {
    if ABSOLUTE_POS < x.len() {
        let sum = f32::cast_from(x[ABSOLUTE_POS]) + row[ABSOLUTE_POS % row.len()];
        x[ABSOLUTE_POS] = F::cast_from(sum);
    }
}

/// `x Φ(x)`.
#[cube(launch)]
pub fn gelu<F: Float>(x: &Array<F>, out: &mut Array<F>, #[define(F)] _dtype: StorageType) {
    if ABSOLUTE_POS < x.len() {
        let value = f32::cast_from(x[ABSOLUTE_POS]);
        out[ABSOLUTE_POS] = F::cast_from(value * normal_integral(value));
    }
}

/// Gradient of `x Φ(x)`.
#[cube(launch)]
pub fn gelu_backward<F: Float>(x: &Array<F>, gradient: &Array<F>, out: &mut Array<F>, #[define(F)] _dtype: StorageType) {
    if ABSOLUTE_POS < x.len() {
        let value = f32::cast_from(x[ABSOLUTE_POS]);
        let density = (-0.5f32 * value * value).exp() * 0.398_942_3f32;
        let slope = normal_integral(value) + value * density;
        out[ABSOLUTE_POS] = F::cast_from(f32::cast_from(gradient[ABSOLUTE_POS]) * slope);
    }
}

/// Dropout; forward and backward are the same.
#[cube(launch)]
pub fn dropout<F: Float>(
    x: &Array<F>,
    out: &mut Array<F>,
    low: u32,
    high: u32,
    threshold: u32,
    scale: f32,
    #[define(F)] _dtype: StorageType,
) {
    if ABSOLUTE_POS < x.len() {
        let factor = keep_factor(ABSOLUTE_POS, low, high, threshold, scale);
        out[ABSOLUTE_POS] = F::cast_from(f32::cast_from(x[ABSOLUTE_POS]) * factor);
    }
}

/// `LayerNorm(dropout(x) + residual)`: a cube a row. Gives the normalised rows and one over their deviations too.
#[cube(launch)]
pub fn add_norm<F: Float>(
    x: &Array<F>,
    residual: &Array<f32>,
    weight: &Array<f32>,
    bias: &Array<f32>,
    out: &mut Array<f32>,
    normal: &mut Array<f32>,
    rstd: &mut Array<f32>,
    eps: f32,
    low: u32,
    high: u32,
    threshold: u32,
    scale: f32,
    #[comptime] per_unit: usize,
    #[define(F)] _dtype: StorageType,
) {
    let width = weight.len();
    let row = CUBE_POS;
    if row >= rstd.len() {
        terminate!();
    }
    let first = row * width;
    let mut values = Array::<f32>::new(per_unit);
    let mut sum = 0.0f32;
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        values[part] = 0.0f32;
        if column < width {
            let at = first + column;
            values[part] = f32::cast_from(x[at]) * keep_factor(at, low, high, threshold, scale) + residual[at];
        }
        sum += values[part];
    }
    let mean = cube_sum(sum) / f32::cast_from(width);
    let mut squares = 0.0f32;
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        if column < width {
            values[part] = values[part] - mean;
            squares += values[part] * values[part];
        }
    }
    let variance = cube_sum(squares) / f32::cast_from(width);
    let inverse = 1.0f32 / (variance + eps).sqrt();
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        if column < width {
            let value = values[part] * inverse;
            normal[first + column] = value;
            out[first + column] = value * weight[column] + bias[column];
        }
    }
    if UNIT_POS == 0 {
        rstd[row] = inverse;
    }
}

/// Gradients of `add_norm`'s inputs from that of its result: a cube a row.
#[cube(launch)]
pub fn add_norm_backward<F: Float>(
    gradient: &Array<f32>,
    normal: &Array<f32>,
    rstd: &Array<f32>,
    weight: &Array<f32>,
    of_x: &mut Array<F>,
    of_residual: &mut Array<f32>,
    low: u32,
    high: u32,
    threshold: u32,
    scale: f32,
    #[comptime] per_unit: usize,
    #[define(F)] _dtype: StorageType,
) {
    let width = weight.len();
    let row = CUBE_POS;
    if row >= rstd.len() {
        terminate!();
    }
    let first = row * width;
    let mut slopes = Array::<f32>::new(per_unit);
    let mut sum = 0.0f32;
    let mut product = 0.0f32;
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        slopes[part] = 0.0f32;
        if column < width {
            slopes[part] = gradient[first + column] * weight[column];
            product += slopes[part] * normal[first + column];
        }
        sum += slopes[part];
    }
    let mean = cube_sum(sum) / f32::cast_from(width);
    let slope = cube_sum(product) / f32::cast_from(width);
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        if column < width {
            let at = first + column;
            let value = rstd[row] * (slopes[part] - mean - normal[at] * slope);
            of_residual[at] = value;
            of_x[at] = F::cast_from(value * keep_factor(at, low, high, threshold, scale));
        }
    }
}

/// Softmax of attention scores over each sequence's real tokens, and the same after dropout: a cube a row.
#[cube(launch)]
pub fn attention_weights<F: Float>(
    scores: &Array<F>,
    lengths: &Array<i32>,
    softmax: &mut Array<F>,
    dropped: &mut Array<F>,
    length: usize,
    rows_of_sequence: usize,
    of_scores: f32,
    low: u32,
    high: u32,
    threshold: u32,
    scale: f32,
    #[comptime] per_unit: usize,
    #[comptime] drops: bool,
    #[define(F)] _dtype: StorageType,
) {
    let row = CUBE_POS;
    let sequence = row / rows_of_sequence;
    if sequence >= lengths.len() {
        terminate!();
    }
    let real = usize::cast_from(lengths[sequence]);
    let first = row * length;
    let mut values = Array::<f32>::new(per_unit);
    let mut top = f32::min_value();
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        values[part] = f32::min_value();
        if column < real {
            values[part] = f32::cast_from(scores[first + column]) * of_scores;
        }
        top = max(top, values[part]);
    }
    let top = cube_max(top);
    let mut sum = 0.0f32;
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        if column < real {
            values[part] = (values[part] - top).exp();
            sum += values[part];
        }
    }
    let inverse = 1.0f32 / cube_sum(sum);
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        if column < length {
            let at = first + column;
            let mut value = 0.0f32;
            if column < real {
                value = values[part] * inverse;
            }
            softmax[at] = F::cast_from(value);
            if comptime!(drops) {
                dropped[at] = F::cast_from(value * keep_factor(at, low, high, threshold, scale));
            }
        }
    }
}

/// Gradient of attention scores from that of their weights: a cube a row.
#[cube(launch)]
pub fn attention_weights_backward<F: Float>(
    softmax: &Array<F>,
    gradient: &Array<F>,
    out: &mut Array<F>,
    length: usize,
    of_scores: f32,
    low: u32,
    high: u32,
    threshold: u32,
    scale: f32,
    #[comptime] per_unit: usize,
    #[define(F)] _dtype: StorageType,
) {
    let first = CUBE_POS * length;
    if first >= softmax.len() {
        terminate!();
    }
    let mut values = Array::<f32>::new(per_unit);
    let mut product = 0.0f32;
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        values[part] = 0.0f32;
        if column < length {
            let at = first + column;
            values[part] = f32::cast_from(gradient[at]) * keep_factor(at, low, high, threshold, scale);
            product += values[part] * f32::cast_from(softmax[at]);
        }
    }
    let mean = cube_sum(product);
    #[unroll]
    for part in 0..per_unit {
        let column = part * CUBE_DIM as usize + UNIT_POS as usize;
        if column < length {
            let at = first + column;
            out[at] = F::cast_from(of_scores * f32::cast_from(softmax[at]) * (values[part] - mean));
        }
    }
}

/// Column sums of `x` over each of some chunks of rows, and with `products` of `x · y` before them: a unit a column.
#[cube(launch)]
pub fn column_sums<F: Float>(
    x: &Array<F>,
    y: &Array<f32>,
    partial: &mut Array<f32>,
    width: usize,
    chunk: usize,
    #[comptime] products: bool,
    #[define(F)] _dtype: StorageType,
) {
    let column = CUBE_POS_X as usize * CUBE_DIM as usize + UNIT_POS as usize;
    if column < width {
        let rows = x.len() / width;
        let first = CUBE_POS_Y as usize * chunk;
        let end = min(first + chunk, rows);
        let mut sum = 0.0f32;
        let mut product = 0.0f32;
        for row in first..end {
            let value = f32::cast_from(x[row * width + column]);
            sum += value;
            if comptime!(products) {
                product += value * y[row * width + column];
            }
        }
        let at = CUBE_POS_Y as usize * width + column;
        if comptime!(products) {
            let half = partial.len() / 2;
            partial[at] = product;
            partial[half + at] = sum;
        } else {
            partial[at] = sum;
        }
    }
}

/// Adds up the chunks of [`column_sums`], in their order: a unit a column.
#[cube(launch)]
pub fn fold_chunks(partial: &Array<f32>, out: &mut Array<f32>, offset: usize, chunks: usize) {
    if ABSOLUTE_POS < out.len() {
        let mut sum = 0.0f32;
        for chunk in 0..chunks {
            sum += partial[offset + chunk * out.len() + ABSOLUTE_POS];
        }
        out[ABSOLUTE_POS] = sum;
    }
}

/// Sums of squares of a tensor, one for each cube, from `offset` on.
#[cube(launch)]
pub fn square_sums(x: &Array<f32>, out: &mut Array<f32>, offset: usize) {
    let mut sum = 0.0f32;
    let stride = CUBE_COUNT * CUBE_DIM as usize;
    let rounds = (x.len() + stride - 1) / stride;
    for round in 0..rounds {
        let at = round * stride + ABSOLUTE_POS;
        if at < x.len() {
            sum += x[at] * x[at];
        }
    }
    let sum = cube_sum(sum);
    if UNIT_POS == 0 {
        out[offset + CUBE_POS] = sum;
    }
}

/// One AdamW update in place; `scale` holds the factor of the gradient.
#[cube(launch)]
pub fn adamw(
    param: &mut Array<f32>,
    mean: &mut Array<f32>,
    square: &mut Array<f32>,
    gradient: &Array<f32>,
    scale: &Array<f32>,
    beta1: f32,
    beta2: f32,
    eps: f32,
    rate: f32,
    root: f32,
    shrink: f32,
) {
    if ABSOLUTE_POS < param.len() {
        let gradient = gradient[ABSOLUTE_POS] * scale[0];
        let new_mean = mean[ABSOLUTE_POS] * beta1 + gradient * (1.0f32 - beta1);
        let new_square = square[ABSOLUTE_POS] * beta2 + gradient * gradient * (1.0f32 - beta2);
        mean[ABSOLUTE_POS] = new_mean;
        square[ABSOLUTE_POS] = new_square;
        param[ABSOLUTE_POS] = param[ABSOLUTE_POS] * shrink - rate * new_mean / (new_square.sqrt() * root + eps);
    }
}

/// Gradient of a table from those of the tokens that looked up its rows: a cube for each row and each block of columns. Units along
/// y share out the row's tokens, in a fixed way, so the sum is the same each time.
#[cube(launch)]
pub fn embed_backward(
    gradient: &Array<f32>,
    rows: &Array<i32>,
    starts: &Array<i32>,
    tokens: &Array<i32>,
    out: &mut Array<f32>,
    width: usize,
) {
    let mut parts = SharedMemory::<f32>::new(256usize);
    let column = CUBE_POS_Y as usize * CUBE_DIM_X as usize + UNIT_POS_X as usize;
    let row = CUBE_POS_X as usize;
    let start = usize::cast_from(starts[row]);
    let end = usize::cast_from(starts[row + 1]);
    let mut sum = 0.0f32;
    if column < width {
        for at in range_stepped(start + UNIT_POS_Y as usize, end, CUBE_DIM_Y as usize) {
            sum += gradient[usize::cast_from(tokens[at]) * width + column];
        }
    }
    parts[UNIT_POS as usize] = sum;
    sync_cube();
    if UNIT_POS_Y == 0 && column < width {
        let mut total = 0.0f32;
        for part in 0..CUBE_DIM_Y {
            total += parts[(part * CUBE_DIM_X + UNIT_POS_X) as usize];
        }
        let first = usize::cast_from(rows[row]) * width;
        out[first + column] = total;
    }
}

/// The nearest mean of each point, the first of equal ones, and the square of its distance: a unit a point.
#[cube(launch)]
pub fn assign(points: &Array<f32>, centroids: &Array<f32>, of: &mut Array<i32>, squares: &mut Array<f32>, #[comptime] width: usize) {
    if ABSOLUTE_POS < of.len() {
        let mut point = Array::<f32>::new(width);
        for at in 0..width {
            point[at] = points[ABSOLUTE_POS * width + at];
        }
        let mut best = 0i32;
        let mut least = f32::max_value();
        for centroid in 0..centroids.len() / width {
            let mut square = 0.0f32;
            #[unroll]
            for at in 0..width {
                let apart = point[at] - centroids[centroid * width + at];
                square += apart * apart;
            }
            if square < least {
                least = square;
                best = i32::cast_from(centroid);
            }
        }
        of[ABSOLUTE_POS] = best;
        squares[ABSOLUTE_POS] = least;
    }
}

/// Sums of the points of each cluster within a chunk of them: a cube a chunk, a unit a column.
#[cube(launch)]
pub fn cluster_sums(points: &Array<f32>, of: &Array<i32>, sums: &mut Array<f32>, width: usize, clusters: usize, chunk: usize) {
    let column = UNIT_POS as usize;
    if column < width {
        let first = CUBE_POS * chunk;
        let end = min(first + chunk, of.len());
        for point in first..end {
            let at = (CUBE_POS * clusters + usize::cast_from(of[point])) * width + column;
            sums[at] += points[point * width + column];
        }
    }
}
