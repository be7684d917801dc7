//! Processes that compile kernels beside each other.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::{env, fs, process, thread};

use anyhow::{Context, Result, anyhow};

use crate::config::Share;
use crate::device::TUNED_FOLDER;
use crate::progress::{Reporter, Task};

/// Runs this command in some processes, each for a share of its tasks, and waits for them. They tune in folders of their own, which are
/// removed: trials that disturb each other are worth nothing.
///
/// A process that fails, for want of memory for instance, is reported: its kernels are compiled by this process later.
///
/// # Errors
/// A process cannot be started.
pub fn compile_side_by_side(processes: usize, tasks: usize, reporter: &dyn Reporter) -> Result<()> {
    let folders: Vec<PathBuf> =
        (0..processes).map(|number| env::temp_dir().join(format!("train-warm-up-{}-{number}", process::id()))).collect();
    let children = folders.iter().enumerate().map(|(number, folder)| start(Share { number, count: processes }, folder));
    // Those that were started are waited for, even if another could not be.
    let (children, errors): (Vec<_>, Vec<_>) = children.partition(Result::is_ok);
    let task = Task::start(reporter, "compiling", tasks);
    let (sender, finished) = mpsc::channel();
    let failures: Vec<String> = thread::scope(|scope| {
        let children = children.into_iter().flatten().map(|child| {
            let sender = sender.clone();
            scope.spawn(move || wait(child, &sender))
        });
        let children: Vec<_> = children.collect();
        drop(sender);
        finished.iter().for_each(|shape: String| reporter.step(1, &|| shape.clone()));
        children.into_iter().filter_map(|child| child.join().unwrap_or_else(|_| Some("a thread panicked".to_owned()))).collect()
    });
    drop(task);
    for folder in &folders {
        // There is none where nothing was tuned.
        let _ = fs::remove_dir_all(folder);
    }
    errors.into_iter().try_for_each(|error| error.map(drop))?;
    if let Some(first) = failures.first() {
        let (failed, lower) = (failures.len(), "where memory is short, a lower --processes helps");
        reporter.message(&format!("{failed} of {processes} processes failed, and what they left is compiled now; {lower}: {first}"));
    }
    Ok(())
}

/// Starts this command for a share of its tasks.
fn start(share: Share, tuned: &Path) -> Result<Child> {
    let program = env::current_exe().context("cannot find this program")?;
    let mut command = Command::new(program);
    command.args(env::args_os().skip(1)).args(["--share", &share.to_string()]).env(TUNED_FOLDER, tuned);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().map_err(|error| anyhow!("cannot start a process that compiles: {error}"))
}

/// Sends on each line that a process prints, and returns why it failed.
fn wait(mut child: Child, finished: &Sender<String>) -> Option<String> {
    let (stdout, mut stderr) = (child.stdout.take()?, child.stderr.take()?);
    let error = thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).map(|_| text)
    });
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        // The receiver lives until all senders are gone.
        let _ = finished.send(line);
    }
    let status = child.wait();
    if status.as_ref().is_ok_and(process::ExitStatus::success) {
        return None;
    }
    let text = error.join().ok().and_then(Result::ok).unwrap_or_default();
    Some(text.trim().lines().last().map_or_else(|| format!("{status:?}"), str::to_owned))
}
