//! `train plot`: draws a run, as SVG files.
//!
//! | module | what it holds |
//! |---|---|
//! | `history` | the curves in `metrics.jsonl` |
//! | `curve_plots` | loss and F1 by step |
//! | `cluster_summary` | of stage 3: what each cluster holds, as text |
//! | `cluster_plots` | the same as a picture, and a map of the answers |
//! | `tsne` | t-SNE |
//! | `canvas` | what all pictures share: size, fonts, colours |

mod canvas;
mod cluster_plots;
mod cluster_summary;
mod curve_plots;
mod history;
mod tsne;

use std::fs;

use anyhow::{Context, Result, ensure};
use schemas::atomic_file;

use crate::commands::terminal::{to_stderr, to_stdout};
use crate::config::PlotConfig;
use crate::run_folder::{layout, reader};
use crate::stage::StageSettings;
use cluster_summary::ClusterCounts;
use history::History;

/// Draws a run, finished or not, writes the pictures, and prints their paths.
///
/// # Errors
/// The folder is not a run or has no metrics yet; a picture cannot be written.
pub fn plot(config: &PlotConfig) -> Result<()> {
    let settings: StageSettings = reader::settings(&config.run)?;
    let history = History::new(&reader::metrics(&config.run)?);
    ensure!(!history.losses.is_empty(), "run {} has no metrics yet: draw it after its first steps", config.run.display());
    let name = format!("{} ({})", config.run.display(), settings.stage.name());
    let mut pictures = vec![("loss.svg", curve_plots::loss(&name, &history)?)];
    if !history.evaluations.is_empty() {
        pictures.push(("f1.svg", curve_plots::f1(&name, &history)?));
    }
    if let Some((epoch, path)) = layout::last_cluster_epoch(&config.run) {
        let name = format!("{name}, epoch {epoch}");
        let (clusters, with_vectors) = ClusterCounts::read(&path, settings.seed)?.finish();
        // Standard output lists the pictures alone.
        to_stderr(cluster_summary::describe(&clusters).trim_end());
        pictures.push(("clusters.svg", cluster_plots::sizes(&name, &clusters)?));
        match cluster_plots::AnswerMap::new(&with_vectors) {
            Some(map) => {
                pictures.push(("spans-by-cluster.svg", map.by_cluster(&name)?));
                pictures.push(("spans-by-label.svg", map.by_label(&name)?));
            }
            None => to_stderr(&format!(
                "{} holds too few vectors for a map of answers: spans-by-cluster.svg and spans-by-label.svg are left out",
                path.display()
            )),
        }
    }
    fs::create_dir_all(&config.output).with_context(|| format!("cannot create {}", config.output.display()))?;
    for (file, svg) in pictures {
        let path = config.output.join(file);
        atomic_file::write(&path, svg.as_bytes())?;
        to_stdout(&path.display().to_string())?;
    }
    Ok(())
}
