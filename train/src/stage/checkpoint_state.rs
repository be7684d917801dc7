//! What a checkpoint stores beside weights and optimizer state: its `state.json`. The state of early stopping is part of it.
//!
//! Aliases are the keys of older checkpoints, which stay readable.

use serde::{Deserialize, Serialize};

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

impl Default for CheckpointState {
    /// The state before the first step.
    fn default() -> Self {
        Self {
            position: TrainPosition { step: 0, epoch: 1, step_in_epoch: 0 },
            shuffle_words: 0,
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
    }
}
