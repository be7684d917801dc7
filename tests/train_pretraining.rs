//! Stages 2 and 3, and nested answers, on the real binary.

#![allow(clippy::unwrap_used, missing_docs)]

mod train_common;

use std::fs::File;
use std::path::Path;

use arrow::array::AsArray;
use arrow::datatypes::UInt32Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use schemas::{Origin, Row, ShardFolder, Triple};
use train_common::{encoder, fail, losses, sentences, succeed, triples, write};

fn rows(dir: &Path) -> Vec<Triple> {
    ShardFolder::open::<Triple>(dir).unwrap().rows::<Triple>().flat_map(Result::unwrap).collect()
}

/// Triples of which every third answer was overlooked.
fn noisy() -> Vec<Triple> {
    let mut triples = triples(&sentences(120, 1), false);
    let answered = triples.iter_mut().filter(|triple| !triple.impossible);
    for triple in answered.step_by(3) {
        triple.spans.clear();
        triple.impossible = true;
    }
    triples
}

#[test]
fn each_round_labels_the_training_set_anew() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    write(&dir.join("noisy"), noisy(), None);
    // A reader that knows nothing yet would find nothing, and learn from that.
    write(&dir.join("other"), triples(&sentences(120, 2), false), None);
    let first = ["finetune", "--data", "other", "--encoder", "tiny", "--out", "first", "--lr", "1e-3", "--epochs", "10", "--quiet"];
    succeed(dir, &first);
    let nee = |out: &str, options: &[&str]| {
        let fixed = ["nee", "--data", "noisy", "--init", "first", "--out", out, "--lr", "3e-4", "--epochs", "3", "--quiet"];
        succeed(dir, &[&fixed[..], options].concat());
    };
    nee("replaced", &["--relabel-growth"]);
    let settings = std::fs::read_to_string(dir.join("replaced/run.toml")).unwrap();
    assert!(settings.contains("threshold = 0.1"), "{settings}");
    let given = noisy();
    let answers = |rows: &[Triple]| rows.iter().map(|row| row.spans.len()).sum::<usize>();
    let whole = answers(&triples(&sentences(120, 1), false));
    for round in 1..=3 {
        let round = dir.join(format!("replaced/relabelled/round-{round}"));
        let manifest = std::fs::read_to_string(round.join("_manifest.json")).unwrap();
        assert!(manifest.contains("\"command\": \"nee\""), "{manifest}");
        let rows = rows(&round);
        assert_eq!(rows.len(), given.len());
        for (row, given) in rows.iter().zip(&given) {
            row.check().unwrap();
            assert_eq!((&row.id, &row.context, row.impossible), (&given.id, &given.context, row.spans.is_empty()));
            assert!(row.spans.is_sorted_by_key(|span| (span.start, span.end)));
            assert!(row.spans.iter().all(|span| span.origin == Origin::Model && span.score.is_some_and(|score| score > 0.01)));
        }
    }
    let last = rows(&dir.join("replaced/relabelled/round-3"));
    assert!(answers(&last) > answers(&given), "{} of {whole} found, {} given", answers(&last), answers(&given));
    assert!(!dir.join("replaced/relabelled/round-4").exists());

    nee("added", &["--relabel", "union"]);
    for (row, given) in rows(&dir.join("added/relabelled/round-3")).iter().zip(&given) {
        assert!(given.spans.iter().all(|span| row.spans.contains(span)), "what was given stays: {row:?}");
    }
}

#[test]
fn rounds_add_what_the_model_is_sure_of() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    write(&dir.join("given"), triples(&sentences(120, 1), false), None);
    let unlabelled: Vec<Triple> =
        triples(&sentences(80, 3), false).into_iter().map(|triple| Triple { spans: Vec::new(), impossible: true, ..triple }).collect();
    write(&dir.join("unlabelled"), unlabelled.clone(), None);
    let nee = |out: &str, options: &[&str]| {
        let fixed = ["nee", "--data", "given", "--unlabelled", "unlabelled", "--encoder", "tiny", "--out", out, "--lr", "1e-3", "--quiet"];
        succeed(dir, &[&fixed[..], options].concat());
        let round = format!("{out}/relabelled/round-2");
        let manifest = std::fs::read_to_string(dir.join(&round).join("_manifest.json")).unwrap();
        (rows(&dir.join(&round)), manifest)
    };
    let keep = ["--relabel", "keep", "--epochs", "2", "--unlabelled-confidence", "0.3"];
    let (round, manifest) = nee("kept", &keep);
    let given = rows(&dir.join("given"));
    assert_eq!(round[..given.len()], given, "what was given stays as it is");
    let added = &round[given.len()..];
    assert!(!added.is_empty() && added.len() < unlabelled.len(), "{} of {}", added.len(), unlabelled.len());
    assert!(manifest.contains("the model is not sure"), "{manifest}");
    for row in added {
        let of = unlabelled.iter().find(|triple| triple.id == row.id).unwrap();
        assert_eq!((&row.context, &row.label, row.impossible), (&of.context, &of.label, row.spans.is_empty()));
        assert!(row.spans.iter().all(|span| span.origin == Origin::Model && span.score.is_some_and(|score| score >= 0.3)));
    }

    // A round that restarts trains as a run of its own would: the same weights, and the same learning rates from the start.
    nee("restarted", &[&keep[..], &["--restart", "--save-every", "10"]].concat());
    let metrics = |run: &str| {
        let text = std::fs::read_to_string(dir.join(run).join("metrics.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let of_step = |line: serde_json::Value| {
            let [epoch, lr, loss] = ["epoch", "lr", "loss"].map(|key| line[key].as_f64());
            Some((epoch?, lr?, loss?))
        };
        lines.filter_map(of_step).collect::<Vec<(f64, f64, f64)>>()
    };
    let [first, second] = [1.0, 2.0].map(|epoch| metrics("restarted").into_iter().filter(|line| line.0 == epoch).collect::<Vec<_>>());
    let last = first.last().unwrap();
    assert!(second[0].1 <= first[0].1 && second[0].1 > 0.0, "the second warm-up begins as low: {first:?} {second:?}");
    assert!(last.1 < first[first.len() / 2].1 / 4.0, "the rate of the first round falls to its end: {first:?}");
    assert!((second[0].2 - first[0].2).abs() < 0.2 * first[0].2 && last.2 < 0.8 * first[0].2, "losses begin anew: {first:?} {second:?}");
}

#[test]
fn clusters_are_made_before_each_epoch() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    write(&dir.join("train"), triples(&sentences(96, 1), false), None);
    let encoder = encoder();
    let encoder = ["--encoder", encoder.to_str().unwrap(), "--quiet"];
    succeed(dir, &[&["nee", "--data", "train", "--out", "nee", "--epochs", "2", "--relabel", "union"], &encoder[..]].concat());

    let fet = |out: &str, options: &[&str]| {
        let fixed = ["fet", "--data", "nee", "--init", "nee", "--out", out, "--lr", "1e-3", "--epochs", "2", "--clusters", "6", "--quiet"];
        succeed(dir, &[&fixed[..], options].concat());
        let settings = std::fs::read_to_string(dir.join(out).join("run.toml")).unwrap();
        assert!(settings.contains("data = \"nee/relabelled/round-2\""), "{settings}");
        for epoch in 1..=2 {
            let path = dir.join(out).join(format!("clusters/epoch-{epoch}.parquet"));
            let batches = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
            let mut spans = Vec::new();
            for batch in batches {
                let batch = batch.unwrap();
                let strings = |name: &str| batch.column_by_name(name).unwrap().as_string::<i32>().clone();
                let numbers = |name: &str| batch.column_by_name(name).unwrap().as_primitive::<UInt32Type>().clone();
                for row in 0..batch.num_rows() {
                    let (start, end) = (numbers("start").value(row), numbers("end").value(row));
                    let context = strings("context");
                    let slice = schemas::char_slice(context.value(row), start, end);
                    assert_eq!(slice, Some(strings("text").value(row)));
                    assert!(numbers("cluster").value(row) < 6);
                    spans.push(numbers("cluster").value(row));
                }
            }
            let answers: usize = rows(&dir.join("nee/relabelled/round-2")).iter().map(|row| row.spans.len()).sum();
            assert_eq!(spans.len(), answers);
            spans.sort_unstable();
            spans.dedup();
            assert!(spans.len() > 1, "{spans:?}");
        }
    };
    fet("means", &[]);
    fet("power", &["--clustering", "pic", "--pool", "max", "--cluster-head", "reset", "--pca", "5"]);
    fet("other", &["--cluster-start", "random", "--pool", "mean", "--noise-weighting"]);

    // Pictures of the run.
    let drawn = succeed(dir, &["plot", "means"]);
    let names = ["loss", "clusters", "spans-by-cluster", "spans-by-label"];
    assert_eq!(drawn.lines().collect::<Vec<_>>(), names.map(|name| format!("means/plots/{name}.svg")));
    let picture = |name: &str| std::fs::read_to_string(dir.join(format!("means/plots/{name}.svg"))).unwrap();
    for name in names {
        assert!(picture(name).starts_with("<svg") && picture(name).contains("means (fet)"), "{name}");
    }
    assert!(picture("spans-by-label").matches("<circle").count() > 60 && picture("spans-by-label").contains("PER"));
    succeed(dir, &["plot", "nee", "-o", "pictures"]);
    assert!(dir.join("pictures/loss.svg").exists() && !dir.join("pictures/clusters.svg").exists());

    // Half of the loss of answers, and γ times that of clusters.
    let data = ["--data", "nee/relabelled/round-2", "--init", "nee", "--dropout", "0", "--max-steps", "1", "--quiet", "--out"];
    let first = |command: &[&str], out: &str| {
        succeed(dir, &[command, &data[..], &[out]].concat());
        losses(&dir.join(out))[0]
    };
    let answers = first(&["finetune"], "plain");
    let [none, some, more] = ["0", "1", "2"].map(|gamma| first(&["fet", "--gamma", gamma], gamma));
    let clusters = some - none;
    assert!((none - answers / 2.0).abs() < 1e-5 && (more - some - clusters).abs() < 1e-5, "{answers} {none} {some} {more}");
    assert!(clusters > 1.0, "23 clusters are not told apart by random weights: {clusters}");
    // The head of clusters goes no further.
    succeed(dir, &["finetune", "--data", "train", "--init", "means", "--out", "last", "--max-steps", "2", "--quiet"]);
    let size = |run: &str| std::fs::metadata(dir.join(run).join("model.safetensors")).unwrap().len();
    assert!(size("last") < size("means"));
    assert!(
        fail(dir, &["fet", "--data", "means", "--init", "means", "--out", "other"], 1).contains("no finished round of relabelled triples")
    );
    succeed(dir, &["evaluate", "means", "--data", "train", "--quiet"]);
}

/// Sentences in which a name may be the beginning of another of the same label.
fn nested(count: usize, seed: usize) -> Vec<(String, Vec<(&'static str, String)>)> {
    let places = ["Paris", "Rome", "Oslo", "Lima", "Cairo"];
    let endings = ["Press", "Orchestra", "Library", "Archive"];
    (0..count)
        .map(|number| {
            let at = number * 7 + seed * 3;
            let (inner, ending) = (format!("Bank of {}", places[at % places.len()]), endings[(at / 2) % endings.len()]);
            match at % 3 {
                0 => (format!("The {inner} was closed ."), vec![("ORG", inner)]),
                1 => (format!("We saw the {inner} {ending} there ."), vec![("ORG", inner.clone()), ("ORG", format!("{inner} {ending}"))]),
                _ => ("Nobody was there in the morning .".to_owned(), Vec::new()),
            }
        })
        .collect()
}

#[test]
fn nested_answers_are_found_by_a_reader_that_scores_pairs() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let triples = |count, seed| {
        let mut triples = triples(&nested(count, seed), true);
        triples.iter_mut().for_each(|triple| triple.spans.sort_by_key(|span| (span.start, span.end)));
        triples
    };
    write(&dir.join("train"), triples(150, 1), None);
    write(&dir.join("dev"), triples(60, 2), None);
    let f1 = |out: &str, options: &[&str]| {
        let fixed = ["finetune", "--data", "train", "--encoder", "tiny", "--out", out, "--lr", "1e-3", "--epochs", "8", "--warmup", "0.1"];
        succeed(dir, &[&fixed[..], &["--eval-every", "0", "--quiet"], options].concat());
        let scores: serde_json::Value =
            serde_json::from_str(&succeed(dir, &["evaluate", out, "--data", "dev", "--json", "--quiet"])).unwrap();
        scores["f1"].as_f64().unwrap()
    };
    let (flat, nested) = (f1("flat", &[]), f1("nested", &["--nested"]));
    println!("F1 flat {flat:.3}, nested {nested:.3}");
    // One start takes one end, so a flat reader finds two of three answers at best: F1 0.8.
    assert!(flat < 0.81 && nested > 0.95, "flat {flat}, nested {nested}");
    let queries = "name = \"one\"\nlang = \"en\"\n[[query]]\nlabel = \"Entity\"\ntext = \"which name ?\"\n";
    std::fs::write(dir.join("one.toml"), queries).unwrap();
    std::fs::write(dir.join("text.txt"), "We saw the Bank of Oslo Press there .\n").unwrap();
    let marked = succeed(dir, &["predict", "nested", "--queries", "one.toml", "text.txt", "--overlapping"]);
    assert_eq!(marked, "We saw the [[Bank of Oslo Entity] Press Entity] there .\n");
    let flat = succeed(dir, &["predict", "nested", "--queries", "one.toml", "text.txt"]);
    assert_eq!(flat.matches('[').count(), 1, "of overlapping entities one is marked: {flat}");
    // A stage may add the head to a run that has none, and one may leave it behind.
    succeed(dir, &["finetune", "--data", "train", "--init", "flat", "--out", "more", "--nested", "--max-steps", "2", "--quiet"]);
    succeed(dir, &["finetune", "--data", "train", "--init", "nested", "--out", "less", "--max-steps", "2", "--quiet"]);
}
