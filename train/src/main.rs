//! The program `train`: see its `--help`.

use std::process::ExitCode;

use clap::Parser;

/// See [`train::allocator`].
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    train::allocator::keep_freed_pages();
    let result = train::cli::resolve(train::cli::Cli::parse()).and_then(train::run);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            train::commands::terminal::to_stderr(&format!("error: {error:#}"));
            ExitCode::from(if error.is::<train::config::UsageError>() { 2 } else { 1 })
        }
    }
}
