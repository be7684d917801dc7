//! One module for each command.

pub mod esi;
pub mod export;
#[cfg(feature = "inspect")]
pub mod inspect;
pub mod merge;
pub mod mrc;
pub mod nee;
pub mod pages;
pub mod plan;
pub mod queries;
pub mod verify;
