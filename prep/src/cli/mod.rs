//! The command line: what can be typed, and what it means.
//!
//! | module | what it holds |
//! |---|---|
//! | `command` | the program's arguments and the list of commands |
//! | `pages`, `names`, `plan`, `corpora`, `queries`, `checks`, `output` | the arguments of each command |
//! | `size`, `gazetteer_arg`, `values` | how values are spelled |
//! | `resolve` | arguments to [`config`](crate::config), and usage errors |
//!
//! The only module that knows clap.

mod checks;
mod command;
mod corpora;
mod gazetteer_arg;
mod names;
mod output;
mod pages;
mod plan;
mod queries;
mod resolve;
mod size;
mod values;

pub use command::Cli;
pub use resolve::resolve;
