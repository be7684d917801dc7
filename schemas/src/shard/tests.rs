//! Folders written and read again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use arrow::array::AsArray;

use super::*;
use crate::manifest::Manifest;
use crate::page::Page;
use crate::row::{Row, RowError};
use crate::span::{Origin, Span};
use crate::triple::Triple;
use crate::triple_view::TripleViews;

fn triple(number: u32) -> Triple {
    Triple {
        id: format!("d:{number}:PER"),
        doc: "d".to_owned(),
        sentence: number,
        lang: "en".to_owned(),
        label: "PER".to_owned(),
        query: "who?".to_owned(),
        context: format!("It was Ödön the {number}th."),
        spans: vec![Span { start: 7, end: 11, text: "Ödön".to_owned(), origin: Origin::Gold, score: None }],
        impossible: false,
    }
}

fn manifest() -> Manifest {
    Manifest::new("test 0", "none", serde_json::json!({}))
}

fn write(dir: &Path, overwrite: bool, rows: u32, error: Option<String>) -> Result<Manifest, FolderError> {
    let mut writer = ShardWriter::create(dir, overwrite, manifest())?.with_shard_bytes(20_000).with_row_group_rows(100);
    (0..rows).try_for_each(|number| writer.write(triple(number)))?;
    writer.finish(Vec::new(), BTreeMap::new(), error)
}

#[test]
fn rows_survive_several_shards() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = write(dir.path(), false, 20_000, None).unwrap();
    assert!(manifest.shards.len() > 1, "the test wants several shards");
    assert_eq!(manifest.rows(), 20_000);
    let folder = ShardFolder::open::<Triple>(dir.path()).unwrap();
    let rows: Vec<Triple> = folder.rows().collect::<Result<Vec<_>, _>>().unwrap().concat();
    assert!(rows.iter().enumerate().all(|(number, row)| *row == triple(number as u32)));
    assert_eq!(rows.len(), 20_000);
    for shard in &manifest.shards {
        let bytes = fs::read(dir.path().join(&shard.file)).unwrap();
        assert_eq!((bytes.len() as u64, blake3::hash(&bytes).to_string()), (shard.bytes, shard.blake3.clone()));
    }
}

#[test]
fn an_existing_folder_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), false, 3, None).unwrap();
    assert!(matches!(write(dir.path(), false, 3, None), Err(FolderError::Exists(_))));
    assert_eq!(write(dir.path(), true, 4, None).unwrap().rows(), 4);
    fs::write(dir.path().join("thesis.txt"), "mine").unwrap();
    assert!(matches!(write(dir.path(), true, 3, None), Err(FolderError::Foreign(..))));
    assert_eq!(ShardFolder::open::<Triple>(dir.path()).unwrap().manifest().rows(), 4);
}

#[test]
fn an_unfinished_folder_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), false, 3, Some("page 4 is cut off".to_owned())).unwrap();
    let error = ShardFolder::open::<Triple>(dir.path()).unwrap_err().to_string();
    assert!(error.contains("page 4 is cut off"), "{error}");
    assert!(matches!(ShardFolder::open::<Page>(dir.path()), Err(FolderError::Schema { .. })));
    drop(ShardWriter::<Triple>::create(dir.path(), true, manifest()).unwrap());
    assert!(matches!(ShardFolder::open::<Triple>(dir.path()), Err(FolderError::Incomplete(..))));
}

#[test]
fn rows_are_divided_among_partitions() {
    let dir = tempfile::tempdir().unwrap();
    let folders = || ["n=few", "n=many", "n=none"].map(str::to_owned);
    let write = |overwrite| {
        let mut writer = ShardWriter::create(dir.path(), overwrite, manifest())?.with_partitions(folders());
        for (partition, numbers) in [(0, 0..10), (1, 10..2000)] {
            let rows = CheckedBatch::from_rows(numbers.map(triple)).map_err(|error| FolderError::Row(dir.path().to_owned(), error))?;
            rows.iter().try_for_each(|rows| writer.write_batch(partition, rows))?;
        }
        writer.finish(Vec::new(), BTreeMap::new(), None)
    };
    let manifest = write(false).unwrap();
    let shards: Vec<(&str, u64)> = manifest.shards.iter().map(|shard| (shard.file.as_str(), shard.rows)).collect();
    assert_eq!(shards, [("n=few/part-00000.parquet", 10), ("n=many/part-00000.parquet", 1990)]);
    let rows: Vec<Triple> = ShardFolder::open::<Triple>(dir.path()).unwrap().rows().collect::<Result<Vec<_>, _>>().unwrap().concat();
    assert!(rows.len() == 2000 && rows.iter().enumerate().all(|(number, row)| *row == triple(number as u32)));
    assert!(matches!(write(false), Err(FolderError::Exists(_))));
    write(true).unwrap();
    fs::write(dir.path().join("n=few/thesis.txt"), "mine").unwrap();
    assert!(matches!(write(true), Err(FolderError::Foreign(_, name)) if name == "n=few/thesis.txt"));
}

#[test]
fn a_wrong_span_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = ShardWriter::create(dir.path(), false, manifest()).unwrap();
    let mut wrong = triple(1);
    wrong.spans[0].end += 1;
    assert!(matches!(writer.write(wrong), Err(FolderError::Row(..))));
}

#[test]
fn no_rows_make_an_empty_shard() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(write(dir.path(), false, 0, None).unwrap().shards.len(), 1);
    assert_eq!(ShardFolder::open::<Triple>(dir.path()).unwrap().rows::<Triple>().count(), 0);
}

#[test]
fn some_columns_are_read_from_a_row_on() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), false, 20_000, None).unwrap();
    let folder = ShardFolder::open::<Triple>(dir.path()).unwrap();
    let columns = ["context", "spans"];
    let mut number = 15_000;
    for batch in folder.batches(ReadOptions::default().with_columns(&columns).with_skipped_rows(number.into())) {
        let (_, batch) = batch.unwrap();
        assert_eq!(batch.num_columns(), 2);
        for row in TripleViews::new(&batch, &columns).unwrap().iter() {
            let expected = triple(number);
            assert_eq!(row.context(), expected.context);
            assert_eq!(row.spans().map(|span| span.to_span()).collect::<Vec<_>>(), expected.spans);
            number += 1;
        }
    }
    assert_eq!(number, 20_000);
}

#[test]
fn of_spans_offsets_alone_are_decoded() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), false, 600, None).unwrap();
    let folder = ShardFolder::open::<Triple>(dir.path()).unwrap();
    let columns = ["context", "spans.start", "spans.end"];
    let mut number = 0;
    for batch in folder.batches(ReadOptions::default().with_columns(&columns)) {
        let (_, batch) = batch.unwrap();
        let spans = batch.column(1).as_list::<i32>().values().as_struct();
        assert_eq!((batch.num_columns(), spans.column_names()), (2, vec!["start", "end"]));
        for row in TripleViews::new(&batch, &columns).unwrap().iter() {
            let expected = triple(number).spans;
            assert_eq!(row.span_offsets().collect::<Vec<_>>(), expected.iter().map(|span| (span.start, span.end)).collect::<Vec<_>>());
            assert!(row.trimmed_spans().map(|(_, _, text)| text).eq(expected.iter().map(|span| span.text.as_str())));
            number += 1;
        }
        assert!(TripleViews::new(&batch, &["spans"]).is_err(), "texts are not there");
    }
    assert_eq!(number, 600);
    for name in ["spans.middle", "context.start", "names"] {
        let error = folder.batches(ReadOptions::default().with_columns(&[name])).next().unwrap().unwrap_err();
        assert!(matches!(&error, FolderError::Row(_, RowError::Column { column, .. }) if column == name), "{name}: {error}");
    }
}

#[test]
fn a_column_that_no_shard_has_is_named() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), false, 3, None).unwrap();
    let folder = ShardFolder::open::<Triple>(dir.path()).unwrap();
    let mut batches = folder.batches(ReadOptions::default().with_columns(&["contexts"]));
    let error = batches.next().unwrap().unwrap_err();
    assert!(matches!(error, FolderError::Row(_, RowError::Column { column, .. }) if column == "contexts"));
    assert!(batches.next().is_none());
}

#[test]
fn column_policy_names_columns_that_exist() {
    fn check<R: Row>() {
        let schema = parquet::arrow::ArrowSchemaConverter::new().convert(&R::schema()).unwrap();
        let columns: Vec<String> = schema.columns().iter().map(|column| column.path().string()).collect();
        for column in R::NO_DICTIONARY.iter().chain(R::NO_STATISTICS).chain(R::DELTA_ENCODED) {
            assert!(columns.iter().any(|name| name == column), "{column} is none of {columns:?}");
        }
    }
    check::<Page<'_>>();
    check::<Triple>();
}

/// Runs each task on a thread of its own, some later than those that follow.
struct Threads(std::sync::atomic::AtomicU64);

impl Executor for Threads {
    fn execute(&self, task: Task) {
        let number = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(number * 7 % 5));
            task();
        });
    }
}

#[test]
fn bytes_do_not_depend_on_where_row_groups_are_encoded_or_how_rows_arrive() {
    let hashes = |threads: bool, step: u32| {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = ShardWriter::create(dir.path(), false, manifest()).unwrap().with_shard_bytes(50_000).with_row_group_rows(100);
        if threads {
            writer = writer.with_executor(std::sync::Arc::new(Threads(std::sync::atomic::AtomicU64::new(0))));
        }
        for from in (0..9000).step_by(step as usize) {
            let rows = CheckedBatch::from_rows((from..from + step).map(triple)).unwrap();
            rows.iter().for_each(|rows| writer.write_batch(0, rows).unwrap());
        }
        let manifest = writer.finish(Vec::new(), BTreeMap::new(), None).unwrap();
        manifest.shards.into_iter().map(|shard| (shard.rows, shard.blake3)).collect::<Vec<_>>()
    };
    let expected = hashes(false, 100);
    assert!(expected.len() > 1, "several shards: {expected:?}");
    assert_eq!(hashes(true, 100), expected);
    let rows = |shards: Vec<(u64, String)>| shards.into_iter().map(|shard| shard.0).collect::<Vec<_>>();
    assert_eq!(rows(hashes(false, 36)), rows(expected));
}

#[test]
fn a_row_group_ends_at_its_number_of_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = ShardWriter::create(dir.path(), false, manifest()).unwrap();
    let large = |number: u32| Triple { context: format!("It was Ödön the {number}th.{}", "x".repeat(1 << 20)), ..triple(number) };
    (0..20).for_each(|number| writer.write(large(number)).unwrap());
    let manifest = writer.finish(Vec::new(), BTreeMap::new(), None).unwrap();
    let shard = fs::File::open(dir.path().join(&manifest.shards[0].file)).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(shard).unwrap();
    let rows: Vec<i64> = reader.metadata().row_groups().iter().map(|row_group| row_group.num_rows()).collect();
    assert_eq!(rows, [8, 8, 4]);
}
