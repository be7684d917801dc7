//! What `train` says about input that is not what it should be.

#![allow(clippy::unwrap_used, missing_docs)]

mod train_common;

use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use train_common::{QUERIES, encoder, fail, sentences, succeed, train, triples, write};

/// A copy of the tiny encoder whose tensors went through `change`.
fn changed_encoder(to: &Path, change: impl Fn(&str, &[usize]) -> Option<Vec<usize>>) {
    std::fs::create_dir(to).unwrap();
    for file in ["config.json", "vocab.txt", "tokenizer_config.json"] {
        std::fs::copy(encoder().join(file), to.join(file)).unwrap();
    }
    let bytes = std::fs::read(encoder().join("model.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let changed = tensors.iter().filter_map(|(name, view)| {
        let shape = change(name, view.shape())?;
        let length = shape.iter().product::<usize>() * 4;
        Some((name.to_owned(), TensorView::new(Dtype::F32, shape, &view.data()[..length]).unwrap()))
    });
    std::fs::write(to.join("model.safetensors"), safetensors::serialize(changed.collect::<Vec<_>>(), None).unwrap()).unwrap();
}

/// Trains for a step from an encoder and expects failure.
fn finetune_error(dir: &Path, encoder: &str) -> String {
    fail(dir, &["finetune", "--data", "train", "--encoder", encoder, "--out", "run", "--max-steps", "1", "--quiet"], 1)
}

#[test]
fn data_that_cannot_be_read_is_named() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let args = |data: &'static str| ["esi", "--data", data, "--encoder", "tiny", "--out", "run", "--quiet"];
    let said = fail(dir, &args("nothing"), 1);
    assert!(said.contains("nothing"), "{said}");
    write(&dir.join("cut"), triples(&sentences(4, 0), true), Some("page 4 is cut off"));
    let said = fail(dir, &args("cut"), 1);
    assert!(said.contains("cut is not complete (page 4 is cut off)"), "{said}");
    write(&dir.join("empty"), Vec::new(), None);
    assert!(fail(dir, &args("empty"), 1).contains("holds no triples"));
    assert!(!dir.join("run").exists(), "nothing is made before the data is sound");
}

#[test]
fn an_encoder_that_does_not_fit_is_told_by_tensor_and_shape() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    write(&dir.join("train"), triples(&sentences(8, 0), false), None);

    assert!(finetune_error(dir, "nowhere").contains("there is no encoder folder nowhere"));

    let key = "encoder.layer.1.attention.self.key.weight";
    changed_encoder(&dir.join("missing"), |name, shape| (name != key).then(|| shape.to_vec()));
    let said = finetune_error(dir, "missing");
    assert!(said.contains(&format!("tensor `bert.{key}` of shape [32, 32] is missing")), "{said}");

    changed_encoder(&dir.join("misshapen"), |name, shape| Some(if name == key { vec![16, 32] } else { shape.to_vec() }));
    let said = finetune_error(dir, "misshapen");
    assert!(said.contains(&format!("tensor `bert.{key}` has shape [16, 32], expected [32, 32]")), "{said}");

    changed_encoder(&dir.join("deeper"), |_, shape| Some(shape.to_vec()));
    let config = std::fs::read_to_string(dir.join("deeper/config.json")).unwrap();
    std::fs::write(dir.join("deeper/config.json"), config.replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1")).unwrap();
    let said = finetune_error(dir, "deeper");
    assert!(said.contains("of shape [32] has no place in the model") && said.contains("more"), "{said}");

    std::fs::write(dir.join("deeper/model.safetensors"), "not safetensors").unwrap();
    let said = finetune_error(dir, "deeper");
    assert!(said.contains("cannot read weights from deeper/model.safetensors"), "{said}");

    std::fs::write(dir.join("deeper/config.json"), config.replace("\"gelu\"", "\"relu\"")).unwrap();
    assert!(finetune_error(dir, "deeper").contains("hidden_act is `relu`, expected `gelu`"));
    assert!(!dir.join("run").exists());
}

#[test]
fn an_existing_run_is_kept() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    write(&dir.join("train"), triples(&sentences(8, 0), false), None);
    let encoder = encoder();
    let args = ["finetune", "--data", "train", "--encoder", encoder.to_str().unwrap(), "--out", "run", "--max-steps", "1", "--quiet"];
    succeed(dir, &args);
    let before = std::fs::read(dir.join("run/model.safetensors")).unwrap();
    assert!(fail(dir, &args, 1).contains("run folder run is not empty"));
    assert!(std::fs::read(dir.join("run/model.safetensors")).unwrap() == before);
    let overwrite = [&args[..], &["--overwrite"]].concat();
    succeed(dir, &overwrite);
    std::fs::write(dir.join("run/thesis.txt"), "mine").unwrap();
    assert!(fail(dir, &overwrite, 1).contains("it holds thesis.txt"));
    assert!(dir.join("run/model.safetensors").exists());

    // A pre-trained encoder has the same files, but is no run.
    changed_encoder(&dir.join("bert"), |_, shape| Some(shape.to_vec()));
    let args = ["finetune", "--data", "train", "--encoder", "bert", "--out", "bert", "--max-steps", "1", "--overwrite", "--quiet"];
    assert!(fail(dir, &args, 1).contains("will not overwrite bert: it is not a run"));
    assert!(dir.join("bert/model.safetensors").exists());

    assert!(fail(dir, &["export", "run", "-o", "run", "--overwrite"], 1).contains("will not export to run: it is a run"));

    // What the commands that use a run say.
    assert!(fail(dir, &["evaluate", "nowhere", "--data", "train"], 1).contains("there is no run nowhere"));
    assert!(fail(dir, &["evaluate", "train", "--data", "train"], 1).contains("train is not a run: it has no run.toml"));
    assert!(fail(dir, &["evaluate", "run", "--data", "nowhere"], 1).contains("cannot read --data"));
    let said = fail(dir, &["predict", "run", "--queries", "en_nothing"], 1);
    assert!(said.contains("no query set and no file is named `en_nothing`"), "{said}");
    std::fs::write(dir.join("toy.toml"), QUERIES).unwrap();
    assert!(fail(dir, &["predict", "run", "--queries", "toy.toml", "nowhere.txt"], 1).contains("cannot read nowhere.txt"));
    assert!(
        fail(dir, &["predict", "run", "--queries", "toy.toml", "toy.toml", "-o", "out.csv"], 2).contains("expected .jsonl or .parquet")
    );
    // Labels that the model never saw are data like any other.
    std::fs::remove_file(dir.join("run/thesis.txt")).unwrap();
    write(&dir.join("esi"), triples(&sentences(4, 0), true), None);
    assert!(succeed(dir, &["evaluate", "run", "--data", "esi", "--quiet"]).contains("Entity"));
    // What a run has written before its end is used too, but not in silence.
    std::fs::remove_file(dir.join("run/result.json")).unwrap();
    let start = ["finetune", "--data", "train", "--init", "run", "--out", "next", "--max-steps", "1"];
    for args in [&["evaluate", "run", "--data", "esi", "--quiet"][..], &["export", "run", "-o", "exported"], &start] {
        let output = train(dir, args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && said.contains("warning: run run is not finished"), "{args:?}: {said}");
    }
}

#[test]
fn a_loss_that_is_no_number_stops_training() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    write(&dir.join("train"), triples(&sentences(40, 0), false), None);
    let args = ["finetune", "--data", "train", "--encoder", "tiny", "--out", "run", "--lr", "1e30", "--quiet"];
    let said = fail(dir, &args, 1);
    assert!(said.contains("at step 2, whose batch holds the triples ") && said.contains(" and 8 more of the training set"), "{said}");
}

#[test]
fn a_wrong_command_line_exits_with_2() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let base = ["finetune", "--data", "d", "--out", "o"];
    for (more, expected) in [
        (&["--encoder", "tiny", "--dropout", "1.5"][..], "--dropout 1.5"),
        (&["--encoder", "tiny", "--init", "run"], "cannot be used with"),
        (&["--encoder", "tiny", "--device", "tpu"], "expected cpu, cuda or cuda:N"),
        (&["--encoder", "some", "--vocab", "v.txt"], "--vocab goes with --encoder tiny only"),
        (&["--init", "run", "--batch", "0"], "--batch must be at least 1"),
        (&["--init", "run", "--batch", "8", "--max-tokens", "900"], "cannot be used with"),
        (&["--init", "run", "--accumulate", "0"], "--accumulate must be at least 1"),
        (&["--init", "run", "--save-every", "0"], "--save-every must be at least 1"),
        (&["--init", "run", "--shuffle-buffer", "0"], "--shuffle-buffer must be at least 1"),
        (&[], "--encoder"),
    ] {
        let said = fail(dir, &[&base[..], more].concat(), 2);
        assert!(said.contains(expected), "{said}");
    }
    let base = ["--data", "d", "--out", "o", "--init", "run"];
    for (command, option, value, expected) in [
        ("nee", "--relabel-threshold", "1.5", "--relabel-threshold 1.5 is not between 0 and 1"),
        ("nee", "--unlabelled-confidence", "7", "--unlabelled-confidence 7 is not between 0 and 1"),
        ("nee", "--relabel", "keep", "--relabel keep changes nothing without --unlabelled"),
        ("nee", "--relabel", "none", "[possible values: replace, union, keep]"),
        ("fet", "--clusters", "1", "--clusters must be at least 2"),
        ("fet", "--gamma", "NaN", "--gamma NaN is not a number from 0 up"),
        ("fet", "--pca", "0", "--pca must be at least 1"),
    ] {
        let said = fail(dir, &[&[command], &base[..], &[option, value]].concat(), 2);
        assert!(said.contains(expected), "{said}");
    }
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_build_without_cuda_says_so() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    write(&dir.join("train"), triples(&sentences(4, 0), false), None);
    let args = ["finetune", "--data", "train", "--encoder", "tiny", "--out", "run", "--device", "cuda"];
    let said = fail(dir, &args, 1);
    assert!(said.contains("--device cuda:0: this build has no cuda support; build `train` with --features cuda"), "{said}");
}

#[test]
fn help_shows_defaults_and_an_example() {
    let temporary = tempfile::tempdir().unwrap();
    for (command, default) in [
        ("esi", "[default: 6e-6; with --recipe tuned: 5e-5]"),
        ("nee", "[default: 0.4; with"),
        ("fet", "[default: 23]"),
        ("finetune", "[default: 3e-5; with --recipe tuned: 5e-5, from --encoder 1e-4]"),
        ("check", "[default: 131072]"),
        ("resume", "[default: 0]"),
        ("pipeline", "[default: 0]"),
        ("export", "--output"),
        ("evaluate", "[default: 32]"),
        ("predict", "[default: -]"),
    ] {
        let output = train(temporary.path(), &[command, "--help"]);
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(help.contains("Example") && help.contains(default), "{command}: {help}");
    }
}

#[test]
fn check_tells_what_is_wrong_with_the_data() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let mut train = triples(&sentences(40, 1), false);
    // A label whose query is that of another, and a text that no word piece of the encoder spells.
    let mut odd = train[0].clone();
    (odd.label, odd.context) = ("ORG".to_owned(), "ᚠᚢᚦ ".repeat(30));
    odd.spans.clear();
    train.push(odd);
    write(&dir.join("train"), train, None);
    write(&dir.join("dev"), triples(&sentences(12, 1), false), None);
    write(&dir.join("esi"), triples(&sentences(8, 0), true), None);
    let encoder = encoder();
    let encoder = ["--encoder", encoder.to_str().unwrap()];

    let said = succeed(dir, &[&["check", "train", "--dev", "dev"], &encoder[..]].concat());
    for expected in [
        "triples                                        81             24",
        "  PER                                          30",
        "warning: train: ORG and PER have the same query, `which person ?`",
        "sentences of dev are in train too",
        "a step holds ",
        "[UNK] among word pieces",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let json: serde_json::Value = serde_json::from_str(&succeed(dir, &["check", "train", "--test", "esi", "--json"])).unwrap();
    assert_eq!((&json["sets"]["train"]["triples"], &json["sets"]["test"]["labels"]["Entity"]["triples"]), (&81.into(), &8.into()));
    assert!(json["step"].is_null() && json["sets"]["train"]["lengths"].is_null(), "nothing was tokenised: {json}");
    let warnings = json["warnings"].to_string();
    assert!(warnings.contains("answers of Entity are in test, but not in train"), "{warnings}");
    assert!(fail(dir, &["check", "nowhere"], 1).contains("nowhere"));
    assert!(fail(dir, &["check", "train", "--batch", "0"], 2).contains("--batch must be at least 1"));

    // A stage warns of the gross faults.
    let args = ["finetune", "--data", "esi", "--dev", "dev", "--out", "run", "--max-steps", "1"];
    let output = train_common::train(dir, &[&args[..], &encoder].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("warning: --dev asks for LOC, PER, but --data for Entity"), "{said}");
}
