//! What the allocator is told.

use std::process::Command;

/// How mimalloc is told, in milliseconds, when to give freed pages back; below 0, never.
const DELAY: &str = "MIMALLOC_PURGE_DELAY";

/// Has the allocator keep the pages that it frees: every tensor operation asks for fresh buffers, which would otherwise fault in
/// anew each time, a tenth of a training step. As mimalloc reads its settings from the environment alone, the program starts itself
/// again with that set, in the same process.
pub fn keep_freed_pages() {
    #[cfg(unix)]
    if std::env::var_os(DELAY).is_none()
        && let Ok(program) = std::env::current_exe()
    {
        use std::os::unix::process::CommandExt;
        let mut args = std::env::args_os();
        let name = args.next().unwrap_or_default();
        // It comes back only if it failed: then all goes on, slower.
        let _ = Command::new(program).arg0(name).args(args).env(DELAY, "-1").exec();
    }
}
