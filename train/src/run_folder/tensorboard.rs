//! TensorBoard event files: the metrics of a run as scalars.
//!
//! A file is a sequence of [TFRecords](https://www.tensorflow.org/tutorials/load_data/tfrecord) (length, its checksum, data, its
//! checksum), each of them a protobuf `Event` of `tensorflow/core/util/event.proto`. Both are encoded here, as only four fields are
//! needed.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::layout::TENSORBOARD;

/// Writes the event file of a run.
#[derive(Debug)]
pub struct EventWriter {
    file: File,
    /// When the run began, in seconds since 1970. Lines of metrics count their seconds from there.
    began: f64,
    seconds: f64,
    step: i64,
}

impl EventWriter {
    /// Creates the event file of a run that began at `began`; a file of that time is replaced.
    ///
    /// # Errors
    /// A failed write.
    pub fn create(run: &Path, began: SystemTime) -> std::io::Result<Self> {
        let began = began.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        let dir = run.join(TENSORBOARD);
        fs::create_dir_all(&dir)?;
        let mut file = File::create(dir.join(format!("events.out.tfevents.{began:.0}.train")))?;
        file.write_all(&record(&event(began, 0, &Content::Version("brain.Event:2"))))?;
        Ok(Self { file, began, seconds: 0.0, step: 0 })
    }

    /// Appends the scalars of a line of `metrics.jsonl`.
    ///
    /// # Errors
    /// A failed write.
    pub fn record(&mut self, line: &Value) -> std::io::Result<()> {
        self.step = line["step"].as_i64().unwrap_or(self.step);
        self.seconds = line["seconds"].as_f64().unwrap_or(self.seconds);
        let scalars = scalars(line);
        self.file.write_all(&record(&event(self.began + self.seconds, self.step, &Content::Scalars(&scalars))))
    }
}

/// The scalars of a line, by tag.
fn scalars(line: &Value) -> Vec<(String, f32)> {
    let mut scalars = Vec::new();
    let mut add = |tag: String, value: &Value| scalars.extend(value.as_f64().map(|value| (tag, value as f32)));
    for set in ["dev", "test"] {
        let scores = &line[set];
        for score in ["f1", "precision", "recall"] {
            add(format!("{set}/{score}"), &scores[score]);
        }
        for (label, scores) in scores["labels"].as_object().into_iter().flatten() {
            add(format!("{set}_f1/{label}"), &scores["f1"]);
        }
    }
    if line["dev"].is_null() {
        add("train/loss".to_owned(), &line["loss"]);
        add("train/lr".to_owned(), &line["lr"]);
    }
    scalars
}

/// What an event holds.
enum Content<'a> {
    Version(&'a str),
    Scalars(&'a [(String, f32)]),
}

/// `Event { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5 }`, where
/// `Summary { repeated Value { string tag = 1; float simple_value = 2 } value = 1 }`.
fn event(time: f64, step: i64, content: &Content<'_>) -> Vec<u8> {
    let mut event = vec![1 << 3 | 1];
    event.extend(time.to_le_bytes());
    event.push(2 << 3);
    varint(&mut event, step as u64);
    match content {
        Content::Version(version) => field(&mut event, 3, version.as_bytes()),
        Content::Scalars(scalars) => {
            let mut summary = Vec::new();
            for (tag, value) in *scalars {
                let mut entry = Vec::new();
                field(&mut entry, 1, tag.as_bytes());
                entry.push(2 << 3 | 5);
                entry.extend(value.to_le_bytes());
                field(&mut summary, 1, &entry);
            }
            field(&mut event, 5, &summary);
        }
    }
    event
}

/// A length-delimited field.
fn field(message: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    message.push(number << 3 | 2);
    varint(message, bytes.len() as u64);
    message.extend(bytes);
}

fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

/// Data as a TFRecord.
fn record(data: &[u8]) -> Vec<u8> {
    let masked = |bytes: &[u8]| crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xA282_EAD8).to_le_bytes();
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &masked(&length), data, &masked(data)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_has_length_and_checksums() {
        // As tensorboard.summary.writer.record_writer writes b"abc".
        let record = record(b"abc");
        let hex: String = record.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "0300000000000000b099490e6162636e57f121");
    }

    #[test]
    fn an_event_is_encoded_as_protobuf_does() {
        let bytes = event(1.5, 300, &Content::Scalars(&[("a/b".to_owned(), 0.5)]));
        let expected =
            [&[0x09][..], &1.5f64.to_le_bytes(), &[0x10, 0xac, 0x02, 0x2a, 12, 0x0a, 10, 0x0a, 3], b"a/b", &[0x15, 0, 0, 0, 0x3f]];
        assert_eq!(bytes, expected.concat());
    }

    #[test]
    fn lines_become_scalars() {
        let tags = |line: Value| scalars(&line).into_iter().map(|(tag, value)| format!("{tag} {value}")).collect::<Vec<_>>();
        assert_eq!(tags(json!({ "step": 3, "loss": 0.5, "lr": 0.25 })), ["train/loss 0.5", "train/lr 0.25"]);
        let dev =
            json!({ "step": 3, "loss": 0.5, "dev": { "f1": 0.5, "precision": 1.0, "recall": 0.25, "labels": { "LOC": { "f1": 0.75 } } } });
        assert_eq!(tags(dev), ["dev/f1 0.5", "dev/precision 1", "dev/recall 0.25", "dev_f1/LOC 0.75"]);
    }
}
