//! Runs that are killed and go on, and steps made of several batches, on the real binary.

#![allow(clippy::unwrap_used, missing_docs)]

mod train_common;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use train_common::{encoder, fail, losses, metrics, sentences, succeed, triples, write};

fn data(dir: &Path) {
    write(&dir.join("train"), triples(&sentences(48, 1), false), None);
    write(&dir.join("dev"), triples(&sentences(12, 2), false), None);
}

/// Starts the binary and kills it once `metrics.jsonl` has so many lines, or some more. Whether it came to its end first.
fn killed(dir: &Path, args: &[&str], run: &str, lines: usize, more: Duration) -> bool {
    let mut child = Command::new(env!("CARGO_BIN_EXE_train")).args(args).current_dir(dir).stdout(Stdio::null()).spawn().unwrap();
    let path = dir.join(run).join("metrics.jsonl");
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "train {args:?}");
            return false;
        }
        if std::fs::read_to_string(&path).is_ok_and(|text| text.lines().count() >= lines) {
            std::thread::sleep(more);
            child.kill().unwrap();
            child.wait().unwrap();
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// All that a finished run must have in common with one that was never stopped.
fn same(dir: &Path, whole: &str, stopped: &str) {
    let newest = |run: &str| {
        let entries: Vec<_> = std::fs::read_dir(dir.join(run).join("checkpoints")).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(entries.len(), 1, "one checkpoint stays");
        entries[0].clone()
    };
    let (a, b) = (newest(whole), newest(stopped));
    assert_eq!(a.file_name(), b.file_name());
    let mut pairs = vec![(a.join("model.safetensors"), b.join("model.safetensors"))];
    pairs.extend(["model.safetensors", "result.json", "run.toml"].map(|file| (dir.join(whole).join(file), dir.join(stopped).join(file))));
    for (a, b) in pairs {
        assert!(std::fs::read(&a).unwrap() == std::fs::read(&b).unwrap(), "{} and {} differ", a.display(), b.display());
    }
    // Parts of this file come in no fixed order.
    let moments = |path: &Path| {
        let bytes = std::fs::read(path.join("moments.safetensors")).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let mut parts: Vec<(String, Vec<u8>)> = tensors.iter().map(|(name, view)| (name.to_owned(), view.data().to_vec())).collect();
        parts.sort();
        parts
    };
    assert!(moments(&a) == moments(&b), "moments differ");
    let lines = |run: &str| {
        let mut lines = metrics(&dir.join(run));
        lines.iter_mut().for_each(|line| drop(line.as_object_mut().unwrap().remove("seconds")));
        lines
    };
    assert_eq!(lines(whole), lines(stopped));
}

#[test]
fn a_killed_run_ends_as_if_never_stopped() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    data(dir);
    let encoder = encoder();
    let args = |out| {
        let encoder = encoder.to_str().unwrap();
        let mut args = vec!["finetune", "--data", "train", "--dev", "dev", "--test", "dev", "--encoder", encoder, "--out", out, "--quiet"];
        args.extend(["--epochs", "5", "--batch", "3", "--accumulate", "2", "--eval-every", "10", "--save-every", "7", "--lr", "1e-3"]);
        args
    };
    succeed(dir, &args("whole"));
    assert_eq!(metrics(&dir.join("whole")).len(), 80 + 12 + 1, "steps, evaluations, the test");

    let clock = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos() as usize;
    let mut kills = 0;
    let mut next = killed(dir, &args("stopped"), "stopped", 1 + clock() % 6, Duration::ZERO);
    while next {
        kills += 1;
        let (lines, more) = (metrics(&dir.join("stopped")).len() + 5 + clock() % 15, Duration::from_micros((clock() % 20_000) as u64));
        next = killed(dir, &["resume", "stopped", "--quiet"], "stopped", lines, more);
    }
    assert!(kills >= 3, "killed {kills} times only");
    same(dir, "whole", "stopped");
    assert!(fail(dir, &["resume", "stopped"], 1).contains("run stopped is finished"));
    assert!(fail(dir, &["resume", "train"], 1).contains("train is not a run"));

    // Before the first checkpoint: from the start.
    killed(dir, &args("early"), "early", 0, Duration::ZERO);
    succeed(dir, &["resume", "early", "--quiet"]);
    same(dir, "whole", "early");
}

#[test]
fn a_step_of_several_batches_equals_a_large_one() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    data(dir);
    let encoder = encoder();
    let run = |out: &str, options: &[&str]| {
        let fixed = ["finetune", "--data", "train", "--encoder", encoder.to_str().unwrap(), "--out", out, "--quiet", "--dropout", "0"];
        succeed(dir, &[&fixed[..], &["--lr", "1e-3", "--epochs", "2"], options].concat());
        losses(&dir.join(out))
    };
    let check = |one: &[f64], several: &[f64]| {
        assert_eq!(one.len(), several.len());
        assert!(one.iter().zip(several).all(|(a, b)| (a - b).abs() < 1e-4 * a), "{one:?}\n{several:?}");
    };
    let whole = run("whole", &["--batch", "12"]);
    assert_eq!(whole.len(), 16);
    check(&whole, &run("thirds", &["--batch", "4", "--accumulate", "3"]));
    check(&run("budget", &["--max-tokens", "320"]), &run("budgets", &["--max-tokens", "160", "--accumulate", "2"]));
}

#[test]
fn training_stops_where_dev_gets_no_better() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    data(dir);
    let encoder = encoder();
    let args = ["finetune", "--data", "train", "--dev", "dev", "--encoder", encoder.to_str().unwrap(), "--out", "run", "--lr", "1e-9"];
    succeed(dir, &[&args[..], &["--eval-every", "4", "--patience", "2"]].concat());
    let steps: Vec<u64> =
        metrics(&dir.join("run")).iter().filter(|line| line["dev"].is_object()).map(|line| line["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, [4, 6, 8], "every 4 steps and at an epoch's end, until two in a row are no better than the first");
    let said = fail(dir, &[&args[..7], &["--out", "other", "--max-tokens", "100"]].concat(), 2);
    assert!(said.contains("--max-tokens 100 is less than one sequence of --max-length 150"), "{said}");
}
