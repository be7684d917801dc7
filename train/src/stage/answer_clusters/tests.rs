//! Clusters of a sample, with a model of random weights on the CPU.

use burn::backend::{Autodiff, Flex};
use schemas::{Manifest, Origin, ShardWriter, Span, Triple};

use super::*;
use crate::cluster::cluster_file::AssignedSpan;
use crate::cluster::kmeans::Seeding;
use crate::data::{BatchSize, TripleEncoder, WordCounts, WordPieceTokenizer};
use crate::decode::Decoding;
use crate::device::Device;
use crate::inference::InferenceSettings;
use crate::model::{BertConfig, MrcModel, OptionalHeads, Pooling, weights};
use crate::progress::Silent;
use crate::stage::answered_triples::count_answers;
use crate::stage::settings::ClusterHeadUpdate;

type B = Autodiff<Flex>;

/// Sentences with two names each; every fourth has none.
fn triples() -> Vec<Triple> {
    let names = ["Anna", "Oslo", "Ben", "Rome", "Clara"];
    let triple = |number: usize| {
        let (first, second) = (names[number % 5], names[number / 5 % 5]);
        let span = |start: usize, text: &str| {
            let (start, end) = (start as u32, (start + text.len()) as u32);
            Span { start, end, text: text.to_owned(), origin: Origin::Gold, score: None }
        };
        let context = format!("{first} saw {second} number {number} .");
        let spans = if number % 4 == 3 { vec![] } else { vec![span(0, first), span(first.len() + 5, second)] };
        let (label, query) = ("Entity".to_owned(), "which ?".to_owned());
        Triple { id: number.to_string(), label, query, context, impossible: spans.is_empty(), spans, ..Triple::default() }
    };
    (0..200).map(triple).collect()
}

#[test]
fn all_answers_join_the_clusters_of_a_sample_and_numbers_stay() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut writer = ShardWriter::create(&data, false, Manifest::new("test", "test", serde_json::Value::Null)).unwrap();
    triples().into_iter().try_for_each(|triple| writer.write(triple)).unwrap();
    writer.finish(Vec::new(), Default::default(), None).unwrap();
    let mut words = WordCounts::new(true);
    triples().iter().for_each(|triple| words.add(&triple.context).unwrap());
    let tokenizer = WordPieceTokenizer::learn(&words).unwrap();
    let bert =
        BertConfig { hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, ..BertConfig::tiny(tokenizer.vocabulary_size()) };
    let model: MrcModel<Flex> = weights::random_model(&bert, OptionalHeads::default(), 1, &Default::default());
    let folder = TripleFolder::open(&data, TripleEncoder::new(&tokenizer, 40), 30).unwrap();
    let answers = count_answers(&folder).unwrap();
    assert_eq!(answers, 300);
    let device = Default::default();
    for (method, sample) in [(ClusterMethod::Kmeans, 60), (ClusterMethod::Kmeans, 1000), (ClusterMethod::Pic, 60)] {
        let clusters = |kept| AnswerClusters::<B> {
            settings: ClusterSettings {
                clusters: 5,
                gamma: 0.1,
                method,
                iterations: 60,
                init: Seeding::PlusPlus,
                pca: 8,
                pool: Pooling::Mean,
                head: ClusterHeadUpdate::Align,
            },
            vectors: AnswerVectors {
                model: &model,
                device: &device,
                inference: InferenceSettings::new(&tokenizer, BatchSize::Sequences(8), Decoding::Nearest, Device::Cpu),
                pool: Pooling::Mean,
                on_device: false,
            },
            folder: &folder,
            answers,
            sample,
            kept,
            seed: 3,
            reporter: &Silent,
        };
        let assigned = |kept: usize, before: Option<&Path>, file: &str| {
            let file = dir.path().join(file);
            let clusters = clusters(kept);
            let found = clusters.find(before).unwrap().unwrap();
            let labels = clusters.assign(Some(&found), &file).unwrap();
            let mut spans: Vec<AssignedSpan> = Vec::new();
            cluster_file::read_assignments(&file, |span| spans.push(span)).unwrap();
            assert_eq!((labels.len(), spans.len()), (300, 300), "each answer has a cluster");
            (file, spans)
        };
        let (file, first) = assigned(usize::MAX, None, "first.parquet");
        let rows: Vec<u64> = (0..200).filter(|row| row % 4 != 3).flat_map(|row| [row, row]).collect();
        assert_eq!(first.iter().map(|span| span.row).collect::<Vec<_>>(), rows);
        assert!((0..5).all(|cluster| first.iter().any(|span| span.cluster == cluster)), "no cluster is empty");
        let (_, reread) = assigned(0, None, "reread.parquet");
        assert_eq!(reread, first, "hidden states that are not kept");
        // The clusters of the file before in another order: the same clusters get its numbers.
        let turned = dir.path().join("turned.parquet");
        let mut writer = ClusterFileWriter::create(&turned).unwrap();
        for &AssignedSpan { row, cluster, distance } in &first {
            let (id, label, context, text) = (String::new(), String::new(), String::new(), String::new());
            let cluster = (cluster + 2) % 5;
            writer.write(ClusterRow { id, label, context, start: 0, end: 0, text, cluster, distance, vector: None, row }).unwrap();
        }
        writer.finish().unwrap();
        let (_, again) = assigned(usize::MAX, Some(&file), "again.parquet");
        assert_eq!(again, first, "{method:?}, a sample of {sample}");
        let (_, renumbered) = assigned(usize::MAX, Some(&turned), "renumbered.parquet");
        let expected = first.iter().map(|span| AssignedSpan { cluster: (span.cluster + 2) % 5, ..*span });
        assert_eq!(renumbered, expected.collect::<Vec<_>>(), "{method:?}, a sample of {sample}");
        assert!(read_labels(&file, 3).unwrap_err().to_string().contains("but the run has 3, counted from 0"));
    }
}
