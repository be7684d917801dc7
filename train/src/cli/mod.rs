//! The command line: the one module that knows clap. It parses arguments and resolves them into
//! [`Config`](crate::config::Config); wrong usage is a [`UsageError`](crate::config::UsageError).
//!
//! | module | what it holds |
//! |---|---|
//! | [`command`] | the commands with their help |
//! | [`stage_args`], [`run_args`], [`data_args`], [`measuring_args`], [`common_args`] | their options |
//! | [`values`] | options with named values |
//! | [`resolve`](mod@resolve), [`resolve_stage`] | options to settings |
//! | [`pipeline_file`] | the file of `train pipeline` |

pub mod command;
pub mod common_args;
pub mod data_args;
pub mod measuring_args;
pub mod pipeline_file;
pub mod resolve;
pub mod resolve_stage;
pub mod run_args;
pub mod stage_args;
pub mod values;

pub use command::Cli;
pub use resolve::resolve;
