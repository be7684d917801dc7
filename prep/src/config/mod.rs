//! What a command is to do: its arguments, resolved once. Made by [`cli::resolve`](crate::cli::resolve()), read by the commands.
//!
//! | module | what it holds |
//! |---|---|
//! | [`command`] | all commands with their settings |
//! | [`pages`] | `prep pages`, `prep esi`, `prep nee` |
//! | [`names`] | `prep names` |
//! | [`plan`] | `prep plan`, `prep merge` |
//! | [`corpora`] | `prep mrc`, `prep export` |
//! | [`queries`] | `prep queries` |
//! | [`checks`] | `prep inspect`, `prep verify` |
//! | [`runtime`] | threads, memory, messages |
//! | [`usage_error`] | arguments that contradict each other or make no sense |

pub mod checks;
pub mod command;
pub mod corpora;
pub mod names;
pub mod pages;
pub mod plan;
pub mod queries;
pub mod runtime;
pub mod usage_error;

pub use command::{CommandConfig, Config};
pub use runtime::Runtime;
pub use usage_error::UsageError;
