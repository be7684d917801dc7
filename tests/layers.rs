//! The architecture, held by a test: layers, import circles, where outside crates are used, and the length of files.
//!
//! A failing test names the file, the rule and why the rule is there. `.github/ARCHITECTURE.md` has the map.

#![allow(clippy::unwrap_used, missing_docs)]

mod import_graph;

use std::path::{Path, PathBuf};

use import_graph::Crate;

/// A row of the layers of a crate. Rows are ordered top to bottom: a module imports only from rows below its own.
struct Layer {
    modules: &'static [&'static str],
    why: &'static str,
}

const fn layer(modules: &'static [&'static str], why: &'static str) -> Layer {
    Layer { modules, why }
}

const PREP: &[Layer] = &[
    layer(&["main"], "the program parses, resolves, runs, and sets the exit code"),
    layer(&["cli"], "the one module that knows clap; it resolves what was typed into `config`, and nothing below can ask for an argument"),
    layer(&["lib"], "it hands each configuration to its command"),
    layer(&["commands"], "a command joins parts of the domain and talks to the terminal"),
    layer(&["config"], "resolved settings of each command, made of settings types of the domain"),
    layer(&["run"], "jobs, checkpoints and resuming; the labelling of a page is handed in"),
    layer(&["label", "names"], "pages to triples, and to names, wherever the pages come from"),
    layer(&["input"], "dumps and folders of pages, read in order; it does not know which rows are made of them"),
    layer(&["gazetteer", "corpora"], "names and annotated files know no page and no dump"),
    layer(&["sentence"], "text of any origin to sentences"),
    layer(&["wikitext"], "wikitext to text: it knows the wiki's `SiteInfo`, not where a page came from"),
    layer(&["source"], "bytes to fields of pages; what wikitext means is decided above"),
    layer(&["counters", "interner", "ordered_map", "number_format"], "tools that know nothing of the domain"),
    layer(&["threads"], "whoever starts a thread gives it a name and is timed"),
];

const TRAIN: &[Layer] = &[
    layer(&["main"], "the program parses, resolves, runs, and sets the exit code"),
    layer(&["cli"], "the one module that knows clap; it resolves what was typed into `config`, and nothing below can ask for an argument"),
    layer(&["lib"], "it hands each configuration to its command"),
    layer(&["commands"], "a command joins parts of the domain and talks to the terminal"),
    layer(&["config"], "resolved settings of each command, made of settings types of the domain"),
    layer(&["stage"], "the training loop, and what each stage adds to it"),
    layer(&["run_folder", "inference"], "run folders hold any stage's results, and inference serves any stage: they know none"),
    layer(&["model", "optim", "cluster"], "the model computes for any stage, and clusters are made of vectors of any model"),
    layer(&["device"], "the one module that selects a backend"),
    layer(&["kernels"], "operations with an implementation for each backend; they know no model"),
    layer(&["data"], "triples to batches: token ids and masks, whatever model reads them"),
    layer(&["decode", "metric", "progress", "parameter_names", "model_files", "allocator"], "plain data and functions"),
];

/// A crate, a macro or a path, and the files that may use it.
struct Confined {
    name: &'static str,
    to: &'static [&'static str],
    why: &'static str,
}

const fn confined(name: &'static str, to: &'static [&'static str], why: &'static str) -> Confined {
    Confined { name, to, why }
}

const NO_COMMAND_LINE: &str = "the domain knows no command line";
const NO_TERMINAL: &str = "the domain knows no terminal: it returns results or reports events";
const ATOMIC: &str =
    "a file appears complete under its final name or not at all (`schemas::atomic_file`); append-only logs are the exception";

const PREP_CONFINED: &[Confined] = &[
    confined("clap", &["cli/", "main.rs"], NO_COMMAND_LINE),
    confined("indicatif", &["commands/"], NO_TERMINAL),
    confined("eprintln", &["commands/", "main.rs"], NO_TERMINAL),
    confined("eprint", &["commands/"], NO_TERMINAL),
    confined("println", &["commands/"], NO_TERMINAL),
    confined("print", &["commands/"], NO_TERMINAL),
    confined("polars", &["commands/inspect/"], "polars makes reports; it is never in the hot path"),
    confined(
        "std::fs",
        &["source/", "gazetteer/", "input/", "run/", "commands/", "threads.rs"],
        "wikitext, sentences, labels and corpora never touch the disk; the system tells CPU times in files",
    ),
    confined("File::create", &[], ATOMIC),
    confined("fs::write", &[], ATOMIC),
    confined("fs::rename", &[], ATOMIC),
    confined("OpenOptions::new", &["run/page_report.rs"], ATOMIC),
];

const TRAIN_CONFINED: &[Confined] = &[
    confined("clap", &["cli/", "main.rs"], NO_COMMAND_LINE),
    confined("indicatif", &["commands/"], NO_TERMINAL),
    confined("eprintln", &["commands/", "main.rs"], NO_TERMINAL),
    confined("eprint", &["commands/"], NO_TERMINAL),
    confined("println", &["commands/"], NO_TERMINAL),
    confined("print", &["commands/"], NO_TERMINAL),
    confined("plotters", &["commands/plot/"], "pictures are made from the files of a run, by one command"),
    confined("burn_flex", &["device/", "kernels/flex/"], "one module selects a backend, and its kernels implement operations for it"),
    confined("burn_cubecl", &["device/", "kernels/cube/"], "one module selects a backend, and its kernels implement operations for it"),
    confined("cubecl", &["device/", "kernels/cube/"], "one module selects a backend, and its kernels implement operations for it"),
    confined("File::create", &["run_folder/writer.rs", "run_folder/tensorboard.rs"], ATOMIC),
    confined("fs::write", &[], ATOMIC),
    confined("fs::rename", &[], ATOMIC),
    confined("OpenOptions::new", &["run_folder/writer.rs"], ATOMIC),
];

/// Modules that may not use a crate, although others beside them may.
const TRAIN_WITHOUT: &[(&str, &str, &[&str], &str)] = &[
    ("cluster/", "burn", &["cluster/device_pca.rs"], "clustering computes on plain vectors; tensors enter at one place"),
    ("data/", "burn", &[], "batches are plain arrays; the model makes tensors of them"),
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn crates() -> [(Crate, &'static [Layer], &'static [Confined]); 3] {
    let read = |name| Crate::read(&workspace(), name);
    [(read("schemas"), &[], &[]), (read("prep"), PREP, PREP_CONFINED), (read("train"), TRAIN, TRAIN_CONFINED)]
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
            for rule in confined.iter().filter(|rule| module.uses(rule.name)) {
                if !rule.to.iter().any(|place| module.file.starts_with(place)) {
                    broken.push(format!(
                        "{}/src/{} uses {}, which belongs into {:?}: {}",
                        tree.name, module.file, rule.name, rule.to, rule.why
                    ));
                }
            }
            for (folder, name, except, why) in TRAIN_WITHOUT.iter().filter(|_| tree.name == "train") {
                if module.file.starts_with(folder) && !except.contains(&module.file.as_str()) && module.uses(name) {
                    broken.push(format!("{}/src/{} uses {name}: {why}", tree.name, module.file));
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
const SHARED_BY_COMMANDS: &[&str] = &["mod", "terminal", "interrupt", "page_job", "run_stage"];

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
