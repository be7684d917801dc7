//! What `--device`, `--devices` and `--precision` do, on the CPU.

#![allow(clippy::unwrap_used, missing_docs)]

mod train_common;

use std::path::Path;

use train_common::{fail, losses, metrics, sentences, succeed, triples, write};

fn data() -> tempfile::TempDir {
    let temporary = tempfile::tempdir().unwrap();
    write(&temporary.path().join("train"), triples(&sentences(90, 1), false), None);
    temporary
}

/// A run of some steps: its folder is `out`.
fn run(dir: &Path, out: &str, options: &[&str]) {
    let common = ["finetune", "--data", "train", "--encoder", "tiny", "--out", out, "--lr", "1e-3", "--max-steps", "23", "--quiet"];
    succeed(dir, &[&common, options].concat());
}

#[test]
fn two_devices_make_the_steps_of_one() {
    let temporary = data();
    let dir = temporary.path();
    // Dropout depends on the position within a batch.
    run(dir, "one", &["--batch", "8", "--accumulate", "2", "--dropout", "0"]);
    run(dir, "two", &["--batch", "8", "--devices", "cpu,cpu", "--dropout", "0"]);
    run(dir, "four", &["--batch", "4", "--accumulate", "2", "--devices", "cpu,cpu", "--dropout", "0"]);
    let weights = |out: &str| std::fs::read(dir.join(out).join("model.safetensors")).unwrap();
    assert!(weights("one") == weights("two"), "the same sums in the same order give the same bits");
    // The same sequences in four batches: sums in another order.
    let (one, four) = (losses(&dir.join("one")), losses(&dir.join("four")));
    assert_eq!((one.len(), four.len()), (23, 23));
    for (step, (one, four)) in one.iter().zip(&four).enumerate() {
        assert!((one - four).abs() < 1e-5 * one, "step {step}: {one} in two batches, {four} in four");
    }
    let settings = std::fs::read_to_string(dir.join("two/run.toml")).unwrap();
    assert!(settings.contains("devices = [\"cpu\", \"cpu\"]") && settings.contains("accumulate = 2"), "{settings}");
    let args = ["finetune", "--data", "train", "--encoder", "tiny", "--out", "mixed", "--devices", "cpu,cuda:0"];
    assert!(fail(dir, &args, 2).contains("--devices must be of one kind"));
}

#[test]
fn bf16_learns_as_f32_does() {
    let temporary = data();
    let dir = temporary.path();
    let of = |precision: &str| {
        run(dir, precision, &["--precision", precision, "--dropout", "0", "--epochs", "6", "--overwrite"]);
        losses(&dir.join(precision))
    };
    let (f32, bf16) = (of("f32"), of("bf16"));
    assert_ne!(f32, bf16);
    assert!(f32[22] < 0.5 * f32[0], "it learns: {f32:?}");
    for (at, (f32, bf16)) in f32.iter().zip(&bf16).enumerate() {
        assert!((f32 - bf16).abs() < 0.03 * f32 + 0.01, "step {at}: {f32} in f32, {bf16} in bf16");
    }
}

#[test]
fn the_metrics_say_how_busy_the_device_was() {
    let temporary = data();
    let dir = temporary.path();
    run(dir, "run", &[]);
    let busy = metrics(&dir.join("run")).last().unwrap()["busy"].as_f64().unwrap();
    assert!(busy > 0.0 && busy <= 1.0, "{busy}");
}

#[test]
fn the_cpu_passes_its_check() {
    let dir = tempfile::tempdir().unwrap();
    let said = succeed(dir.path(), &["check-device"]);
    let passed = |precision: &str| said.lines().any(|line| line.starts_with(precision) && line.ends_with(": ok"));
    assert!(["f32 ", "tf32 ", "bf16 "].into_iter().all(passed) && !said.contains("WRONG"), "{said}");
}
