//! The encoder's hidden states against those of `transformers` (golden files; `fixtures/golden/encoder.py` makes them).

#![allow(clippy::unwrap_used, missing_docs)]

use std::path::{Path, PathBuf};

use burn::backend::Flex;
use burn::tensor::{Int, Tensor, TensorData};
use serde::Deserialize;
use train::data::WordPieces;
use train::model::kernels::{Dropouts, Padding};
use train::model::weights::Heads;
use train::model::{Input, Reader};
use train::run::ModelFolder;

const TOLERANCE: f32 = 1e-4;

#[derive(Deserialize)]
struct Golden {
    /// How many of a hidden state's values the file holds; beside them it holds the sum of all.
    columns: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    ids: Vec<i32>,
    segments: Vec<i32>,
    hidden: Vec<Vec<f32>>,
    sums: Vec<f32>,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

fn golden(file: &str) -> Golden {
    serde_json::from_str(&std::fs::read_to_string(fixtures().join("golden").join(file)).unwrap()).unwrap()
}

fn input(cases: &[Case]) -> Input<Flex> {
    let length = cases.iter().map(|case| case.ids.len()).max().unwrap();
    let padded = |row: &dyn Fn(&Case) -> Vec<i32>| -> Tensor<Flex, 2, Int> {
        let values: Vec<i32> = cases
            .iter()
            .flat_map(|case| {
                let mut row = row(case);
                row.resize(length, 0);
                row
            })
            .collect();
        Tensor::from_data(TensorData::new(values, [cases.len(), length]), &Default::default())
    };
    let lengths: Vec<usize> = cases.iter().map(|case| case.ids.len()).collect();
    Input {
        ids: padded(&|case| case.ids.clone()),
        segments: padded(&|case| case.segments.clone()),
        padding: Padding::new(lengths.into(), length, &Default::default()),
    }
}

/// Largest distance of a value from its golden one.
fn check(dir: &Path, file: &str) -> f32 {
    let golden = golden(file);
    let folder = ModelFolder::open_encoder(dir).unwrap();
    let reader: Reader<Flex> = folder.load(Heads::Fresh, 1, &Default::default()).unwrap();
    let input = input(&golden.cases);
    let length = input.ids.dims()[1];
    let hidden = reader.bert.forward(&input, &mut Dropouts::off());
    let width = hidden.dims()[1];
    let values = hidden.into_data().to_vec::<f32>().unwrap();
    let mut worst = 0.0f32;
    for (row, case) in golden.cases.iter().enumerate() {
        for (at, (expected, sum)) in case.hidden.iter().zip(&case.sums).enumerate() {
            let got = &values[(row * length + at) * width..][..width];
            assert_eq!(expected.len(), golden.columns);
            for (got, expected) in got.iter().zip(expected) {
                worst = worst.max((got - expected).abs());
            }
            assert!((got.iter().sum::<f32>() - sum).abs() < TOLERANCE * 10.0, "sum of case {row}, token {at}");
        }
    }
    println!("{file}: largest distance {worst:e}");
    worst
}

#[test]
fn hidden_states_of_the_tiny_encoder_equal_those_of_transformers() {
    assert!(check(&fixtures().join("encoder"), "encoder_hidden.json") < TOLERANCE);
}

#[test]
fn hidden_states_of_minilm_equal_those_of_transformers() {
    let dir = std::env::var_os("MINILM_DIR").map_or_else(|| fixtures().join("minilm"), PathBuf::from);
    if !dir.join("model.safetensors").exists() {
        println!("skipped: {} is not there (fixtures/minilm.sh fetches it)", dir.display());
        return;
    }
    assert!(check(&dir, "minilm_hidden.json") < TOLERANCE);

    // The tokenizer too gives the ids of its peer, and no truncation or padding that its file asks for.
    let pieces = WordPieces::read(&dir).unwrap();
    let tokenised = pieces.tokenize(vec!["Find the names of places.", "Budapest lies on the Danube."]).unwrap();
    let ids: Vec<i32> = [&[pieces.cls()], &*tokenised[0].ids, &[pieces.sep()], &*tokenised[1].ids, &[pieces.sep()]]
        .concat()
        .into_iter()
        .map(|id| id as i32)
        .collect();
    assert_eq!(ids, golden("minilm_hidden.json").cases[1].ids);
    assert_eq!(pieces.tokenize(vec![&"long ".repeat(700)]).unwrap()[0].ids.len(), 700);
}
