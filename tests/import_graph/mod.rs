//! The import graph of a crate: which file takes which names from which other file.
//!
//! Files are read as token streams, not compiled. A path is followed from module to module, through re-exports, to the file that defines
//! its last name, so that a `mod.rs` of re-exports hides no edge and makes none. Code under `#[cfg(test)]` is left out. Limits: names that
//! a macro makes, and methods and fields, are not seen.

mod resolve;
mod scan;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub use scan::Module;

/// A module's place in its crate: `["label", "buckets"]`; empty for `lib.rs`.
pub type ModulePath = Vec<String>;

/// The source files of a crate and the imports between them.
pub struct Crate {
    pub name: String,
    /// Every module, inline ones too, by its place.
    pub modules: BTreeMap<ModulePath, Module>,
    /// Names that a file takes from another one, by both files (relative to the crate's `src/`).
    pub edges: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Crate {
    /// Reads the sources of a crate of the workspace.
    ///
    /// # Panics
    /// A file that cannot be read or that is no Rust.
    pub fn read(workspace: &Path, name: &str) -> Self {
        let source = workspace.join(name).join("src");
        let relative = |path: &Path| path.strip_prefix(&source).unwrap().to_str().unwrap().replace('\\', "/");
        let files = rust_files(&source).into_iter().map(|path| (relative(&path), std::fs::read_to_string(&path).unwrap()));
        Self::of_files(name, files)
    }

    /// A crate of these files, each with its path relative to `src/` and its text.
    fn of_files(name: &str, files: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut modules = BTreeMap::new();
        for (file, text) in files {
            scan::file(&file, &text, &mut modules);
        }
        for test_only in modules.values().flat_map(Module::test_children).collect::<Vec<_>>() {
            modules.retain(|place: &ModulePath, _| !place.starts_with(&test_only));
        }
        let edges = resolve::edges(&modules);
        Self { name: name.to_owned(), modules, edges }
    }

    /// Files, relative to `src/`.
    pub fn files(&self) -> BTreeSet<&str> {
        self.modules.values().map(|module| module.file.as_str()).collect()
    }

    /// Groups of files that import each other, directly or through others.
    pub fn circles(&self) -> Vec<Vec<&str>> {
        let reach = |from: &str| {
            let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
            while let Some(at) = open.pop() {
                for ((_, to), _) in self.edges.range((at.to_owned(), String::new())..).take_while(|((start, _), _)| start == at) {
                    if seen.insert(to.as_str()) {
                        open.push(to);
                    }
                }
            }
            seen
        };
        let reached: BTreeMap<&str, BTreeSet<&str>> = self.files().into_iter().map(|file| (file, reach(file))).collect();
        let mut circles: Vec<Vec<&str>> = Vec::new();
        for (file, others) in &reached {
            if others.contains(file) && !circles.iter().flatten().any(|known| known == file) {
                circles.push(others.iter().copied().filter(|other| reached[other].contains(file)).collect());
            }
        }
        circles
    }

    /// What ties a circle's files, a line for each import between two of them.
    pub fn describe(&self, circle: &[&str]) -> String {
        let inside = |file: &str| circle.contains(&file);
        let ties = self.edges.iter().filter(|((from, to), _)| inside(from) && inside(to));
        let line = |((from, to), names): (&(String, String), &BTreeSet<String>)| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            format!("  {}/src/{from} takes {} from {to}\n", self.name, names.join(", "))
        };
        ties.map(line).collect()
    }
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            files.extend(rust_files(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            files.push(entry);
        }
    }
    files.sort();
    files
}

#[test]
fn imports_are_followed_to_the_file_that_defines_the_name() {
    let files = [
        ("lib.rs", "pub mod a; pub mod b; pub mod c;"),
        (
            "a.rs",
            "use crate::b::{self, Shown as S, deep::Other}; fn f() { b::helper(); super::c::run!(); }\n#[cfg(test)] mod tests { use crate::c::Tested; }",
        ),
        ("b/mod.rs", "mod inner; pub mod deep; pub use inner::Shown; pub use deep::*; pub fn helper() {}"),
        ("b/inner.rs", "pub struct Shown; use clap::Parser;"),
        ("b/deep.rs", "pub struct Other; fn f() -> crate::b::Shown { std::fs::write(1) }"),
        ("c.rs", "use crate::{a::f, b::Other}; fn g() { eprintln!(\"x\") }"),
    ];
    let tree = Crate::of_files("test", files.map(|(file, text)| (file.to_owned(), text.to_owned())));
    let edges: Vec<String> = tree.edges.iter().map(|((from, to), names)| format!("{from} -> {to}: {names:?}")).collect();
    let expected = [
        r#"a.rs -> b/deep.rs: {"Other"}"#,
        r#"a.rs -> b/inner.rs: {"Shown"}"#,
        r#"a.rs -> b/mod.rs: {"helper"}"#,
        r#"a.rs -> c.rs: {"run"}"#,
        r#"b/deep.rs -> b/inner.rs: {"Shown"}"#,
        r#"c.rs -> a.rs: {"f"}"#,
        r#"c.rs -> b/deep.rs: {"Other"}"#,
    ];
    assert_eq!(edges, expected);
    assert_eq!(tree.circles(), [["a.rs", "c.rs"]]);
    let using = |name| tree.modules.values().filter(|module| module.uses(name)).map(|module| module.file.as_str()).collect::<Vec<_>>();
    assert_eq!(
        (using("clap"), using("std::fs"), using("fs::write"), using("eprintln")),
        (vec!["b/inner.rs"], vec!["b/deep.rs"], vec!["b/deep.rs"], vec!["c.rs"])
    );
}
