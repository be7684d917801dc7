//! What a checkpoint stores beside weights and optimizer state: its `state.json`. The state of early stopping is part of it.
//!
//! Aliases are the keys of older checkpoints, which stay readable.

use serde::{Deserialize, Serialize};

use crate::data::TripleFolder;
use crate::metric::Scores;

/// How far training has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainPosition {
    /// Steps done.
    pub step: usize,
    /// The current epoch, from 1.
    pub epoch: usize,
    /// Steps done in the current epoch.
    #[serde(alias = "of_epoch")]
    pub step_in_epoch: usize,
}

/// Place in the order of an epoch, which is made of blocks of shuffled triples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockPosition {
    /// The block, from 0.
    pub block: usize,
    /// Steps of the block that are done.
    pub step: usize,
    /// Words drawn for shuffling before the block.
    pub shuffle_words: u64,
}

/// BLAKE3 of the shards of the folders that a run reads, as their manifests give them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataHashes {
    /// The training set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// The set that only the model labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlabelled: Option<String>,
    /// The set that the best weights are selected on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev: Option<String>,
    /// The set that is scored at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
}

impl DataHashes {
    /// The hashes of the folders of a run.
    pub fn of(
        data: &TripleFolder<'_>,
        unlabelled: Option<&TripleFolder<'_>>,
        dev: Option<&TripleFolder<'_>>,
        test: Option<&TripleFolder<'_>>,
    ) -> Self {
        let hash = |folder: &TripleFolder<'_>| folder.shards().manifest().content_hash();
        Self { data: Some(hash(data)), unlabelled: unlabelled.map(hash), dev: dev.map(hash), test: test.map(hash) }
    }

    /// The first of `data`, `unlabelled`, `dev` and `test` that holds other data than `earlier` says.
    pub fn changed_since(&self, earlier: &Self) -> Option<&'static str> {
        let pairs = [
            ("data", &self.data, &earlier.data),
            ("unlabelled", &self.unlabelled, &earlier.unlabelled),
            ("dev", &self.dev, &earlier.dev),
            ("test", &self.test, &earlier.test),
        ];
        pairs.into_iter().find(|(_, now, earlier)| earlier.is_some() && now != earlier).map(|(name, ..)| name)
    }
}

/// The state of the training loop. With weights and optimizer state it is all that a resumed run needs to continue as if it had
/// never been stopped.
///
/// Random generators are stored by the number of words drawn from them: their seed is in the run's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckpointState {
    /// How far training has come.
    pub position: TrainPosition,
    /// Words drawn for shuffling before the current epoch.
    pub shuffle_words: u64,
    /// Place in the order of the current epoch; none before its first step.
    #[serde(default)]
    pub block: Option<BlockPosition>,
    /// The data that the run reads.
    #[serde(default)]
    pub hashes: DataHashes,
    /// Words drawn for dropout.
    pub dropout_words: u64,
    /// Size of `metrics.jsonl` in bytes.
    pub metrics_bytes: u64,
    /// Seconds since training began, over all processes.
    pub seconds: f64,
    /// The best evaluation so far.
    #[serde(alias = "judge")]
    pub best: BestTracker,
}

impl CheckpointState {
    /// Where the current epoch continues; none at its first step. Checkpoints of programs that held the whole training set in memory
    /// name the step alone: the set was one block.
    pub fn block_position(&self) -> Option<BlockPosition> {
        let step = self.position.step_in_epoch;
        let whole = BlockPosition { block: 0, step, shuffle_words: self.shuffle_words };
        (step > 0).then(|| self.block.unwrap_or(whole))
    }
}

impl Default for CheckpointState {
    /// The state before the first step.
    fn default() -> Self {
        Self {
            position: TrainPosition { step: 0, epoch: 1, step_in_epoch: 0 },
            shuffle_words: 0,
            block: None,
            hashes: DataHashes::default(),
            dropout_words: 0,
            metrics_bytes: 0,
            seconds: 0.0,
            best: BestTracker::default(),
        }
    }
}

/// The evaluation whose weights a run keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BestEvaluation {
    /// Scores on dev.
    pub scores: Scores,
    /// When it was.
    pub position: TrainPosition,
}

/// Early stopping: selects the best evaluation by F1 on dev, and counts the evaluations in a row without a better one. Training stops
/// when their number reaches [`StageSettings::patience`](super::settings::StageSettings::patience).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BestTracker {
    /// The best evaluation so far.
    #[serde(alias = "best")]
    pub evaluation: Option<BestEvaluation>,
    /// Evaluations since the F1 last rose.
    #[serde(alias = "without_better")]
    pub evaluations_without_gain: usize,
}

impl BestTracker {
    /// Adds an evaluation and says whether its weights are the ones to keep. Of equal F1 the later evaluation is kept, as its
    /// weights have seen more data, but it counts as no gain for early stopping.
    pub fn add(&mut self, scores: Scores, position: TrainPosition) -> bool {
        let (f1, best) = (scores.micro().f1(), self.f1());
        self.evaluations_without_gain = if best.is_none_or(|best| f1 > best) { 0 } else { self.evaluations_without_gain + 1 };
        let keep = best.is_none_or(|best| f1 >= best);
        if keep {
            self.evaluation = Some(BestEvaluation { scores, position });
        }
        keep
    }

    /// The best F1 so far.
    pub fn f1(&self) -> Option<f64> {
        self.evaluation.as_ref().map(|best| best.scores.micro().f1())
    }

    /// Whether early stopping with this patience, in evaluations, ends training now.
    pub fn exhausts(&self, patience: Option<usize>) -> bool {
        patience.is_some_and(|patience| self.evaluations_without_gain >= patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::MatchCounts;

    fn scores(correct: u64) -> Scores {
        Scores { labels: [("PER".to_owned(), MatchCounts { correct, predicted: 9, support: 9 })].into() }
    }

    #[test]
    fn the_later_of_equal_evaluations_is_kept_but_is_no_gain() {
        let mut best = BestTracker::default();
        let position = TrainPosition { step: 1, epoch: 1, step_in_epoch: 1 };
        let mut check = |correct: u64, keep: bool, without_gain: usize| {
            assert_eq!((best.add(scores(correct), position), best.evaluations_without_gain), (keep, without_gain), "{correct}");
        };
        check(0, true, 0);
        check(5, true, 0);
        check(5, true, 1);
        check(4, false, 2);
        check(6, true, 0);
    }

    #[test]
    fn patience_counts_evaluations_without_gain() {
        let mut best = BestTracker::default();
        let position = CheckpointState::default().position;
        for (correct, exhausted) in [(5, false), (5, false), (4, true), (6, false)] {
            best.add(scores(correct), position);
            assert_eq!((best.exhausts(Some(2)), best.exhausts(None)), (exhausted, false), "{correct}");
        }
    }

    #[test]
    fn state_files_of_older_programs_are_read() {
        let mut state = CheckpointState::default();
        state.best.add(scores(5), state.position);
        let json = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<CheckpointState>(&json).unwrap(), state);
        let position = r#"{"step":0,"epoch":1,"of_epoch":0}"#;
        let scores = r#"{"labels":{"PER":{"correct":5,"predicted":9,"support":9}}}"#;
        let older = format!(
            r#"{{"position":{position},"shuffle_words":0,"dropout_words":0,"metrics_bytes":0,"seconds":0.0,
            "judge":{{"best":{{"scores":{scores},"position":{position}}},"without_better":0}}}}"#
        );
        assert_eq!(serde_json::from_str::<CheckpointState>(&older).unwrap(), state);
        state.position.step_in_epoch = 7;
        assert_eq!(state.block_position(), Some(BlockPosition { block: 0, step: 7, shuffle_words: 0 }), "the set was one block");
    }
}
