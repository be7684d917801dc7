//! Names of the files and folders of a run folder.

use std::path::{Path, PathBuf};

use crate::model::weights;

/// The run's settings; the file that makes a folder a run folder.
pub const SETTINGS: &str = "run.toml";

/// Steps and scores of a finished run; the file that makes a run a finished one.
pub const RESULT: &str = "result.json";

/// A JSON object a line: one for each reading of the loss, each evaluation, and the final test.
pub const METRICS: &str = "metrics.jsonl";

/// Folder of checkpoints.
pub const CHECKPOINTS: &str = "checkpoints";

/// Folder of the training set as stage 2 relabelled it, a folder of triples for each round.
pub const RELABELLED: &str = "relabelled";

/// Folder of stage 3's clusters, a file for each epoch.
pub const CLUSTERS: &str = "clusters";

/// Folder of TensorBoard event files.
pub const TENSORBOARD: &str = "tensorboard";

/// Folder of the pictures that `train plot` draws.
pub const PLOTS: &str = "plots";

/// All that a run folder may hold. Nothing else is ever deleted.
pub(super) const FILES: [&str; 13] = [
    SETTINGS,
    "config.json",
    weights::FILE_NAME,
    "vocab.txt",
    "tokenizer.json",
    "tokenizer_config.json",
    METRICS,
    CHECKPOINTS,
    RELABELLED,
    CLUSTERS,
    PLOTS,
    TENSORBOARD,
    RESULT,
];

/// Folder of a round of stage 2, counted from 1.
pub fn relabelled_round(run: &Path, round: usize) -> PathBuf {
    run.join(RELABELLED).join(format!("round-{round}"))
}

/// File of the clusters of an epoch of stage 3, counted from 1.
pub fn cluster_epoch(run: &Path, epoch: usize) -> PathBuf {
    run.join(CLUSTERS).join(format!("epoch-{epoch}.parquet"))
}

/// The newest epoch of stage 3 that a run has clusters of, and their file.
pub fn last_cluster_epoch(run: &Path) -> Option<(usize, PathBuf)> {
    (1..).map(|epoch| (epoch, cluster_epoch(run, epoch))).take_while(|(_, path)| path.exists()).last()
}

/// Whether a folder is a run folder, of a finished run or not.
pub fn is_run(dir: &Path) -> bool {
    dir.join(SETTINGS).exists()
}

/// Whether a run is finished.
pub fn is_finished(dir: &Path) -> bool {
    dir.join(RESULT).exists()
}

/// What to say where the weights of a run are used that is not finished, if it is one.
pub fn unfinished_warning(dir: &Path) -> Option<String> {
    let unfinished = is_run(dir) && !is_finished(dir);
    unfinished.then(|| format!("warning: run {} is not finished; the weights that it has written so far are used", dir.display()))
}
