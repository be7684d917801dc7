//! The architecture, held by a test: layers, import circles, where outside crates are used, and the length of files.
//!
//! A failing test names the file, the rule and why the rule is there. `.github/ARCHITECTURE.md` has the map.

#![allow(clippy::unwrap_used, missing_docs)]

mod import_graph;

use std::path::{Path, PathBuf};

use import_graph::Crate;

/// A row of the layers of a crate, top to bottom: its modules import from rows below alone, not from each other.
struct Layer {
    modules: &'static [&'static str],
    why: &'static str,
}

const fn layer(modules: &'static [&'static str], why: &'static str) -> Layer {
    Layer { modules, why }
}

const SCHEMAS: &[Layer] = &[layer(&["lib"], "it declares the modules"), layer(&[], "")];

const PREP: &[Layer] = &[
    layer(&["main"], "the program: it parses, resolves, runs and sets the exit code"),
    layer(&["cli"], "the one place that knows clap; it resolves what was typed into `config`, and nothing below can ask for an argument"),
    layer(&["lib"], "it hands each configuration to its command"),
    layer(&["commands"], "a command joins parts of the domain and talks to the terminal; no other module prints"),
    layer(&["config"], "resolved settings, as manifests keep them"),
    layer(&["run"], "jobs, checkpoints and resuming; what is made of a page is handed in"),
    layer(&["label"], "pages to triples, wherever the pages come from"),
    layer(&["input"], "dumps and folders of pages, read in order; it knows no rows that are made of them"),
    layer(&["gazetteer", "corpora"], "names and annotated files know no page and no dump"),
    layer(&["sentence"], "text to sentences, of any origin"),
    layer(&["wikitext"], "wikitext to text: it knows the wiki's `SiteInfo`, not where the page came from"),
    layer(&["source"], "bytes to fields of pages; what wikitext means is not its business"),
    layer(&["counters", "interner", "ordered_map", "number_format"], "tools of all others"),
];

const TRAIN: &[Layer] = &[
    layer(&["main"], "the program: it parses, resolves, runs and sets the exit code"),
    layer(&["cli"], "the one place that knows clap; it resolves what was typed into `config`, and nothing below can ask for an argument"),
    layer(&["lib"], "it hands each configuration to its command"),
    layer(&["commands"], "a command joins parts of the domain and talks to the terminal; no other module prints"),
    layer(&["config"], "resolved settings, as `run.toml` keeps them"),
    layer(&["stage"], "the training loop and what each stage adds to it"),
    layer(&["run"], "run folders: any stage's, so they know none"),
    layer(&["model"], "the model computes for any stage"),
    layer(&["cluster", "optim"], "they know tensors and clusters of vectors, but no model"),
    layer(&["device"], "the one place that names backends, but for the kernels that each backend has"),
    layer(&["kernels"], "tensor operations: they know neither the model nor the device that runs them"),
    layer(&["data"], "batches in host memory know no model, no device and no tensor"),
    layer(&["parameter_names", "allocator"], "tools of all others"),
];

/// A name of another crate, or a macro, and the modules that may use it.
struct Confined {
    name: &'static str,
    to: &'static [&'static str],
    why: &'static str,
}

const fn confined(name: &'static str, to: &'static [&'static str], why: &'static str) -> Confined {
    Confined { name, to, why }
}

const PREP_CONFINED: &[Confined] = &[
    confined("clap", &["cli/", "main.rs"], "the domain knows no command line"),
    confined("indicatif", &["commands/"], "the domain knows no terminal"),
    confined("eprintln", &["commands/", "main.rs"], "the domain knows no terminal"),
    confined("println", &["commands/"], "the domain knows no terminal"),
    confined("polars", &["commands/inspect/"], "polars is for reports, never in the hot path"),
];

const TRAIN_CONFINED: &[Confined] = &[
    confined("clap", &["cli/", "main.rs"], "the domain knows no command line"),
    confined("indicatif", &["commands/"], "the domain knows no terminal"),
    confined("eprintln", &["commands/", "main.rs"], "the domain knows no terminal"),
    confined("println", &["commands/"], "the domain knows no terminal"),
    confined("plotters", &["commands/plot/"], "pictures are made of a run's files, by one command"),
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn crates() -> [(Crate, &'static [Layer], &'static [Confined]); 3] {
    let read = |name| Crate::read(&workspace(), name);
    [(read("schemas"), SCHEMAS, &[]), (read("prep"), PREP, PREP_CONFINED), (read("train"), TRAIN, TRAIN_CONFINED)]
}

fn report(broken: &[String]) {
    assert!(broken.is_empty(), "{} broken:\n{}", broken.len(), broken.join("\n"));
}

/// The first folder of a file, or its own name.
fn module_of(file: &str) -> &str {
    file.split_once('/').map_or_else(|| file.trim_end_matches(".rs"), |(folder, _)| folder)
}

#[test]
fn no_import_circles() {
    let circles = crates()
        .iter()
        .flat_map(|(tree, ..)| tree.circles().iter().map(|circle| tree.describe(circle)).collect::<Vec<_>>())
        .collect::<Vec<_>>();
    assert!(
        circles.is_empty(),
        "{} circles. Files that import each other can only be understood, tested and moved together; what both need belongs into a third.\n{}",
        circles.len(),
        circles.join("\n")
    );
}

#[test]
fn imports_lead_downwards() {
    let mut broken = Vec::new();
    for (tree, layers, _) in crates().iter().skip(1) {
        let row = |file: &str| layers.iter().position(|layer| layer.modules.contains(&module_of(file)));
        for file in tree.files() {
            if row(file).is_none() {
                broken.push(format!("{}/src/{file} is in no layer: add `{}` to the table in tests/layers.rs", tree.name, module_of(file)));
            }
        }
        for ((from, to), names) in &tree.edges {
            if let (Some(above), Some(below)) = (row(from), row(to))
                && module_of(from) != module_of(to)
                && above >= below
            {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                broken.push(format!(
                    "{}/src/{from} takes {} from {to}, which is no layer below it; `{}`: {}",
                    tree.name,
                    names.join(", "),
                    module_of(from),
                    layers[above].why
                ));
            }
        }
    }
    report(&broken);
}

#[test]
fn outside_crates_are_used_where_they_belong() {
    let mut broken = Vec::new();
    for (tree, _, confined) in &crates() {
        for module in tree.modules.values() {
            for rule in *confined {
                let used = module.roots().any(|root| root == rule.name) || module.macros.contains(rule.name);
                if used && !rule.to.iter().any(|place| module.file.starts_with(place)) {
                    broken.push(format!(
                        "{}/src/{} uses {}, which belongs into {}: {}",
                        tree.name,
                        module.file,
                        rule.name,
                        rule.to.join(", "),
                        rule.why
                    ));
                }
            }
        }
    }
    report(&broken);
}

/// No command knows another one: what two of them need is in `commands/` itself, or below.
#[test]
fn commands_know_no_other_command() {
    let mut broken = Vec::new();
    for (tree, ..) in crates().iter().skip(1) {
        let command = |file: &str| Some(module_of(file.strip_prefix("commands/")?).to_owned());
        for ((from, to), names) in &tree.edges {
            if let (Some(one), Some(other)) = (command(from), command(to))
                && one != other
                && !SHARED_BY_COMMANDS.contains(&other.as_str())
            {
                broken.push(format!("{}/src/{from} takes {names:?} from {to}", tree.name));
            }
        }
    }
    report(&broken);
}

/// Modules of `commands/` that are no commands.
const SHARED_BY_COMMANDS: &[&str] = &["mod", "progress", "terminal"];

/// Longer files give the reason at their head, in a line that begins with [`REASON`].
#[test]
fn files_are_short() {
    let mut broken = Vec::new();
    for (tree, ..) in &crates() {
        for file in tree.files() {
            let text = std::fs::read_to_string(workspace().join(&tree.name).join("src").join(file)).unwrap();
            let lines = text.lines().count();
            if lines > LONGEST && !text.lines().take_while(|line| line.starts_with("//!")).any(|line| line.starts_with(REASON)) {
                broken.push(format!(
                    "{}/src/{file} has {lines} lines: split it by concept, or say why not in a line `{REASON} …`",
                    tree.name
                ));
            }
        }
    }
    report(&broken);
}

const LONGEST: usize = 400;
const REASON: &str = "//! Longer than 400 lines:";

/// `prep` and `train` are built, shipped and run apart: what they share is the format of their files.
#[test]
fn prep_and_train_share_schemas_alone() {
    for (one, other) in [("prep", "train"), ("train", "prep"), ("schemas", "prep"), ("schemas", "train")] {
        let manifest: toml::Table = std::fs::read_to_string(workspace().join(one).join("Cargo.toml")).unwrap().parse().unwrap();
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let depends = manifest.get(kind).and_then(toml::Value::as_table).is_some_and(|table| table.contains_key(other));
            assert!(!depends, "{one}/Cargo.toml has {other} in [{kind}]");
        }
    }
}
