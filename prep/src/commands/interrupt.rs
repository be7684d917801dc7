//! Ctrl-C: a run stops at the next batch and can be resumed.

use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Exit code of a program that Ctrl-C has killed.
const KILLED: i32 = 130;

/// The flag that is set when the user interrupts the run.
pub fn flag() -> &'static AtomicBool {
    &INTERRUPTED
}

/// Handles Ctrl-C and SIGTERM from now on: the first one sets the flag, the second one ends the program at once.
pub fn watch() {
    // Without a handler Ctrl-C ends the program at once, and its last checkpoint is kept all the same.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(KILLED);
        }
    });
}
