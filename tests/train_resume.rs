//! Killed and resumed runs, and steps made of several batches, on the real binary.

#![allow(clippy::unwrap_used, missing_docs)]

mod train_common;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use schemas::{ShardFolder, Triple};
use train_common::{encoder, fail, losses, metrics, sentences, succeed, triples, write};

fn data(dir: &Path) {
    write(&dir.join("train"), triples(&sentences(48, 1), false), None);
    write(&dir.join("dev"), triples(&sentences(12, 2), false), None);
}

/// Starts the binary and kills it once `metrics.jsonl` has `lines` lines, and `delay` later. Whether it was still at work.
///
/// What is tested must hold whenever the kill comes; the delay makes it come at different points of a step.
fn killed(dir: &Path, args: &[&str], run: &str, lines: usize, delay: Duration) -> bool {
    let mut child =
        Command::new(env!("CARGO_BIN_EXE_train")).args(args).current_dir(dir).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let path = dir.join(run).join("metrics.jsonl");
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            let mut said = String::new();
            child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            assert!(status.success(), "train {args:?}: {said}");
            return false;
        }
        if std::fs::read_to_string(&path).is_ok_and(|text| text.lines().count() >= lines) {
            std::thread::sleep(delay);
            child.kill().unwrap();
            child.wait().unwrap();
            return !dir.join(run).join("result.json").exists();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Files in a folder and the folders in it, by their path there.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.strip_prefix(dir).unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// A finished run must equal one that was never stopped, but for the time that it took.
fn same(dir: &Path, whole: &str, stopped: &str) {
    let (mut a, mut b) = (files(&dir.join(whole)), files(&dir.join(stopped)));
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    let checkpoints: Vec<PathBuf> = a.keys().filter(|path| path.starts_with("checkpoints")).cloned().collect();
    assert_eq!(checkpoints.len(), 3, "one checkpoint stays");
    let lines = |bytes: Vec<u8>| -> Vec<serde_json::Value> {
        let text = String::from_utf8(bytes).unwrap();
        let mut lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let times = ["seconds", "busy"];
        lines.iter_mut().for_each(|line| times.iter().for_each(|time| drop(line.as_object_mut().unwrap().remove(*time))));
        lines
    };
    assert_eq!(lines(a.remove(Path::new("metrics.jsonl")).unwrap()), lines(b.remove(Path::new("metrics.jsonl")).unwrap()));
    // Its parts come in no fixed order.
    let moments = |bytes: Vec<u8>| {
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        tensors.iter().map(|(name, view)| (name.to_owned(), view.data().to_vec())).collect::<BTreeMap<_, _>>()
    };
    for path in checkpoints {
        let (a, b) = (a.remove(&path).unwrap(), b.remove(&path).unwrap());
        match path.file_name().unwrap().to_str().unwrap() {
            "moments.safetensors" => assert!(moments(a) == moments(b), "moments differ"),
            "model.safetensors" => assert!(a == b, "weights differ"),
            _ => {}
        }
    }
    for (path, bytes) in a {
        assert!(bytes == b[&path], "{} differs", path.display());
    }
}

/// Runs a stage once to the end and once with at least two kills, and compares.
fn check(dir: &Path, args: &[&str], whole: &str, stopped: &str) {
    let with_out = |out| [args, &["--out", out, "--quiet"]].concat();
    succeed(dir, &with_out(whole));
    let lines = || std::fs::read_to_string(dir.join(stopped).join("metrics.jsonl")).unwrap().lines().count();
    loop {
        let mut kills = 0;
        let mut at_work = killed(dir, &with_out(stopped), stopped, 4, Duration::ZERO);
        while at_work {
            kills += 1;
            // 3 to 19 lines further: before the next checkpoint, on it, and beyond.
            let (further, delay) = (3 + kills * 7 % 17, Duration::from_micros(kills as u64 * 3700 % 20_000));
            at_work = killed(dir, &["resume", stopped, "--quiet"], stopped, lines() + further, delay);
        }
        same(dir, whole, stopped);
        if kills >= 2 {
            return;
        }
        // It was faster than the test could look.
        std::fs::remove_dir_all(dir.join(stopped)).unwrap();
    }
}

#[test]
fn a_killed_run_ends_as_if_never_stopped() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    data(dir);
    let encoder = encoder();
    let from = ["--data", "train", "--encoder", encoder.to_str().unwrap(), "--lr", "1e-3"];
    let options =
        ["--dev", "dev", "--test", "dev", "--epochs", "5", "--batch", "3", "--accumulate", "2", "--eval-every", "10", "--save-every", "7"];
    let args = [&["finetune"], &from[..], &options[..]].concat();
    check(dir, &args, "whole", "stopped");
    assert_eq!(metrics(&dir.join("whole")).len(), 80 + 12 + 1, "steps, evaluations, the test");
    assert!(fail(dir, &["resume", "stopped"], 1).contains("run stopped is finished"));
    assert!(fail(dir, &["resume", "train"], 1).contains("train is not a run"));

    // Before the first checkpoint: from the start.
    killed(dir, &[&args[..], &["--out", "early", "--quiet"]].concat(), "early", 0, Duration::ZERO);
    succeed(dir, &["resume", "early", "--quiet"]);
    same(dir, "whole", "early");
}

#[test]
fn stages_with_work_between_epochs_are_resumed_too() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    data(dir);
    let encoder = encoder();
    let from = ["--data", "train", "--encoder", encoder.to_str().unwrap(), "--lr", "1e-3", "--batch", "6", "--epochs", "4"];
    check(dir, &[&["nee"], &from[..], &["--noise-weighting"]].concat(), "nee", "nee-stopped");
    // Enough triples for each student to find answers, sure ones and others.
    write(&dir.join("more"), triples(&sentences(120, 1), false), None);
    write(&dir.join("others"), triples(&sentences(80, 3), false), None);
    let students = ["--data", "more", "--encoder", "tiny", "--lr", "1e-3", "--epochs", "3", "--save-every", "5"];
    let unlabelled = ["--unlabelled", "others", "--unlabelled-confidence", "0.3", "--relabel", "keep"];
    check(dir, &[&["nee"], &students[..], &unlabelled].concat(), "added", "added-stopped");
    let rows = |round: u32| ShardFolder::open::<Triple>(&dir.join(format!("added/relabelled/round-{round}"))).unwrap().manifest().rows();
    assert!(rows(1) > rows(2), "the second round leaves out more triples: {} and {}", rows(1), rows(2));
    // Killed when a round is written and no checkpoint since.
    let args = [&["nee"], &students[..], &unlabelled, &["--out", "between", "--quiet"]].concat();
    let mut child = Command::new(env!("CARGO_BIN_EXE_train")).args(args).current_dir(dir).spawn().unwrap();
    while ShardFolder::open::<Triple>(&dir.join("between/relabelled/round-2")).is_err() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before its second round");
        std::thread::sleep(Duration::from_micros(200));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    succeed(dir, &["resume", "between", "--quiet"]);
    same(dir, "added", "between");
    let restart = ["--unlabelled", "dev", "--relabel", "union", "--restart", "--save-every", "5"];
    check(dir, &[&["nee"], &from[..], &restart].concat(), "restarted", "restarted-stopped");
    let clusters = ["--clusters", "5", "--gamma", "0.1", "--save-every", "5", "--cluster-head"];
    for head in ["align", "reset"] {
        check(dir, &[&["fet"], &from[..], &clusters, &[head]].concat(), head, &format!("{head}-stopped"));
    }
}

#[test]
fn event_files_say_what_the_metrics_say_after_a_stop_too() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    data(dir);
    let encoder = encoder();
    let from = ["finetune", "--data", "train", "--dev", "dev", "--encoder", encoder.to_str().unwrap(), "--epochs", "3", "--batch", "3"];
    let args = [&from[..], &["--eval-every", "10", "--save-every", "7", "--tensorboard", "--quiet", "--out", "run"]].concat();
    if killed(dir, &args, "run", 15, Duration::ZERO) {
        succeed(dir, &["resume", "run", "--quiet"]);
    }
    let files = files(&dir.join("run/tensorboard"));
    assert_eq!(files.len(), 1, "{:?}", files.keys());
    let (name, bytes) = files.first_key_value().unwrap();
    assert!(name.to_str().unwrap().starts_with("events.out.tfevents."));
    // Each record is its length, four bytes, so many bytes, four bytes.
    let (mut rest, mut records) = (&bytes[..], 0);
    while let Some((length, _)) = rest.split_first_chunk::<8>() {
        rest = &rest[8 + 4 + usize::try_from(u64::from_le_bytes(*length)).unwrap() + 4..];
        records += 1;
    }
    assert_eq!(records, 1 + metrics(&dir.join("run")).len(), "the version, and an event a line");
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
    let alike = |one: &[f64], several: &[f64]| {
        assert_eq!(one.len(), several.len());
        assert!(one.iter().zip(several).all(|(a, b)| (a - b).abs() < 1e-4 * a), "{one:?}\n{several:?}");
    };
    let whole = run("whole", &["--batch", "12"]);
    assert_eq!(whole.len(), 16);
    alike(&whole, &run("thirds", &["--batch", "4", "--accumulate", "3"]));
    alike(&run("budget", &["--max-tokens", "320"]), &run("budgets", &["--max-tokens", "160", "--accumulate", "2"]));
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

#[test]
fn a_run_goes_on_with_the_data_that_it_began_with() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    data(dir);
    let encoder = encoder();
    let args = ["finetune", "--data", "train", "--dev", "dev", "--encoder", encoder.to_str().unwrap(), "--out", "run", "--max-steps", "4"];
    succeed(dir, &[&args[..], &["--quiet"]].concat());
    std::fs::remove_file(dir.join("run/result.json")).unwrap();
    let replace = |folder: &str, seed: usize| {
        std::fs::remove_dir_all(dir.join(folder)).unwrap();
        write(&dir.join(folder), triples(&sentences(48, seed), false), None);
    };
    replace("train", 5);
    let said = fail(dir, &["resume", "run", "--quiet"], 1);
    assert!(said.contains("cannot resume run: --data train holds other triples than when the run began"), "{said}");
    replace("train", 1);
    replace("dev", 6);
    assert!(fail(dir, &["resume", "run", "--quiet"], 1).contains("--dev dev holds other triples"));
    // The same rows in a folder that was written anew are the same data.
    std::fs::remove_dir_all(dir.join("dev")).unwrap();
    write(&dir.join("dev"), triples(&sentences(12, 2), false), None);
    succeed(dir, &["resume", "run", "--quiet"]);
}

#[test]
fn a_set_larger_than_the_shuffle_buffer_is_resumed_in_its_blocks() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    data(dir);
    let encoder = encoder();
    let from = ["--data", "train", "--dev", "dev", "--encoder", encoder.to_str().unwrap(), "--lr", "1e-3", "--shuffle-buffer", "20"];
    let options = ["--batch", "3", "--epochs", "3", "--save-every", "7", "--eval-every", "10"];
    check(dir, &[&["finetune"], &from[..], &options].concat(), "whole", "stopped");
    // Every triple is trained on once an epoch, whatever the number of threads.
    let run = |out: &str, threads: &str| {
        succeed(dir, &[&["finetune"], &from[..], &options, &["--out", out, "--threads", threads, "--quiet"]].concat());
        std::fs::read(dir.join(out).join("model.safetensors")).unwrap()
    };
    assert!(run("one", "1") == run("three", "3"), "weights depend on the number of threads");
    check(
        dir,
        &[&["fet"], &from[..], &options[..4], &["--clusters", "5", "--gamma", "0.1", "--save-every", "5"]].concat(),
        "fet",
        "fet-stopped",
    );
    check(dir, &[&["nee"], &from[..], &options[..4]].concat(), "nee", "nee-stopped");
}

#[test]
fn one_process_trains_a_run() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    data(dir);
    let encoder = encoder();
    let args = ["finetune", "--data", "train", "--encoder", encoder.to_str().unwrap(), "--out", "run", "--epochs", "9999", "--quiet"];
    let mut first = Command::new(env!("CARGO_BIN_EXE_train")).args(args).current_dir(dir).spawn().unwrap();
    while !dir.join("run/checkpoints").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    for second in [&["resume", "run", "--quiet"][..], &[&args[..], &["--overwrite"]].concat()] {
        assert!(fail(dir, second, 1).contains("another process is training the run run"));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    // Its lock has gone with it.
    succeed(dir, &[&args[..7], &["--max-steps", "1", "--overwrite", "--quiet"]].concat());
}

/// A reader that is gone, and a device that is always full.
#[cfg(target_os = "linux")]
#[test]
fn nobody_who_reads_is_no_reason_to_stop() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    data(dir);
    let encoder = encoder();
    let train = |out: &str, stdout: Stdio, stderr: Stdio| {
        let args = ["finetune", "--data", "train", "--dev", "dev", "--test", "dev", "--encoder", encoder.to_str().unwrap(), "--out", out];
        let mut command = Command::new(env!("CARGO_BIN_EXE_train"));
        command.args(args).args(["--max-steps", "3"]).current_dir(dir).stdout(stdout).stderr(stderr).status().unwrap()
    };
    let full = || Stdio::from(std::fs::File::options().write(true).open("/dev/full").unwrap());
    assert!(train("full", full(), full()).success());
    let closed = || Stdio::from(std::io::pipe().unwrap().1);
    assert!(train("closed", closed(), closed()).success());
    for out in ["full", "closed"] {
        let result = std::fs::read_to_string(dir.join(out).join("result.json")).unwrap();
        assert!(result.contains("\"test\""), "{result}");
    }
    // What a command is asked for alone is an error if it cannot be written, and no panic.
    let mut evaluate = Command::new(env!("CARGO_BIN_EXE_train"));
    let output = evaluate.args(["evaluate", "full", "--data", "dev", "-q"]).current_dir(dir).stdout(full()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("error: cannot write to standard output"), "{said}");
}
