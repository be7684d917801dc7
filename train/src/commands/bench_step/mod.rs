//! `train bench-step`: how long a training step takes, and where the time goes. For developers, and not among the commands that
//! `--help` lists; `train/benches/gpu.sh` runs it beside PyTorch.

mod cluster;
mod parts;

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemas::atomic_file;

use crate::config::{BenchModel, BenchStepConfig};
use crate::data::SpecialTokens;
use crate::data::TokenizedText;
use crate::data::{Batch, BatchSampler, BatchSize, Dataset, PaddingRule, Sequence, TripleEncoder, WordPieceTokenizer};
use crate::device::{DeviceJob, Engine, TrainBackend};
use crate::inference::InferenceSettings;
use crate::kernels::DropoutSeeds;
use crate::model::{BertConfig, BertInput, BoundaryTargets, MrcModel, OptionalHeads, SpanLoss, weights};
use crate::optim::{AdamW, AdamWConfig, Gradients};
use crate::run::write_model_description;
use crate::stage::prefetch::prefetch;

fn shape(model: BenchModel, vocab_size: usize) -> BertConfig {
    let (hidden_size, num_hidden_layers) = if model == BenchModel::Base { (768, 12) } else { (384, 6) };
    let intermediate_size = 4 * hidden_size;
    BertConfig { hidden_size, num_hidden_layers, num_attention_heads: 12, intermediate_size, ..BertConfig::tiny(vocab_size) }
}

/// Measures, or writes what a measurement needs.
///
/// # Errors
/// Files that cannot be read or written; a device that cannot be used.
pub fn run(args: BenchStepConfig) -> Result<()> {
    let vocabulary = || {
        let path = args.vocab.as_deref().context("give --vocab")?;
        WordPieceTokenizer::from_vocabulary(path, true).with_context(|| format!("cannot read {}", path.display()))
    };
    if let Some(dir) = &args.encoder {
        return write_encoder(args.model, &vocabulary()?, dir);
    }
    if let (Some(dir), Some(file)) = (&args.lengths_of, &args.lengths) {
        let pieces = vocabulary()?;
        let data = TripleEncoder::new(&pieces, 512).encode_folder(dir)?;
        let lengths: String = data.sequences.iter().map(|sequence| format!("{}\n", sequence.length())).collect();
        return Ok(atomic_file::write(file, lengths.as_bytes())?);
    }
    if let Some(count) = args.cluster {
        return args.environment.device.run(cluster::Clustering(count));
    }
    let engine = if args.burn_fusion { Engine::BurnFusion } else { Engine::Own };
    args.environment.device.run_with(engine, Bench(args))
}

fn write_encoder(model: BenchModel, pieces: &WordPieceTokenizer, dir: &Path) -> Result<()> {
    let shape = self::shape(model, pieces.vocabulary_size());
    let reader: MrcModel<burn::backend::Flex> = weights::random_model(&shape, OptionalHeads::default(), 1, &Default::default());
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    write_model_description(dir, &shape, pieces)?;
    Ok(atomic_file::write(&dir.join(weights::FILE_NAME), &weights::to_safetensors(&reader)?)?)
}

struct Bench(BenchStepConfig);

/// What a step was spent on, in seconds.
#[derive(Default)]
struct Spent {
    forward: f64,
    backward: f64,
    optimizer: f64,
}

impl DeviceJob for Bench {
    type Output = ();

    fn run<B: TrainBackend>(self, device: &B::Device) -> Result<()> {
        let args = self.0;
        let shape = self::shape(args.model, 30_522);
        let mut reader: MrcModel<B> =
            weights::random_model(&shape, OptionalHeads::default(), 1, device).with_precision(args.environment.precision);
        let mut optimizer = AdamW::new(AdamWConfig::default());
        let (data, steps) = plan(&args)?;
        ensure!(steps.len() > args.warmup, "--lengths holds {} batches, which --warmup {} takes all", steps.len(), args.warmup);
        let target = args.environment.device;
        let special = SpecialTokens { cls: 1, sep: 2, pad: 0 };
        let reading = InferenceSettings { special, batch: BatchSize::Sequences(args.batch), padding: target.into(), threshold: 0.5 };
        let sync = || B::sync(device).map_err(|error| anyhow::anyhow!("the device failed: {error:?}"));
        let step = |reader: MrcModel<B>,
                    optimizer: &mut AdamW<B::InnerBackend>,
                    batch: &Batch,
                    seed,
                    mut spent: Option<&mut Spent>|
         -> Result<MrcModel<B>> {
            let mut since = Instant::now();
            let mut lap = |of: fn(&mut Spent) -> &mut f64| -> Result<()> {
                if let Some(spent) = &mut spent {
                    sync()?;
                    *of(spent) += since.elapsed().as_secs_f64();
                    since = Instant::now();
                }
                Ok(())
            };
            let loss = reader.forward(&BertInput::from_batch(&batch, device), &mut DropoutSeeds::seeded(args.dropout, seed));
            let loss = loss.loss(&BoundaryTargets::from_batch(&batch, batch.context_word_pieces(), device), SpanLoss::CROSS_ENTROPY);
            lap(|spent| &mut spent.forward)?;
            let gradients = Gradients::of(&reader, loss.backward());
            lap(|spent| &mut spent.backward)?;
            let reader = optimizer.step(reader, gradients, 3e-5);
            lap(|spent| &mut spent.optimizer)?;
            Ok(reader)
        };
        let timed = &steps[args.warmup..];
        let mut waited = 0.0;
        let mut warm_up = 0.0;
        let mut total = 0.0;
        let mut host = 0.0;
        reader = prefetch(
            &steps,
            |positions| reading.batch(&data, positions),
            |batches| -> Result<MrcModel<B>> {
                let mut started = Instant::now();
                for number in 0..steps.len() {
                    if number == args.warmup {
                        sync()?;
                        warm_up = started.elapsed().as_secs_f64();
                        started = Instant::now();
                        (waited, host) = (0.0, 0.0);
                    }
                    let asked = Instant::now();
                    let Ok(batches) = batches.recv() else { break };
                    waited += asked.elapsed().as_secs_f64();
                    let began = Instant::now();
                    reader = step(reader, &mut optimizer, &batches[0], number as u64, None)?;
                    host += began.elapsed().as_secs_f64();
                }
                sync()?;
                total = started.elapsed().as_secs_f64();
                Ok(reader)
            },
        )?;
        let count = timed.len() as f64;
        let sequences: Vec<&[usize]> = timed.iter().map(|step| step[0].as_slice()).collect();
        let lengths = |numbers: &[usize]| numbers.iter().map(|&number| data.sequences[number].length()).collect::<Vec<_>>();
        let real: usize = sequences.iter().flat_map(|numbers| lengths(numbers)).sum();
        let squares: usize = sequences.iter().flat_map(|numbers| lengths(numbers)).map(|length| length * length).sum();
        let padded: usize = sequences
            .iter()
            .map(|numbers| numbers.len() * PaddingRule::from(target).padded(lengths(numbers).into_iter().max().unwrap_or(0)))
            .sum();
        let flop = 6.0 * encoder_parameters(&shape) * real as f64 + (12 * shape.num_hidden_layers * shape.hidden_size * squares) as f64;
        let mut line = serde_json::json!({
            "device": target.to_string(),
            "engine": if args.burn_fusion { "burn fusion" } else { "own kernels" },
            "dtype": args.environment.precision,
            "model": if args.model == BenchModel::Base { "base" } else { "mini" },
            "steps": timed.len(),
            "mean_step_s": total / count,
            "host_s": host / count,
            "seq_per_s": sequences.iter().map(|numbers| numbers.len()).sum::<usize>() as f64 / total,
            "tokens_per_s": real as f64 / total,
            "padding": 1.0 - real as f64 / padded as f64,
            "tflops": flop / total / 1e12,
            "busy": 1.0 - waited / total,
            "warm_up_s": warm_up,
            "peak_gib": B::reserved_memory(device).map(|bytes| bytes as f64 / 1024f64.powi(3)),
        });
        // With a wait for the device after each part, some more steps.
        let mut spent = Spent::default();
        let again = timed.len().min(10);
        for numbers in &timed[..again] {
            reader = step(reader, &mut optimizer, &reading.batch(&data, &numbers[0]), 1, Some(&mut spent))?;
        }
        for (name, seconds) in [("forward_s", spent.forward), ("backward_s", spent.backward), ("optimizer_s", spent.optimizer)] {
            line[name] = (seconds / again as f64).into();
        }
        println!("{line}");
        if args.parts {
            let batch = reading.batch(&data, &timed[0][0]);
            parts::time::<B>(&shape, &batch, args.environment.precision, args.dropout, device)?;
        }
        Ok(())
    }
}

/// Parameters of the encoder but for the embeddings.
fn encoder_parameters(shape: &BertConfig) -> f64 {
    let (hidden, inner) = (shape.hidden_size, shape.intermediate_size);
    (shape.num_hidden_layers * (4 * hidden * (hidden + 1) + 2 * hidden * inner + inner + hidden + 4 * hidden)) as f64
}

/// Sequences of random pieces, and each step's one batch of them.
fn plan(args: &BenchStepConfig) -> Result<(Dataset, Vec<Vec<Vec<usize>>>)> {
    let wanted = args.warmup + args.steps;
    let lengths: Vec<usize> = match &args.lengths {
        None => vec![args.seq; args.batch * wanted],
        Some(path) => {
            let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            text.split_whitespace()
                .map(|length| length.parse().with_context(|| format!("{}: `{length}`", path.display())))
                .collect::<Result<_>>()?
        }
    };
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    // As many as a real query has, and at least a piece of context.
    let query = std::sync::Arc::new(pieces(&mut rng, 4));
    let sequence = |(triple, length): (usize, usize)| {
        let context = std::sync::Arc::new(pieces(&mut rng, length.saturating_sub(7).max(1)));
        let window = 0..context.ids.len();
        Sequence { triple, query: query.clone(), context, window, answers: vec![(0, 0)] }
    };
    let sequences: Vec<Sequence> = lengths.into_iter().enumerate().map(sequence).collect();
    let mut steps: Vec<Vec<Vec<usize>>> = match args.max_tokens {
        None => (0..sequences.len()).collect::<Vec<_>>().chunks_exact(args.batch).map(|numbers| vec![numbers.to_vec()]).collect(),
        Some(tokens) => BatchSampler { batch: BatchSize::Tokens(tokens), accumulate: 1, padding: args.environment.device.into() }
            .steps_of_epoch(&sequences, &mut rng),
    };
    steps.truncate(wanted);
    Ok((Dataset { sequences, ..Dataset::default() }, steps))
}

fn pieces(rng: &mut ChaCha8Rng, count: usize) -> TokenizedText {
    TokenizedText { ids: (0..count).map(|_| rng.random_range(1000..30_000)).collect(), offsets: vec![(0, 0); count] }
}
