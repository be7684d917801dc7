//! The documents: every shell example of README.md and of the guides runs, links lead somewhere, README.md stays short.
//!
//! A ```` ```sh ```` block is run by bash in a temporary folder that holds a link to `fixtures/`, with both programs on the PATH. The blocks of a
//! page share the folder and run in order; the first failure of a page is reported with its line. Not run: ```` ```text ```` and
//! ```` ```sh ignore (reason) ````. `<!-- sh … -->` runs without being shown, for what an example needs beforehand.
//! Rust examples of the guides run as doctests: the crates include the guides.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Lines of README.md at most.
const README_LINES: usize = 180;

/// Folders of guides, whose examples run as those of README.md do.
const GUIDES: [&str; 3] = ["prep/docs", "train/docs", "schemas/docs"];

/// Other documents, whose links are checked.
const OTHERS: [&str; 8] = [
    "README.md",
    "CHANGELOG.md",
    ".github/ARCHITECTURE.md",
    ".github/CONTRIBUTING.md",
    "fixtures/README.en.md",
    "fixtures/README.zh.md",
    "prep/benches/README.md",
    "train/benches/README.md",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The guides, by their paths from the root, in order.
fn guides() -> Vec<String> {
    let mut guides = Vec::new();
    for folder in GUIDES {
        let files = fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        guides.extend(names.filter(|name| name.ends_with(".md")).map(|name| format!("{folder}/{name}")));
    }
    guides.sort();
    guides
}

fn read(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// A line of a document.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Text(&'a str),
    /// In a code block or a comment that is run.
    Shell(&'a str),
    /// In any other code block.
    Code,
    /// Begins or ends a block.
    Fence,
}

/// Whether the info string of a code block asks for it to be run.
fn is_run(info: &str) -> bool {
    let mut words = info.split([' ', ',', '(']);
    words.next() == Some("sh") && words.next() != Some("ignore")
}

/// The lines of a document, and what each is.
fn lines(text: &str) -> Vec<Line<'_>> {
    // Open block: its closing line, and whether it is run.
    let mut open: Option<(&str, bool)> = None;
    let of = |line| {
        let trimmed = str::trim(line);
        if let Some((end, shell)) = open {
            if trimmed == end {
                open = None;
                return Line::Fence;
            }
            return if shell { Line::Shell(line) } else { Line::Code };
        }
        if let Some(info) = trimmed.strip_prefix("```") {
            open = Some(("```", is_run(info)));
        } else if trimmed == "<!-- sh" {
            open = Some(("-->", true));
        } else {
            return Line::Text(line);
        }
        Line::Fence
    };
    text.lines().map(of).collect()
}

/// The shell blocks of a document, each with the number of its first line.
fn shell_blocks(text: &str) -> Vec<(usize, String)> {
    let mut blocks: Vec<(usize, String)> = Vec::new();
    let mut inside = false;
    for (number, line) in lines(text).into_iter().enumerate() {
        let Line::Shell(line) = line else {
            inside = false;
            continue;
        };
        if !std::mem::replace(&mut inside, true) {
            blocks.push((number + 1, String::new()));
        }
        let script = &mut blocks.last_mut().unwrap().1;
        script.push_str(line);
        script.push('\n');
    }
    blocks
}

/// Runs the shell blocks of a page in a folder of its own. What went wrong, if something did.
fn run_page(page: &str, path: &str) -> Option<String> {
    let blocks = shell_blocks(&read(page));
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(root().join("fixtures"), dir.path().join("fixtures")).unwrap();
    for (line, script) in blocks {
        let mut bash = Command::new("bash");
        bash.args(["-euo", "pipefail", "-c", &script]).current_dir(dir.path()).env("PATH", path).env_remove("RUST_LOG");
        let output = bash.output().unwrap();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Some(format!("{page}:{line}: {}\n{script}{said}", output.status));
        }
    }
    None
}

/// The PATH with the programs that were built in front.
fn path_with_programs() -> String {
    let bin = Path::new(env!("CARGO_BIN_EXE_prep")).parent().unwrap();
    assert!(bin.join("train").is_file(), "no {}/train: build it with `cargo build --workspace --bins`", bin.display());
    format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default())
}

#[test]
fn shell_examples_run() {
    let path = path_with_programs();
    let pages: Vec<String> = guides().into_iter().chain(["README.md".to_owned()]).collect();
    // One page after the other: training uses all cores.
    let failures: Vec<String> = pages.iter().filter_map(|page| run_page(page, &path)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn readme_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= README_LINES, "README.md has {lines} lines, {README_LINES} at most; details belong into the guides");
}

#[test]
fn readme_leads_to_every_guide() {
    let readme = read("README.md");
    for guide in guides() {
        assert!(readme.contains(&format!("({guide})")), "README.md does not link to {guide}");
    }
}

/// The targets of a document's links, each with its line.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    for (number, line) in lines(text).into_iter().enumerate() {
        let Line::Text(line) = line else { continue };
        // Code between backquotes holds no links.
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        let targets = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        links.extend(targets.map(|(target, _)| (number + 1, target.to_owned())));
        let sources = prose.split("src=\"").skip(1).filter_map(|rest| rest.split_once('"'));
        links.extend(sources.map(|(target, _)| (number + 1, target.to_owned())));
    }
    links
}

/// The fragment by which GitHub and rustdoc know a heading.
fn fragment(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).flat_map(char::to_lowercase).collect()
}

/// The fragments of a document's headings.
fn fragments(text: &str) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let headings = lines(text).into_iter().filter_map(|line| match line {
        Line::Text(line) if line.starts_with('#') => Some(fragment(line.trim_start_matches('#').trim())),
        _ => None,
    });
    let number = |name: String| {
        let count = seen.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 { name } else { format!("{name}-{}", *count - 1) }
    };
    headings.map(number).collect()
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    for page in guides().iter().map(String::as_str).chain(OTHERS) {
        let text = read(page);
        // rustdoc checks the links to items.
        for (line, target) in links(&text).into_iter().filter(|(_, target)| !target.contains("://") && !target.starts_with("crate::")) {
            let (file, fragment) = target.split_once('#').unwrap_or((&target, ""));
            let path = root().join(page).parent().unwrap().join(file);
            let path = if file.is_empty() { root().join(page) } else { path };
            if !path.exists() {
                broken.push(format!("{page}:{line}: no file {target}"));
            } else if !fragment.is_empty() && file_is_markdown(&path) {
                let known = fragments(&fs::read_to_string(&path).unwrap());
                if !known.iter().any(|known| known == fragment) {
                    broken.push(format!("{page}:{line}: no heading for {target}"));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

fn file_is_markdown(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md")
}

#[test]
fn blocks_and_links_are_found() {
    let page = "# One `two`, three\n```sh\na\nb\n```\n[x](y.md#z) `[no](link)`\n<!-- sh\nc\n-->\n```sh ignore (slow)\nd\n```\n```sh,ignore\ne\n```\n# One two three\n";
    assert_eq!(shell_blocks(page), [(3, "a\nb\n".to_owned()), (8, "c\n".to_owned())]);
    assert_eq!(links(page), [(6, "y.md#z".to_owned())]);
    assert_eq!(fragments(page), ["one-two-three", "one-two-three-1"]);
}
