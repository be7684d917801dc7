//! The stages on the real binary: esi, finetune, evaluate, predict.

#![allow(clippy::unwrap_used, missing_docs)]

mod train_common;

use std::path::Path;

use schemas::{Origin, Row, Triple};
use train_common::{QUERIES, sentences, succeed, train, triples, write};

fn data(dir: &Path) {
    write(&dir.join("esi"), triples(&sentences(160, 0), true), None);
    write(&dir.join("train"), triples(&sentences(160, 1), false), None);
    write(&dir.join("dev"), triples(&sentences(40, 2), false), None);
    std::fs::write(dir.join("toy.toml"), QUERIES).unwrap();
}

#[test]
fn a_reader_learns_in_two_stages_and_is_put_to_use() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    data(dir);
    succeed(
        dir,
        &["esi", "--data", "esi", "--encoder", "tiny", "--out", "stage1", "--lr", "1e-3", "--epochs", "6", "--warmup", "0.1", "--quiet"],
    );
    let scores = succeed(dir, &["evaluate", "stage1", "--data", "esi", "--json"]);
    let scores: serde_json::Value = serde_json::from_str(&scores).unwrap();
    assert!(scores["f1"].as_f64().unwrap() > 0.9, "stage 1: {scores}");
    let said = succeed(
        dir,
        &[
            "finetune",
            "--data",
            "train",
            "--dev",
            "dev",
            "--init",
            "stage1",
            "--out",
            "stage4",
            "--lr",
            "1e-3",
            "--epochs",
            "16",
            "--warmup",
            "0.1",
            "--eval-every",
            "0",
            "--quiet",
        ],
    );
    assert!(said.contains("micro avg"), "{said}");
    for file in ["run.toml", "config.json", "model.safetensors", "vocab.txt", "tokenizer.json", "tokenizer_config.json", "metrics.jsonl"] {
        assert!(dir.join("stage4").join(file).exists(), "{file}");
    }
    let checkpoints: Vec<_> = std::fs::read_dir(dir.join("stage4/checkpoints")).unwrap().collect();
    assert_eq!(checkpoints.len(), 1, "the last checkpoint, and no other");
    let settings = std::fs::read_to_string(dir.join("stage4/run.toml")).unwrap();
    assert!(settings.contains("seed = 3006") && settings.contains("max_length = 150"), "{settings}");
    let metrics = std::fs::read_to_string(dir.join("stage4/metrics.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = metrics.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().filter(|line| line.get("dev").is_some()).count(), 16, "an evaluation an epoch");
    assert!(lines[0]["loss"].as_f64().unwrap() > lines[lines.len() - 3]["loss"].as_f64().unwrap());

    let scores = succeed(dir, &["evaluate", "stage4", "--data", "dev", "--json", "--predictions", "predictions.jsonl", "--quiet"]);
    let scores: serde_json::Value = serde_json::from_str(&scores).unwrap();
    let f1 = scores["f1"].as_f64().unwrap();
    assert!(f1 > 0.9, "F1 {f1}");
    let best = lines.iter().filter_map(|line| line["dev"]["f1"].as_f64()).fold(0.0, f64::max);
    assert_eq!(f1, best, "the folder holds the best weights");
    assert_eq!(scores["labels"].as_object().unwrap().len(), 2);
    let predictions = std::fs::read_to_string(dir.join("predictions.jsonl")).unwrap();
    assert_eq!(predictions.lines().count(), 80, "a line a triple");

    std::fs::write(dir.join("text.txt"), "Clara Voss lives in Oslo .\n\nWe saw Ben yesterday .\n").unwrap();
    let marked = succeed(dir, &["predict", "stage4", "--queries", "toy.toml", "text.txt"]);
    assert_eq!(marked, "[Clara Voss PER] lives in [Oslo LOC] .\n\nWe saw [Ben PER] yesterday .\n");
    succeed(dir, &["predict", "stage4", "--queries", "toy.toml", "text.txt", "-o", "out.jsonl"]);
    let first = std::fs::read_to_string(dir.join("out.jsonl")).unwrap().lines().next().unwrap().to_owned();
    let first: serde_json::Value = serde_json::from_str(&first).unwrap();
    assert_eq!(first["entities"][1]["text"], "Oslo");
    assert_eq!((&first["entities"][1]["start"], &first["entities"][1]["end"]), (&20.into(), &24.into()));
    // Its own output is input again, and so is a folder of triples.
    let json = succeed(dir, &["predict", "stage4", "--queries", "toy.toml", "text.txt", "--json"]);
    assert_eq!(json, std::fs::read_to_string(dir.join("out.jsonl")).unwrap());
    assert_eq!(succeed(dir, &["predict", "stage4", "--queries", "toy.toml", "out.jsonl"]), marked);
    assert_eq!(succeed(dir, &["predict", "stage4", "--queries", "toy.toml", "dev"]).lines().count(), 40);

    succeed(dir, &["predict", "stage4", "--queries", "toy.toml", "text.txt", "-o", "out.parquet", "--lang", "de"]);
    let rows: Vec<Triple> = schemas::shard::open_shard(&dir.join("out.parquet"))
        .unwrap()
        .flat_map(|batch| Triple::from_batch(&batch.unwrap()).unwrap())
        .collect();
    assert_eq!(rows.len(), 6);
    assert_eq!((rows[0].lang.as_str(), rows[0].spans[0].text.as_str(), rows[0].spans[0].origin), ("de", "Clara Voss", Origin::Model));
    assert!(rows[0].spans[0].score.unwrap() > 0.25 && rows[2].impossible);
    assert_eq!(succeed(dir, &["predict", "stage4", "--queries", "toy.toml", "out.parquet"]), marked);

    // Tokens and other fields pass through, bad lines are counted, and every format has the same entities.
    let words = "\u{feff}{\"id\": 7, \"tokens\": [\"We\", \"saw\", \"Ben\", \"yesterday\", \".\"]}\n\n{\"txt\": 1}\n";
    std::fs::write(dir.join("words.jsonl"), words).unwrap();
    let predict = |options: &[&str]| succeed(dir, &[&["predict", "stage4", "--queries", "toy.toml", "words.jsonl"], options].concat());
    let line: serde_json::Value = serde_json::from_str(&predict(&["--json", "--flat"])).unwrap();
    let entity = &line["entities"][0];
    assert_eq!(
        (&line["id"], &entity["text"], &entity["start_token"], &entity["end_token"]),
        (&7.into(), &"Ben".into(), &2.into(), &3.into())
    );
    assert_eq!(predict(&["--format", "conll"]), "We\tO\nsaw\tO\nBen\tB-PER\nyesterday\tO\n.\tO\n\n");
    let tags = "{\"id\":\"7\",\"tokens\":[\"We\",\"saw\",\"Ben\",\"yesterday\",\".\"],\"ner_tags\":[\"O\",\"O\",\"B-PER\",\"O\",\"O\"]}\n";
    assert_eq!(predict(&["--format", "hf"]), tags);
    predict(&["--format", "hf", "-o", "hf.parquet"]);
    assert_eq!(schemas::shard::open_shard(&dir.join("hf.parquet")).unwrap().map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 1);
    predict(&["--format", "parquet", "-o", "folder"]);
    assert_eq!(schemas::ShardFolder::open::<Triple>(&dir.join("folder")).unwrap().manifest().rows(), 2);
    std::fs::write(dir.join("bad.jsonl"), "{}\n").unwrap();
    let output = train(dir, &["predict", "stage4", "--queries", "toy.toml", "bad.jsonl"]);
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("no line of the input is a text"));
}

#[test]
fn the_same_seed_gives_the_same_weights() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    write(&dir.join("train"), triples(&sentences(40, 1), false), None);
    let run = |out: &str, seed: &str, threads: &str| {
        let args =
            ["--data", "train", "--encoder", "tiny", "--out", out, "--max-steps", "4", "--seed", seed, "--threads", threads, "--quiet"];
        succeed(dir, &[&["finetune"], &args[..]].concat());
        std::fs::read(dir.join(out).join("model.safetensors")).unwrap()
    };
    let first = run("a", "5", "1");
    assert!(first == run("b", "5", "3"), "weights depend on the number of threads");
    assert!(first != run("c", "6", "1"), "weights do not depend on the seed");
}

#[test]
fn contexts_longer_than_the_window_are_answered_to_the_end() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    // Up to six sentences before the one with names, in windows of 15 word pieces.
    let long = |count, seed| -> Vec<_> {
        let filled = sentences(count, seed).into_iter().enumerate();
        filled.map(|(number, (text, answers))| ("Nobody was there in the morning . ".repeat(number % 7) + &text, answers)).collect()
    };
    write(&dir.join("train"), triples(&long(160, 1), false), None);
    write(&dir.join("dev"), triples(&long(40, 2), false), None);
    let args =
        ["--data", "train", "--encoder", "tiny", "--out", "run", "--lr", "1e-3", "--epochs", "8", "--warmup", "0.1", "--max-length", "21"];
    succeed(dir, &[&["finetune", "--quiet"], &args[..]].concat());
    let scores = succeed(dir, &["evaluate", "run", "--data", "dev", "--json"]);
    let scores: serde_json::Value = serde_json::from_str(&scores).unwrap();
    assert!(scores["counters"]["windowed"].as_u64().unwrap() > 40, "{scores}");
    assert!(scores["f1"].as_f64().unwrap() > 0.95, "{scores}");
}
