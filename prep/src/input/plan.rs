//! The file of `prep plan`: dumps in parts, for several machines.
//!
//! A part is a list of ranges, each of one dump, in the order of the dumps. The pages that begin in a range belong to it.

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use schemas::manifest::InputFile;
use serde::{Deserialize, Serialize};

use crate::source::{FilePart, SiteInfo};

/// Version of the file's format.
pub(super) const PLAN_VERSION: u32 = 1;

/// The parts of some dumps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub(super) version: u32,
    /// The dumps.
    pub dumps: Vec<PlannedDump>,
    /// The ranges of each part.
    pub parts: Vec<Vec<PlannedRange>>,
}

/// A dump of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedDump {
    /// The whole file.
    pub input: InputFile,
    /// What its head says about the wiki.
    pub site: SiteInfo,
}

/// A range of a dump.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedRange {
    /// Number of the dump in the plan.
    pub dump: usize,
    /// Start and end in the file.
    pub part: FilePart,
    /// Number of bytes.
    pub bytes: u64,
    /// BLAKE3 of these bytes.
    pub blake3: String,
}

/// The part of a plan that an output folder was made from, as its manifest records it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedPart {
    /// BLAKE3 of the plan's file.
    pub plan: String,
    /// Number of the part, from 0.
    pub part: usize,
    /// Number of parts in the plan.
    pub parts: usize,
    /// All dumps of the plan.
    pub dumps: Vec<InputFile>,
}

impl Plan {
    /// Reads a plan, and returns it with the hash of its file.
    ///
    /// # Errors
    /// A file that cannot be read, is not a plan, or is a plan of another version.
    pub fn read(path: &Path) -> anyhow::Result<(Self, String)> {
        let name = path.display();
        let json = fs::read(path).with_context(|| format!("cannot read {name}"))?;
        let plan: Self =
            serde_json::from_slice(&json).with_context(|| format!("{name} is not a plan; expected a file that `prep plan` wrote"))?;
        ensure!(
            plan.version == PLAN_VERSION,
            "{name} is a plan of version {}, expected {PLAN_VERSION}; make it again with this program",
            plan.version
        );
        let is_known = |range: &PlannedRange| range.dump < plan.dumps.len();
        ensure!(plan.parts.iter().flatten().all(is_known), "{name} refers to a dump that it does not list; make it again");
        Ok((plan, blake3::hash(&json).to_string()))
    }
}
