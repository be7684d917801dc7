//! All four stages by one file, and what others make of a run, on the real binary.

#![allow(clippy::unwrap_used, missing_docs)]

mod train_common;

use std::path::Path;

use train_common::{encoder, fail, sentences, succeed, train, triples, write};

#[test]
fn a_pipeline_runs_what_is_not_finished() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    write(&dir.join("esi"), triples(&sentences(60, 0), true), None);
    write(&dir.join("train"), triples(&sentences(60, 1), false), None);
    write(&dir.join("dev"), triples(&sentences(20, 2), false), None);
    let encoder = encoder();
    let settings = |epochs: usize| {
        let file = format!(
            "out = \"runs\"\nencoder = {:?}\nlr = 1e-3\nepochs = {epochs}\n[esi]\ndata = \"esi\"\n[nee]\ndata = \"train\"\nrelabel = \"union\"\n\
             [fet]\nclusters = 4\n[finetune]\ndata = \"train\"\ndev = \"dev\"\neval_every = 0\n",
            encoder.to_str().unwrap()
        );
        std::fs::write(dir.join("stages.toml"), file).unwrap();
    };
    settings(2);
    let said = |args: &[&str]| {
        let output = train(dir, args);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stderr).unwrap()
    };
    let lines = |said: &str| said.lines().filter(|line| line.starts_with("stage ")).map(str::to_owned).collect::<Vec<_>>();
    let first = said(&["pipeline", "stages.toml"]);
    assert_eq!(
        lines(&first),
        ["esi", "nee", "fet", "finetune"]
            .iter()
            .enumerate()
            .map(|(number, stage)| format!("stage {} of 4: {stage} in runs/{stage}: starts", number + 1))
            .collect::<Vec<_>>()
    );
    let table: Vec<Vec<&str>> = first.lines().rev().take(5).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(table[4], ["run", "steps", "epochs", "dev", "F1", "test", "F1"]);
    assert!(table[3][0] == "runs/esi" && table[3][2..] == ["2", "–", "–"], "{first}");
    assert!(table[0][0] == "runs/finetune" && table[0][3].parse::<f64>().is_ok_and(|f1| (0.0..=1.0).contains(&f1)), "{first}");
    let weights = |stage: &str| std::fs::read(dir.join("runs").join(stage).join("model.safetensors")).unwrap();
    let (fet, last) = (weights("fet"), weights("finetune"));
    assert!(std::fs::read_to_string(dir.join("runs/fet/run.toml")).unwrap().contains("data = \"runs/nee/relabelled/round-2\""));

    // One stage was stopped before its end, the next one not begun.
    std::fs::remove_file(dir.join("runs/fet/result.json")).unwrap();
    std::fs::remove_dir_all(dir.join("runs/finetune")).unwrap();
    let again = said(&["pipeline", "stages.toml"]);
    let states: Vec<String> = lines(&again).iter().map(|line| line.rsplit(": ").next().unwrap().to_owned()).collect();
    assert_eq!(states, ["finished, kept", "finished, kept", "resumes", "starts"]);
    assert!(weights("fet") == fet && weights("finetune") == last, "the same weights, however they came about");

    settings(3);
    let said = fail(dir, &["pipeline", "stages.toml", "--quiet"], 1);
    assert!(said.contains("run runs/esi was started with other settings (epochs = 2 there, epochs = 3 here)"), "{said}");
    std::fs::write(dir.join("stages.toml"), "out = \"runs\"\n[esi]\ndata = \"esi\"\nspeed = 1\n").unwrap();
    assert!(fail(dir, &["pipeline", "stages.toml"], 2).contains("stages.toml, line 4: [esi]: `speed` is not an option of esi"));
}

/// Names and values of a file of weights.
fn tensors(path: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let bytes = std::fs::read(path).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    tensors.iter().map(|(name, view)| (name.to_owned(), view.data().to_vec())).collect()
}

#[test]
fn a_run_is_exported_and_its_mistakes_are_told() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    write(&dir.join("train"), triples(&sentences(90, 1), false), None);
    let encoder = encoder();
    let args =
        ["fet", "--data", "train", "--encoder", encoder.to_str().unwrap(), "--out", "run", "--lr", "1e-3", "--epochs", "1", "--quiet"];
    succeed(dir, &args);
    succeed(dir, &["export", "run", "-o", "exported"]);
    let (run, exported) = (tensors(&dir.join("run/model.safetensors")), tensors(&dir.join("exported/model.safetensors")));
    assert!(run.contains_key("cluster_classify.weight"));
    let expected: std::collections::BTreeMap<_, _> = run.into_iter().filter(|(name, _)| !name.starts_with("cluster_classify")).collect();
    assert!(exported == expected);
    for file in ["tokenizer.json", "vocab.txt", "tokenizer_config.json"] {
        assert!(std::fs::read(dir.join("run").join(file)).unwrap() == std::fs::read(dir.join("exported").join(file)).unwrap(), "{file}");
    }
    let json = |path: &str| -> serde_json::Value { serde_json::from_slice(&std::fs::read(dir.join(path)).unwrap()).unwrap() };
    let (mut config, expected) = (json("exported/config.json"), json("run/config.json"));
    let described = config.as_object_mut().unwrap().remove("mrc").unwrap();
    assert_eq!((&described["max_length"], &described["nested"]), (&150.into(), &false.into()));
    assert_eq!(described["queries"][0]["label"], "PER");
    assert_eq!(config.as_object_mut().unwrap().remove("auto_map").unwrap()["AutoModel"], "modeling_mrc.MrcModel");
    assert_eq!(config, expected);
    let card = std::fs::read_to_string(dir.join("exported/README.md")).unwrap();
    assert!(card.contains("| PER | ") && card.contains("of at most 150 word pieces"), "{card}");
    assert!(std::fs::read_to_string(dir.join("exported/modeling_mrc.py")).unwrap().contains("class MrcModel"));
    assert!(fail(dir, &["export", "run", "-o", "exported"], 1).contains("exported is not empty"));
    succeed(dir, &["export", "run", "-o", "exported", "--overwrite"]);
    // It is an encoder again, and its heads come with it.
    succeed(dir, &["finetune", "--data", "train", "--encoder", "exported", "--out", "next", "--lr", "1e-3", "--epochs", "12", "--quiet"]);

    // An export predicts and is evaluated as its run is, with the longest sequence of the run; an export of it is the same.
    succeed(dir, &["export", "next", "-o", "export-of-next"]);
    succeed(dir, &["export", "export-of-next", "-o", "once-more", "--format", "hf"]);
    assert_eq!(json("once-more/config.json"), json("export-of-next/config.json"));
    std::fs::write(dir.join("text"), "Anna Berg lives in Oslo . ".repeat(40)).unwrap();
    let predict = |model: &str| succeed(dir, &["predict", model, "--queries", "exported/queries.toml", "text", "--json", "-q"]);
    let found = predict("next");
    assert!(found.contains("Anna Berg"), "{found}");
    assert_eq!([predict("export-of-next"), predict("once-more")], [&found, &found].map(String::clone));
    let evaluate = |model: &str| {
        let scores = succeed(dir, &["evaluate", model, "--data", "train", "--json", "-q"]);
        serde_json::from_str::<serde_json::Value>(&scores).unwrap()["labels"].clone()
    };
    assert_eq!(evaluate("export-of-next"), evaluate("next"));
    succeed(dir, &["finetune", "--data", "train", "--init", "once-more", "--out", "initialised", "--max-steps", "1", "--quiet"]);
    assert!(fail(dir, &["predict", "train", "--queries", "exported/queries.toml", "text"], 1).contains("train is not a run"));

    // Every third answer of the gold is gone, every fourth one is cut short: mistakes of both kinds.
    let mut gold = triples(&sentences(60, 2), false);
    let mut answered: Vec<_> = gold.iter_mut().filter(|triple| !triple.impossible).collect();
    for (number, triple) in answered.iter_mut().enumerate() {
        match number % 12 {
            0 | 3 | 6 => {
                triple.spans.clear();
                triple.impossible = true;
            }
            1 | 5 => {
                triple.spans[0].end -= 1;
                triple.spans[0].text.pop();
            }
            _ => {}
        }
    }
    write(&dir.join("gold"), gold, None);
    let scores = succeed(dir, &["evaluate", "next", "--data", "gold", "--json", "--errors", "errors.jsonl", "--quiet"]);
    let scores: serde_json::Value = serde_json::from_str(&scores).unwrap();
    let kinds = &scores["confusion"]["kinds"];
    let count = |kind: &str| kinds[kind].as_u64().unwrap();
    assert_eq!(count("correct"), scores["correct"].as_u64().unwrap());
    let of_gold = count("correct") + count("wrong label") + count("wrong borders") + count("wrong borders and label") + count("missed");
    assert_eq!(of_gold, scores["support"].as_u64().unwrap());
    assert!(count("wrong borders") > 0 && count("invented") > 0 && count("correct") > 0, "{kinds}");
    let errors = std::fs::read_to_string(dir.join("errors.jsonl")).unwrap();
    assert_eq!(errors.lines().count() as u64, of_gold - count("correct") + count("invented"));
    for line in errors.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let entity = if line["gold"].is_null() { &line["predicted"] } else { &line["gold"] };
        assert!(line["context"].as_str().unwrap().contains(entity["text"].as_str().unwrap()), "{line}");
    }
    assert!(succeed(dir, &["evaluate", "next", "--data", "gold", "--quiet"]).contains("wrong borders"));
}
