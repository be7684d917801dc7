//! Encoders of the BERT family against `transformers`: tokenizers, hidden states, gradients, and files (golden file; `families.py`
//! beside it makes it and the encoders).

#![allow(clippy::unwrap_used, missing_docs)]

mod train_common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use burn::backend::{Autodiff, Flex};
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::backend::AutodiffBackend;
use burn::tensor::{Tensor, TensorData};
use schemas::{Origin, Span, Triple, char_slice};
use serde::Deserialize;
use train::data::{Batch, Dataset, PaddingRule, TripleEncoder};
use train::kernels::DropoutSeeds;
use train::model::weights::{self, RequiredHeads};
use train::model::{BertInput, EncoderFamily, MrcModel, OptionalHeads};
use train::parameter_names::ParameterPath;
use train::run_folder::{ModelFolder, write_model_description};
use train_common::{QUERIES, fail, sentences, succeed, train, triples, write};

const TOLERANCE: f32 = 1e-4;

#[derive(Deserialize)]
struct Golden {
    queries: Vec<String>,
    contexts: Vec<String>,
    encoders: BTreeMap<String, Expected>,
}

#[derive(Deserialize)]
struct Expected {
    /// Ids of the queries and the contexts.
    texts: Vec<Vec<u32>>,
    /// Ids of the pairs of a query and a context.
    ids: Vec<Vec<i32>>,
    segments: Vec<Vec<i32>>,
    hidden: Vec<Vec<f32>>,
    /// Of each parameter the norm of its gradient, and the gradient's product with sines.
    gradients: BTreeMap<String, [f64; 2]>,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

fn golden() -> Golden {
    serde_json::from_str(&fs::read_to_string(fixtures().join("golden/families.json")).unwrap()).unwrap()
}

/// Each encoder with its folder.
fn encoders(golden: &Golden) -> impl Iterator<Item = (&str, ModelFolder, &Expected)> {
    let open = |name: &str| ModelFolder::open_encoder(&fixtures().join("encoders").join(name)).unwrap();
    golden.encoders.iter().map(move |(name, expected)| (name.as_str(), open(name), expected))
}

fn load<B: burn::tensor::backend::Backend>(folder: &ModelFolder) -> (MrcModel<B>, BTreeSet<String>) {
    folder.load(OptionalHeads::default(), RequiredHeads::None, 1, &Default::default()).unwrap()
}

/// The pairs as the encoder gets them.
fn pairs(folder: &ModelFolder, golden: &Golden) -> (Dataset, Batch) {
    let triple = |(query, context): (&String, &String)| Triple { query: query.clone(), context: context.clone(), ..Triple::default() };
    let triples: Vec<Triple> = golden.queries.iter().zip(&golden.contexts).map(triple).collect();
    let data = TripleEncoder::new(&folder.tokenizer, folder.max_length()).encode(&triples).unwrap();
    let all: Vec<usize> = (0..data.sequences.len()).collect();
    let batch = Batch::new(&data.sequences, &all, folder.tokenizer.special_tokens(), PaddingRule::Longest);
    (data, batch)
}

#[test]
fn pieces_are_those_of_transformers() {
    let golden = golden();
    for (name, folder, expected) in encoders(&golden) {
        let texts: Vec<&str> = golden.queries.iter().chain(&golden.contexts).map(String::as_str).collect();
        let ids: Vec<Vec<u32>> = folder.tokenizer.tokenize(&texts).unwrap().into_iter().map(|text| text.ids).collect();
        assert_eq!(ids, expected.texts, "{name}");
        let (_, batch) = pairs(&folder, &golden);
        for (row, (ids, segments)) in expected.ids.iter().zip(&expected.segments).enumerate() {
            let tokens = row * batch.length..row * batch.length + batch.lengths[row];
            assert_eq!(&batch.ids[tokens.clone()], ids, "{name}");
            if folder.bert.type_vocab_size > 1 {
                assert_eq!(&batch.segments[tokens], segments, "{name}");
            }
        }
    }
}

/// Every word of every context is an answer that becomes word pieces, and these the word.
#[test]
fn labels_of_words_survive_pieces() {
    let golden = golden();
    for (name, folder, _) in encoders(&golden).filter(|(_, folder, _)| folder.bert.family.counts_positions_from_padding()) {
        for context in &golden.contexts {
            let mut spans = Vec::new();
            let mut start = 0;
            for part in context.split(char::is_whitespace) {
                let end = start + part.chars().count() as u32;
                if end > start {
                    spans.push(Span { start, end, text: part.to_owned(), origin: Origin::Gold, score: None });
                }
                start = end + 1;
            }
            let triple = Triple { query: golden.queries[0].clone(), context: context.clone(), spans: spans.clone(), ..Triple::default() };
            let data = TripleEncoder::new(&folder.tokenizer, folder.max_length()).encode(&[triple]).unwrap();
            assert_eq!((data.counts.widened, data.counts.unalignable), (0, 0), "{name}: {context}");
            let sequence = &data.sequences[0];
            let offsets = data.offsets_of(sequence);
            let of_pieces = sequence.answers.iter().map(|&(first, last)| (offsets[first as usize].0, offsets[last as usize].1));
            let words: Vec<&str> = of_pieces.map(|(start, end)| char_slice(context, start, end).unwrap()).collect();
            assert_eq!(words, spans.iter().map(|span| span.text.as_str()).collect::<Vec<_>>(), "{name}");
        }
    }
}

fn hidden_states(model: &MrcModel<Flex>, batch: &Batch) -> Vec<f32> {
    model.bert.forward(&BertInput::from_batch(batch, &Default::default()), &mut DropoutSeeds::off()).into_data().to_vec().unwrap()
}

#[test]
fn hidden_states_are_those_of_transformers() {
    let golden = golden();
    for (name, folder, expected) in encoders(&golden) {
        let (_, batch) = pairs(&folder, &golden);
        let (model, left_out) = load::<Flex>(&folder);
        let values = hidden_states(&model, &batch);
        let width = folder.bert.hidden_size;
        let mut worst = 0.0f32;
        for (row, states) in expected.hidden.iter().enumerate() {
            let ours = &values[row * batch.length * width..][..batch.lengths[row] * width];
            assert_eq!(ours.len(), states.len(), "{name}");
            worst = ours.iter().zip(states).fold(worst, |worst, (ours, theirs)| worst.max((ours - theirs).abs()));
        }
        println!("{name}: largest distance {worst:e}");
        assert!(worst < TOLERANCE, "{name}: {worst}");
        let other_tasks: &[&str] = match name {
            "roberta" => &["classifier"],
            "distilbert" => &["vocab_layer_norm", "vocab_projector", "vocab_transform"],
            "electra" => &["discriminator_predictions"],
            _ => &[],
        };
        assert!(left_out.iter().eq(other_tasks), "{name}: {left_out:?}");
    }
}

type Training = Autodiff<Flex>;

struct GradientSums<'a> {
    gradients: &'a <Training as AutodiffBackend>::Gradients,
    family: EncoderFamily,
    path: ParameterPath,
    sums: BTreeMap<String, [f64; 2]>,
}

impl ModuleVisitor<Training> for GradientSums<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.leave();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<Training, D>>) {
        let Some(gradient) = param.grad(self.gradients) else { return };
        let gradient = if self.path.is_transposed(D) { gradient.swap_dims(D - 2, D - 1) } else { gradient };
        let values = gradient.into_data().to_vec::<f32>().unwrap();
        let norm = values.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        let product = values.iter().zip(1..).map(|(&x, at)| f64::from(x) * f64::from(at).sin()).sum();
        let name = self.family.file_name(&self.path.name());
        let (_, name) = name.split_once('.').unwrap();
        self.sums.insert(name.to_owned(), [norm, product]);
    }
}

#[test]
fn gradients_are_those_of_transformers() {
    let golden = golden();
    for (name, folder, expected) in encoders(&golden) {
        let (_, batch) = pairs(&folder, &golden);
        let (model, _) = load::<Training>(&folder);
        let hidden = model.bert.forward(&BertInput::from_batch(&batch, &Default::default()), &mut DropoutSeeds::off());
        let [rows, width] = hidden.dims();
        let is_real = |at: usize| at / width % batch.length < batch.lengths[at / width / batch.length];
        let weights = (0..rows * width).map(|at| if is_real(at) { (at as f64).sin() as f32 } else { 0.0 }).collect();
        let weights = Tensor::from_data(TensorData::new(weights, [rows, width]), &Default::default());
        let gradients = (hidden * weights).sum().backward();
        let mut ours =
            GradientSums { gradients: &gradients, family: folder.bert.family, path: ParameterPath::default(), sums: BTreeMap::new() };
        model.bert.visit(&mut BertPrefix(&mut ours));
        assert_eq!(ours.sums.keys().collect::<Vec<_>>(), expected.gradients.keys().collect::<Vec<_>>(), "{name}");
        let all = expected.gradients.values().map(|[norm, _]| norm * norm).sum::<f64>().sqrt();
        let mut worst = 0.0f64;
        for (parameter, expected) in &expected.gradients {
            for (ours, theirs) in ours.sums[parameter].iter().zip(expected) {
                worst = worst.max((ours - theirs).abs() / all);
            }
        }
        println!("{name}: largest distance of gradients {worst:e} of their norm");
        assert!(worst < f64::from(TOLERANCE), "{name}: {worst}");
    }
}

/// A walk over the encoder alone, whose names have its prefix all the same.
struct BertPrefix<'a, 'b>(&'a mut GradientSums<'b>);

impl ModuleVisitor<Training> for BertPrefix<'_, '_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        if self.0.path.name().is_empty() {
            self.0.enter_module("bert", container);
        }
        self.0.enter_module(name, container);
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        self.0.exit_module(name, container);
        if self.0.path.name() == "bert" {
            self.0.exit_module("bert", container);
        }
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<Training, D>>) {
        self.0.visit_float(param);
    }
}

#[test]
fn an_exported_encoder_is_read_again() {
    let golden = golden();
    for (name, folder, expected) in encoders(&golden) {
        let (_, batch) = pairs(&folder, &golden);
        let (model, _) = load::<Flex>(&folder);
        let temporary = tempfile::tempdir().unwrap();
        let dir = temporary.path();
        write_model_description(dir, &folder.bert, &folder.tokenizer).unwrap();
        fs::write(dir.join(weights::FILE_NAME), weights::to_safetensors_of(&model, folder.bert.family).unwrap()).unwrap();
        let again = ModelFolder::open_encoder(dir).unwrap();
        assert_eq!(again.bert, folder.bert, "{name}");
        assert_eq!(again.tokenizer.tokenize(&[&golden.contexts[0]]).unwrap()[0].ids, expected.texts[golden.queries.len()], "{name}");
        let (model_again, left_out) = load::<Flex>(&again);
        assert!(left_out.is_empty(), "{name}: {left_out:?}");
        assert_eq!(hidden_states(&model_again, &batch), hidden_states(&model, &batch), "{name}");
    }
}

/// Training, prediction and export from the command line.
#[test]
fn a_run_starts_from_any_encoder() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    write(&dir.join("train"), triples(&sentences(12, 0), false), None);
    fs::write(dir.join("queries.toml"), QUERIES).unwrap();
    fs::write(dir.join("text"), "Ben lives in Oslo .\n").unwrap();
    for (name, prefix, left_out) in [
        ("roberta", "roberta", Some("tensors classifier.* of")),
        ("camembert", "roberta", None),
        ("distilbert", "distilbert", Some("tensors vocab_layer_norm.*, vocab_projector.*, vocab_transform.* of")),
        ("electra", "electra", Some("tensors discriminator_predictions.* of")),
    ] {
        let encoder = fixtures().join("encoders").join(name);
        let run = format!("run-{name}");
        let args = ["finetune", "--data", "train", "--encoder", encoder.to_str().unwrap(), "--out", &run, "--max-length", "64"];
        let output = train(dir, &[&args[..], &["--max-steps", "2", "--save-every", "1"]].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert_eq!(said.contains("heads of other tasks"), left_out.is_some(), "{said}");
        assert!(left_out.is_none_or(|left_out| said.contains(left_out)), "{said}");
        succeed(dir, &["predict", &run, "--queries", "queries.toml", "text", "-q"]);

        // What is exported is called as transformers calls it; another run starts from it.
        let exported = format!("exported-{name}");
        succeed(dir, &["export", &run, "-o", &exported]);
        let config: serde_json::Value = serde_json::from_slice(&fs::read(dir.join(&exported).join("config.json")).unwrap()).unwrap();
        assert_eq!(config["model_type"], name);
        let bytes = fs::read(dir.join(&exported).join("model.safetensors")).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        assert!(tensors.names().into_iter().all(|tensor| tensor.starts_with(&format!("{prefix}.")) || tensor.contains("_outputs.")));
        let args = ["finetune", "--data", "train", "--encoder", &exported, "--out", "again", "--overwrite", "--max-length", "64"];
        succeed(dir, &[&args[..], &["--max-steps", "1", "-q"]].concat());
    }
}

#[test]
fn what_an_encoder_folder_lacks_is_named() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    write(&dir.join("train"), triples(&sentences(8, 0), false), None);
    let copy = |from: &str, to: &str| {
        fs::create_dir(dir.join(to)).unwrap();
        for entry in fs::read_dir(fixtures().join("encoders").join(from)).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, dir.join(to).join(path.file_name().unwrap())).unwrap();
        }
    };
    let check = |encoder: &str, expected: &str| {
        let args = ["finetune", "--data", "train", "--encoder", encoder, "--out", "run", "--max-steps", "1", "-q"];
        let said = fail(dir, &args, 1);
        assert!(said.contains(expected), "{said}");
    };
    copy("camembert", "shards");
    check("shards", "--max-length 150 is more than the 78 position");
    fs::remove_file(dir.join("shards/model-00002-of-00004.safetensors")).unwrap();
    check("shards", "the shard model-00002-of-00004.safetensors is missing");

    copy("roberta", "pointer");
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n";
    fs::write(dir.join("pointer/model.safetensors"), pointer).unwrap();
    check("pointer", "pointer/model.safetensors is a pointer of Git LFS");
    fs::write(dir.join("pointer/tokenizer.json"), pointer).unwrap();
    check("pointer", "pointer/tokenizer.json is a pointer of Git LFS");

    copy("roberta", "pieces");
    fs::remove_file(dir.join("pieces/tokenizer.json")).unwrap();
    check("pieces", "holds neither tokenizer.json nor vocab.txt");
    fs::write(dir.join("pieces/sentencepiece.bpe.model"), "model").unwrap();
    check("pieces", "holds sentencepiece.bpe.model but no tokenizer.json");

    let config = fs::read_to_string(dir.join("shards/config.json")).unwrap();
    fs::write(dir.join("shards/config.json"), config.replace("\"camembert\"", "\"deberta-v2\"")).unwrap();
    check("shards", "DeBERTa has disentangled attention");
    check("hfl/no-such-model", "hf download hfl/no-such-model");
}

/// A name of the hub is looked for in its cache.
#[test]
fn an_encoder_is_found_in_the_cache_of_the_hub() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    write(&dir.join("train"), triples(&sentences(8, 0), false), None);
    let model = dir.join("home/hub/models--toy--electra");
    fs::create_dir_all(model.join("refs")).unwrap();
    fs::write(model.join("refs/main"), "c0ffee").unwrap();
    fs::create_dir_all(model.join("snapshots/c0ffee")).unwrap();
    for entry in fs::read_dir(fixtures().join("encoders/electra")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, model.join("snapshots/c0ffee").join(path.file_name().unwrap())).unwrap();
    }
    for args in [
        ["finetune", "--data", "train", "--encoder", "toy/electra", "--out", "run", "--max-length=64", "--max-steps=1", "-q"].as_slice(),
        ["check", "train", "--encoder", "toy/electra"].as_slice(),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_train"));
        let output = command.args(args).current_dir(dir).env_remove("HF_HUB_CACHE").env("HF_HOME", dir.join("home")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// RoBERTa's older files, `vocab.json` and `merges.txt`, say the same as its `tokenizer.json`.
#[test]
fn byte_pairs_are_read_from_older_files() {
    let golden = golden();
    let source = fixtures().join("encoders/roberta");
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let tokenizer: serde_json::Value = serde_json::from_slice(&fs::read(source.join("tokenizer.json")).unwrap()).unwrap();
    fs::write(dir.join("vocab.json"), tokenizer["model"]["vocab"].to_string()).unwrap();
    let merge = |merge: &serde_json::Value| format!("{} {}\n", merge[0].as_str().unwrap(), merge[1].as_str().unwrap());
    let merges: String = tokenizer["model"]["merges"].as_array().unwrap().iter().map(merge).collect();
    fs::write(dir.join("merges.txt"), format!("#version: 0.2\n{merges}")).unwrap();
    let read = train::data::WordPieceTokenizer::read(dir).unwrap();
    let texts: Vec<&str> = golden.queries.iter().chain(&golden.contexts).map(String::as_str).collect();
    let ids: Vec<Vec<u32>> = read.tokenize(&texts).unwrap().into_iter().map(|text| text.ids).collect();
    assert_eq!(ids, golden.encoders["roberta"].texts);
    assert_eq!((read.separators(), read.special_tokens().pad), (2, 1));
}
