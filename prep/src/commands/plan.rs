//! `prep plan`: dumps cut into parts that several machines can work on.

use anyhow::ensure;
use indicatif::HumanBytes;

use crate::cli::{Common, PlanArgs};
use crate::input::plan::Plan;
use crate::number_format::counted;

/// Runs `prep plan`.
///
/// # Errors
/// Inputs that are no dumps or can be read only once, or a file that is there already.
pub fn run(args: &PlanArgs, common: &Common) -> anyhow::Result<()> {
    let to = args.output.display();
    ensure!(args.overwrite || !args.output.exists(), "{to} is there already; give another file with -o, or replace it with --overwrite");
    let plan = Plan::make(&args.inputs, args.parts, common.quiet)?;
    schemas::atomic_file::write_json(&args.output, &plan)?;
    if !common.quiet {
        let sizes = plan.parts.iter().map(|ranges| ranges.iter().map(|range| range.bytes).sum::<u64>());
        let (least, most) = (sizes.clone().min().unwrap_or_default(), sizes.max().unwrap_or_default());
        let (parts, dumps) = (plan.parts.len(), counted(plan.dumps.len() as u64, "dump"));
        if parts < args.parts {
            eprintln!("warning: {parts} parts, not {}: there are no more places to cut at", args.parts);
        }
        eprintln!("{to}: {dumps} in parts 0 to {}, of {} to {}", parts - 1, HumanBytes(least), HumanBytes(most));
    }
    Ok(())
}
