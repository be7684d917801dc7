//! Which routine of `cubek-matmul` computes a matrix product: the fastest, by trial, of those that compute it right.
//!
//! Burn lets all routines compete. In `cubek-matmul` 0.2.0, those that read two stages of the inner dimension at a time add one stage past
//! its end where it is an odd multiple of a stage: the result is wrong, and as the trial picks by time, only now and then. Here they
//! compete only for products whose inner dimension holds a whole number of pairs of stages.
//!
//! Of the routines for tensor cores, those are left out whose kernels for a step of BERT-base need more registers than there are: the cyclic
//! ones by cmma but for the one of several rows (5 of 12 kernels spill on compute capability 9.0), and the specialised cyclic ones (3 to 5).

use burn::tensor::{DType, TensorMetadata};
use burn_cubecl::tensor::CubeTensor;
use burn_cubecl::{CubeRuntime, CubeTuneId};
use cubecl::tune::{LocalTuner, Tunable, TunableSet, TuneGroup};
use cubek_matmul::components::tile::TileMatmulKind;
use cubek_matmul::definition::{MatmulElems, MatmulGlobalElems, MatmulKind};
use cubek_matmul::launch::{MatmulAutotuneKey, MatmulGlobalScale, Strategy, launch_ref};
use cubek_matmul::routines::double_buffering::DoubleBufferingArgs;
use cubek_matmul::routines::double_unit::DoubleUnitSelectionArgs;
use cubek_matmul::routines::ordered_double_buffering::OrderedSelectionArgs;
use cubek_matmul::routines::simple::SimpleArgs;
use cubek_matmul::routines::simple_unit::SimpleUnitSelectionArgs;
use cubek_matmul::routines::{BlueprintStrategy::Inferred, TileSizeSelection};
use cubek_std::InputBinding;

use super::launch::empty;

/// Most elements of the inner dimension that a stage holds: four tiles of 8, or two of 16.
const LARGEST_STAGE: u32 = 32;

/// Least power of two of the bytes between rows for which the tensor memory accelerator reads a matrix.
const ACCELERATOR_ALIGNMENT: u8 = 4;

/// A routine of the library.
#[derive(Clone)]
pub struct Routine {
    strategy: Strategy,
    unit: ComputeUnit,
    reads_two_stages: bool,
}

/// What computes the sums of a routine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ComputeUnit {
    /// A unit for each element of the result. Computes every product.
    Element,
    /// Units or planes for a matrix and a vector.
    Vector,
    /// Units that compute a tile each.
    Unit,
    /// Tensor cores. They round f32 to TF32.
    TensorCore,
    /// Tensor cores fed by the tensor memory accelerator (compute capability 9 and later).
    AcceleratedTensorCore,
}

/// The factors of a product and the tensor for its result.
pub type Operands<R> = (CubeTensor<R>, CubeTensor<R>, CubeTensor<R>);

/// Which routines may compute a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Eligibility {
    /// Whether the inner dimension holds a whole number of pairs of stages.
    pairs_of_stages: bool,
    /// Whether tensor cores may compute it.
    tensor_cores: bool,
}

impl Routine {
    fn new(unit: ComputeUnit, strategy: Strategy) -> Self {
        Self { strategy, unit, reads_two_stages: false }
    }

    fn of_two_stages(unit: ComputeUnit, strategy: Strategy) -> Self {
        Self { strategy, unit, reads_two_stages: true }
    }

    /// All routines that compete. The first computes every product.
    pub fn all() -> Vec<Self> {
        use ComputeUnit::{AcceleratedTensorCore, Element, TensorCore, Unit, Vector};
        use TileMatmulKind::{Cmma, Mma};
        let mut all = vec![
            Self::new(Element, Strategy::Naive),
            Self::new(Vector, Strategy::SimpleVecMat(Inferred(().into()))),
            Self::new(Vector, Strategy::GemvPlaneParallel(Inferred(Default::default()))),
            Self::new(Vector, Strategy::GemvUnitPerpendicular(Inferred(Default::default()))),
        ];
        for tile_size in [TileSizeSelection::MaxTileSize, TileSizeSelection::MinTileSize] {
            all.push(Self::new(Unit, Strategy::SimpleUnit(Inferred(SimpleUnitSelectionArgs { tile_size }))));
            all.push(Self::of_two_stages(Unit, Strategy::DoubleUnit(Inferred(DoubleUnitSelectionArgs { tile_size }))));
        }
        // Two instructions of tensor cores: fragments that the compiler lays out, or that the routine does.
        let mut add = |unit, reads_two_stages, strategies: [Strategy; 2]| {
            all.extend(strategies.map(|strategy| Self { strategy, unit, reads_two_stages }));
        };
        let args = |multi_rows, tile_matmul| Inferred(SimpleArgs { multi_rows, tile_matmul });
        add(TensorCore, false, [Strategy::SimpleCyclicCmma(args(true, Cmma)), Strategy::SimpleCyclicMma(args(true, Mma))]);
        for rows in [4, 8] {
            let args = |tile_matmul| Inferred(ordered(rows, tile_matmul));
            add(TensorCore, true, [Strategy::OrderedDoubleCmma(args(Cmma)), Strategy::OrderedDoubleMma(args(Mma))]);
        }
        for rows in [false, true] {
            let args = |tile_matmul| Inferred(SimpleArgs { multi_rows: rows, tile_matmul });
            add(AcceleratedTensorCore, false, [Strategy::SimpleTmaCmma(args(Cmma)), Strategy::SimpleTmaMma(args(Mma))]);
        }
        let [cmma, mma] = [Strategy::SpecializedTmaCmma(Inferred(().into())), Strategy::SpecializedTmaMma(Inferred(().into()))];
        add(AcceleratedTensorCore, true, [cmma, mma]);
        let double = Strategy::DoubleCyclicMma(Inferred(DoubleBufferingArgs { specialized: false, tile_matmul: Mma }));
        all.push(Self::new(TensorCore, Strategy::SimpleCyclicMma(args(false, Mma))));
        all.push(Self::of_two_stages(TensorCore, double));
        all
    }

    /// Its name in the library.
    pub fn name(&self) -> String {
        self.strategy.to_string()
    }

    /// Whether it may compete for the product of two stacks of matrices, with a result of the type `out`.
    pub fn may_be_chosen<R: CubeRuntime>(&self, operands: &Operands<R>, tensor_cores: bool) -> bool {
        self.is_eligible(Eligibility::of(&operands.0, tensor_cores)) && self.rank(&tuning_key(operands)) >= 0
    }

    /// Whether it computes such a product right.
    fn is_eligible(&self, product: Eligibility) -> bool {
        let on_tensor_cores = matches!(self.unit, ComputeUnit::TensorCore | ComputeUnit::AcceleratedTensorCore);
        (product.pairs_of_stages || !self.reads_two_stages) && (product.tensor_cores || !on_tensor_cores)
    }

    /// How early it is tried for a product of this shape: the highest rank of which one can run is tried, and the fastest of it chosen. A
    /// negative one is not.
    fn rank(&self, key: &MatmulAutotuneKey) -> i8 {
        let has_vector = !matches!(key.analysis.kind, MatmulKind::General);
        let is_small = key.analysis.scale_global == MatmulGlobalScale::Small;
        let definition = &key.definition;
        let is_aligned = definition.lhs_stride_factor >= ACCELERATOR_ALIGNMENT && definition.rhs_stride_factor >= ACCELERATOR_ALIGNMENT;
        // Four times as many rows as columns, by numbers that the key rounded to powers of two: the library takes tiles of 32 rows.
        let is_tall = definition.m >= 4 * definition.n;
        match self.unit {
            ComputeUnit::Vector if has_vector => 2,
            ComputeUnit::Vector => -1,
            ComputeUnit::AcceleratedTensorCore if !is_aligned || (is_tall && self.loads_tall_tiles()) => -1,
            ComputeUnit::TensorCore | ComputeUnit::AcceleratedTensorCore => 2,
            // Two stages gain nothing where there are few.
            ComputeUnit::Unit if self.reads_two_stages && is_small => 0,
            ComputeUnit::Unit if has_vector || is_small => 2,
            ComputeUnit::Unit => 1,
            ComputeUnit::Element if has_vector || is_small => 2,
            ComputeUnit::Element => 0,
        }
    }

    /// Whether it loads tiles of 32 rows, where they are used, by the tensor memory accelerator: more rows at once than the 256 that it takes.
    fn loads_tall_tiles(&self) -> bool {
        matches!(self.strategy, Strategy::SimpleTmaCmma(_) | Strategy::SpecializedTmaCmma(_))
    }

    /// Computes a product.
    ///
    /// # Errors
    /// The device or the layout does not suit the routine.
    pub fn launch<R: CubeRuntime>(&self, (left, right, out): Operands<R>) -> Result<(), String> {
        let [left_type, right_type, out_type] = [&left, &right, &out].map(|x| x.dtype.into());
        let mut types = MatmulElems::from_globals(&MatmulGlobalElems { lhs: left_type, rhs: right_type, out: out_type });
        let client = out.client.clone();
        let [left, right] = [InputBinding::new(left.binding(), left_type), InputBinding::new(right.binding(), right_type)];
        launch_ref(&self.strategy, &client, left, right, out.binding(), &mut types).map_err(|error| format!("{error:?}"))
    }
}

impl Eligibility {
    /// Of products with this left factor.
    fn of<R: CubeRuntime>(left: &CubeTensor<R>, tensor_cores: bool) -> Self {
        let shape = left.meta.shape();
        let inner = shape[shape.num_dims() - 1];
        let stage = left.client.properties().hardware.plane_size_max.max(LARGEST_STAGE);
        Self { pairs_of_stages: inner.is_multiple_of(2 * stage as usize), tensor_cores }
    }
}

/// The product of two stacks of matrices in row-major order, of elements of the type `out`. Tensor cores may compute it where the caller
/// lets them: they round the elements of f32 matrices to TF32.
///
/// # Shapes
/// `[…, m, k]` and `[…, k, n]` with the same leading dimensions; the result `[…, m, n]`.
pub fn multiply<R: CubeRuntime>(left: CubeTensor<R>, right: CubeTensor<R>, out: DType, tensor_cores: bool) -> CubeTensor<R> {
    // What is chosen for a product is kept by its shape, rounded to powers of two, and the types: products with other routines to choose
    // from have a memory of their own.
    static EXACT: [LocalTuner<MatmulAutotuneKey, CubeTuneId>; 2] = [LocalTuner::new("products"), LocalTuner::new("products-of-pairs")];
    static ROUNDED: [LocalTuner<MatmulAutotuneKey, CubeTuneId>; 2] =
        [LocalTuner::new("products-on-tensor-cores"), LocalTuner::new("products-of-pairs-on-tensor-cores")];
    let product = Eligibility::of(&left, tensor_cores);
    let tuner = &(if tensor_cores { &ROUNDED } else { &EXACT })[usize::from(product.pairs_of_stages)];
    let routines = tuner.init(move || {
        let group = TuneGroup::new("products", |_: &MatmulAutotuneKey| 0);
        let mut set = TunableSet::new(tuning_key::<R>, tuning_inputs::<R>);
        for routine in Routine::all().into_iter().filter(|routine| routine.is_eligible(product)) {
            let ranked = routine.clone();
            let tunable = Tunable::new(&routine.name(), move |operands| routine.launch(operands));
            set = set.with(tunable.group(&group, move |key| ranked.rank(key)));
        }
        set
    });
    let mut shape = left.shape();
    let rank = shape.num_dims();
    shape[rank - 1] = right.shape()[rank - 1];
    let out = empty(&left, shape, out);
    let client = left.client.clone();
    tuner.execute(&CubeTuneId::new(&client, &left.device), &client, routines, (left, right, out.clone()));
    out
}

fn tuning_key<R: CubeRuntime>((left, right, out): &Operands<R>) -> MatmulAutotuneKey {
    MatmulAutotuneKey::generate(
        &left.client,
        left.meta.shape(),
        right.meta.shape(),
        left.meta.strides(),
        right.meta.strides(),
        left.dtype.into(),
        right.dtype.into(),
        out.dtype.into(),
        None,
        None,
    )
}

/// The trial writes to a result of its own.
fn tuning_inputs<R: CubeRuntime>(_: &MatmulAutotuneKey, (left, right, out): &Operands<R>) -> Operands<R> {
    (left.clone(), right.clone(), empty(out, out.shape(), out.dtype))
}

/// The arguments of the routine that loads the left matrix in order, with so many rows of tiles.
fn ordered(rows: u32, tile_matmul: TileMatmulKind) -> OrderedSelectionArgs {
    OrderedSelectionArgs { partition_k: Some(2), row_count: Some(rows), rows_per_plane: Some(2), tile_matmul }
}
