//! Settings of the allocator, mimalloc.

use std::process::Command;

/// mimalloc's setting of the delay, in milliseconds, after which freed pages are returned to the system; negative for never.
const PURGE_DELAY: &str = "MIMALLOC_PURGE_DELAY";

/// Makes the allocator keep freed pages. Every tensor operation allocates buffers; pages that were returned to the system would cause page
/// faults again, which take a tenth of a training step.
///
/// mimalloc reads its settings from the environment before `main`. So the program re-executes itself (`exec`, in the same process) with the
/// setting added, unless the environment has it already. Unix only; elsewhere this does nothing.
pub fn keep_freed_pages() {
    #[cfg(unix)]
    if std::env::var_os(PURGE_DELAY).is_none()
        && let Ok(program) = std::env::current_exe()
    {
        use std::os::unix::process::CommandExt;
        let mut args = std::env::args_os();
        let name = args.next().unwrap_or_default();
        // `exec` returns only if it failed; the program then runs without the setting, more slowly.
        let _ = Command::new(program).arg0(name).args(args).env(PURGE_DELAY, "-1").exec();
    }
}
