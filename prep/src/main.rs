//! The program `prep`: parses and resolves its arguments, runs the command, and exits with 0, with 1 after a failure or with 2 after a usage
//! error.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let result = prep::cli::resolve(prep::cli::Cli::parse()).and_then(prep::run);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<prep::config::UsageError>() { 2 } else { 1 })
        }
    }
}
