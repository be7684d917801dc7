//! What several integration tests need.

// Each test file uses some of it.
#![allow(dead_code, clippy::unwrap_used)]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use schemas::{Manifest, ShardFolder, Triple};

/// What a program that was run has said.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    fn new(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("programs write UTF-8");
        Self { code: output.status.code().expect("not killed"), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Asserts success.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self
    }

    /// Asserts a failure (exit code 1, not a panic) with all of these texts on standard error.
    #[track_caller]
    pub fn fails(self, texts: &[&str]) -> Self {
        self.exits_with(1, texts)
    }

    /// Asserts a usage error (exit code 2) with all of these texts on standard error.
    #[track_caller]
    pub fn fails_with_usage_error(self, texts: &[&str]) -> Self {
        self.exits_with(2, texts)
    }

    #[track_caller]
    fn exits_with(self, code: i32, texts: &[&str]) -> Self {
        assert_eq!(self.code, code, "{}", self.stderr);
        for text in texts {
            assert!(self.stderr.contains(text), "no {text:?} in: {}", self.stderr);
        }
        self
    }
}

/// Runs a program to its end.
pub fn run<A: AsRef<OsStr>>(program: &str, args: impl IntoIterator<Item = A>) -> Run {
    Run::new(Command::new(program).args(args).env_remove("RUST_LOG").output().unwrap())
}

/// Path of a fixture.
pub fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(name).display().to_string()
}

/// All rows of a complete folder of triples.
pub fn triples(dir: &Path) -> Vec<Triple> {
    ShardFolder::open::<Triple>(dir).unwrap().rows().collect::<Result<Vec<_>, _>>().unwrap().concat()
}

/// The manifest of a folder, complete or not.
pub fn manifest(dir: &Path) -> Manifest {
    ShardFolder::open_any(dir).unwrap().manifest().clone()
}

/// A file or folder of the real data.
///
/// # Panics
/// It is missing. Tests that need it are ignored by default, and fail if they are run without it.
pub fn shared_data(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(path);
    assert!(path.exists(), "{} is missing: this test reads real data in ../shared/data, a folder beside the project's", path.display());
    path
}
