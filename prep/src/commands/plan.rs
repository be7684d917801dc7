//! `prep plan`: dumps cut into parts that several machines can work on.

use anyhow::ensure;
use indicatif::{HumanBytes, ProgressBar};
use schemas::atomic_file;

use super::terminal;
use crate::config::Runtime;
use crate::config::plan::PlanConfig;
use crate::input::plan_maker::PlanMaker;
use crate::number_format::counted;

/// Runs `prep plan`.
///
/// # Errors
/// Inputs that are not dumps or can be read only once; an output file that exists already or cannot be written.
pub fn run(config: &PlanConfig, runtime: &Runtime) -> anyhow::Result<()> {
    let path = config.output.display();
    ensure!(
        config.overwrite || !config.output.exists(),
        "{path} exists already; give another file with -o, or replace it with --overwrite"
    );
    let maker = PlanMaker::open(&config.inputs)?;
    let bar = if runtime.quiet {
        ProgressBar::hidden()
    } else {
        terminal::byte_bar(maker.bytes(), "hashing {bar:25} {percent}% {bytes}/{total_bytes} {bytes_per_sec}, {eta} left")
    };
    let plan = maker.plan(config.parts, |bytes| bar.inc(bytes));
    bar.finish_and_clear();
    let plan = plan?;
    atomic_file::write_json(&config.output, &plan)?;
    if !runtime.quiet {
        let sizes = plan.parts.iter().map(|ranges| ranges.iter().map(|range| range.bytes).sum::<u64>());
        let (smallest, largest) = (sizes.clone().min().unwrap_or_default(), sizes.max().unwrap_or_default());
        let (parts, dumps) = (plan.parts.len(), counted(plan.dumps.len() as u64, "dump"));
        if parts < config.parts {
            eprintln!("warning: {parts} parts instead of {}: the dumps have no more places to cut at", config.parts);
        }
        eprintln!("{path}: {dumps} in parts 0 to {}, of {} to {}", parts - 1, HumanBytes(smallest), HumanBytes(largest));
    }
    Ok(())
}
