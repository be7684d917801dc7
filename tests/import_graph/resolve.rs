//! Paths to the files that define what they name.

use std::collections::{BTreeMap, BTreeSet};

use super::ModulePath;
use super::scan::{Import, Module, child};

type Modules = BTreeMap<ModulePath, Module>;

/// What a path leads to.
enum Target {
    Module(ModulePath),
    /// An item, in the module that defines it.
    Item(ModulePath, String),
}

/// Imports of each file from each other one.
pub fn edges(modules: &Modules) -> BTreeMap<(String, String), BTreeSet<String>> {
    let mut edges: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for (place, module) in modules {
        let aliases = aliases(modules, place, module);
        let imports = module.imports.iter().filter(|import| !is_reexport(modules, place, import)).map(|import| &import.path);
        for path in imports.chain(&module.paths) {
            let target = match aliases.get(&path[0]) {
                Some(at) => follow(modules, at, &path[1..], 0),
                None => resolve(modules, place, path, 0),
            };
            // A module that is imported as a whole is no dependency by itself: the paths through it are.
            if let Some(Target::Item(at, name)) = target
                && modules[&at].file != module.file
            {
                edges.entry((module.file.clone(), modules[&at].file.clone())).or_default().insert(name);
            }
        }
    }
    edges
}

/// Modules that `place` knows by a name of its own: those it imports.
fn aliases(modules: &Modules, place: &ModulePath, module: &Module) -> BTreeMap<String, ModulePath> {
    let module_of = |import: &Import| match resolve(modules, place, &import.path, 0)? {
        Target::Module(at) if import.path.last().is_some_and(|last| last != "*") => Some((import.alias.clone(), at)),
        _ => None,
    };
    module.imports.iter().filter_map(module_of).collect()
}

/// Whether it only shows a name of one of its children to others.
fn is_reexport(modules: &Modules, place: &ModulePath, import: &Import) -> bool {
    let inside = |target: Option<Target>| {
        target.is_some_and(|target| match target {
            Target::Module(at) | Target::Item(at, _) => at.starts_with(place),
        })
    };
    import.public && inside(resolve(modules, place, &import.path, 0))
}

/// Follows a path as it is written in the module at `place`; nothing where it leads to another crate.
fn resolve(modules: &Modules, place: &ModulePath, path: &[String], depth: usize) -> Option<Target> {
    let mut at = place.clone();
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => {
            at.clear();
            rest = &rest[1..];
        }
        "self" => rest = &rest[1..],
        "super" => {
            while rest.first().is_some_and(|first| first == "super") {
                at.pop();
                rest = &rest[1..];
            }
        }
        first if modules.contains_key(&child(place, first)) => {}
        _ => return None,
    }
    follow(modules, &at, rest, depth)
}

fn follow(modules: &Modules, at: &ModulePath, path: &[String], depth: usize) -> Option<Target> {
    if depth > 16 {
        return None;
    }
    let Some((first, rest)) = path.split_first() else { return Some(Target::Module(at.clone())) };
    let inner = child(at, first);
    if modules.contains_key(&inner) {
        return follow(modules, &inner, rest, depth);
    }
    let module = modules.get(at)?;
    if first == "*" {
        return Some(Target::Module(at.clone()));
    }
    if !module.defines.contains(first) {
        let named = module.imports.iter().filter(|import| import.alias == *first);
        let globs = module.imports.iter().filter(|import| import.alias == "*");
        for import in named.chain(globs) {
            let mut whole = import.path.clone();
            if import.alias == "*" {
                whole.pop();
                whole.push(first.clone());
            }
            whole.extend_from_slice(rest);
            match resolve(modules, at, &whole, depth + 1) {
                Some(Target::Item(found, name)) if import.alias == "*" && !modules[&found].defines.contains(&name) => {}
                Some(target) => return Some(target),
                None => {}
            }
        }
    }
    Some(Target::Item(at.clone(), first.clone()))
}
