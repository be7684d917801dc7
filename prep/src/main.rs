//! The program `prep`.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match prep::run(&prep::cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
