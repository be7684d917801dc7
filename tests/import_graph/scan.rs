//! A file's tokens to what its modules declare, import and name.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::ModulePath;

/// What is said in one module, without what is said in its children.
#[derive(Default)]
pub struct Module {
    /// Its file, relative to `src/`.
    pub file: String,
    pub place: ModulePath,
    /// Items that it defines.
    pub defines: BTreeSet<String>,
    /// Names that it imports.
    pub imports: Vec<Import>,
    /// Paths that it names outside `use`.
    pub paths: Vec<Vec<String>>,
    /// Macros that it calls.
    pub macros: BTreeSet<String>,
    /// Children that exist for tests alone.
    tests: Vec<String>,
}

/// One name of a `use`.
pub struct Import {
    /// The whole path; `*` for all names of a module.
    pub path: Vec<String>,
    /// The name that it has here.
    pub alias: String,
    /// Whether others can take it from here.
    pub public: bool,
}

impl Module {
    /// The places of its children that exist for tests alone.
    pub fn test_children(&self) -> Vec<ModulePath> {
        self.tests.iter().map(|name| child(&self.place, name)).collect()
    }

    /// Whether it uses a crate, a macro or a path, such as `clap`, `println` or `File::create`.
    pub fn uses(&self, name: &str) -> bool {
        let wanted: Vec<&str> = name.split("::").collect();
        let imported = |path: &&Vec<String>| path.iter().zip(&wanted).filter(|(have, want)| have == want).count() == wanted.len();
        let called = |path: &&Vec<String>| path.windows(wanted.len()).any(|part| part == wanted);
        let imports = self.imports.iter().map(|import| &import.path).filter(imported);
        let paths = self.paths.iter().filter(|path| if wanted.len() == 1 { path[0] == name } else { called(path) });
        imports.chain(paths).next().is_some() || self.macros.contains(name)
    }
}

/// Adds the modules of a file.
///
/// # Panics
/// A text that is no Rust.
pub fn file(file: &str, text: &str, modules: &mut BTreeMap<ModulePath, Module>) {
    let stem = file.strip_suffix(".rs").unwrap();
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    let place: ModulePath = if matches!(stem, "lib" | "mod") { Vec::new() } else { stem.split('/').map(str::to_owned).collect() };
    let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
    module(file, place, tokens, modules);
}

fn module(file: &str, place: ModulePath, tokens: TokenStream, modules: &mut BTreeMap<ModulePath, Module>) {
    let mut here = Module { file: file.to_owned(), place: place.clone(), ..Module::default() };
    walk(tokens, &mut here, modules);
    modules.insert(place, here);
}

fn walk(tokens: TokenStream, here: &mut Module, modules: &mut BTreeMap<ModulePath, Module>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    let mut public = false;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Punct(mark) if mark.as_char() == '#' => {
                if let Some(TokenTree::Group(attribute)) = tokens.get(at + 1) {
                    if is_cfg_test(attribute.stream()) {
                        at = skip_item(&tokens, at + 2, here);
                        continue;
                    }
                    walk(attribute.stream(), here, modules);
                    at += 1;
                }
            }
            TokenTree::Group(group) => walk(group.stream(), here, modules),
            TokenTree::Ident(word) => {
                let word = word.to_string();
                let next = ident(tokens.get(at + 1));
                match (word.as_str(), next) {
                    ("pub", _) => {
                        public = true;
                        let scope =
                            matches!(tokens.get(at + 1), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
                        at += 1 + usize::from(scope);
                        continue;
                    }
                    ("mod", Some(name)) => {
                        if let Some(TokenTree::Group(body)) = tokens.get(at + 2) {
                            module(&here.file, child(&here.place, &name), body.stream(), modules);
                        }
                        at += 2;
                    }
                    ("use", _) => {
                        let end = (at..tokens.len()).find(|&end| is_punct(&tokens[end], ';')).unwrap_or(tokens.len());
                        use_tree(&tokens[at + 1..end], &[], public, here);
                        at = end;
                    }
                    ("fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" | "union", Some(name)) => {
                        here.defines.insert(name);
                        at += 1;
                    }
                    _ if tokens.get(at + 1).is_some_and(|next| is_punct(next, '!')) && !is_punct_at(&tokens, at + 2, '=') => {
                        if let ("macro_rules", Some(name)) = (word.as_str(), ident(tokens.get(at + 2))) {
                            here.defines.insert(name);
                        }
                        here.macros.insert(word);
                    }
                    _ => {
                        let (path, end) = path(&tokens, at);
                        if path.len() > 1 {
                            here.paths.push(path);
                        }
                        at = end;
                        public = false;
                        continue;
                    }
                }
                public = false;
            }
            _ => {}
        }
        at += 1;
    }
}

/// Leaves out an item that is for tests alone, and notes it where it is a module.
fn skip_item(tokens: &[TokenTree], mut at: usize, here: &mut Module) -> usize {
    while at < tokens.len() {
        if let ("mod", Some(name)) = (ident(tokens.get(at)).unwrap_or_default().as_str(), ident(tokens.get(at + 1))) {
            here.tests.push(name);
        }
        let body = matches!(&tokens[at], TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        at += 1;
        if body || is_punct(&tokens[at - 1], ';') {
            break;
        }
    }
    at
}

fn is_cfg_test(attribute: TokenStream) -> bool {
    let text = attribute.to_string().replace(' ', "");
    text == "cfg(test)" || text.starts_with("cfg(all(test")
}

/// A path from `at` on, and where it ends.
fn path(tokens: &[TokenTree], at: usize) -> (Vec<String>, usize) {
    let mut segments = vec![ident(tokens.get(at)).unwrap()];
    let mut end = at + 1;
    while is_punct_at(tokens, end, ':') && is_punct_at(tokens, end + 1, ':') {
        let Some(next) = ident(tokens.get(end + 2)) else { break };
        segments.push(next);
        end += 3;
    }
    (segments, end)
}

fn use_tree(tokens: &[TokenTree], before: &[String], public: bool, here: &mut Module) {
    for tree in tokens.split(|token| is_punct(token, ',')) {
        let mut path = before.to_vec();
        let mut alias = None;
        let mut at = 0;
        while at < tree.len() {
            match &tree[at] {
                TokenTree::Ident(word) if word == "as" => {
                    alias = ident(tree.get(at + 1));
                    at += 1;
                }
                TokenTree::Ident(word) => path.push(word.to_string()),
                TokenTree::Punct(mark) if mark.as_char() == '*' => path.push("*".to_owned()),
                TokenTree::Group(group) => {
                    use_tree(&group.stream().into_iter().collect::<Vec<_>>(), &path, public, here);
                    path.clear();
                }
                _ => {}
            }
            at += 1;
        }
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        if let Some(last) = path.last() {
            let alias = alias.unwrap_or_else(|| last.clone());
            here.imports.push(Import { alias, path, public });
        }
    }
}

pub fn child(place: &[String], name: &str) -> ModulePath {
    place.iter().cloned().chain([name.to_owned()]).collect()
}

fn ident(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(word)) => Some(word.to_string()),
        _ => None,
    }
}

fn is_punct(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

fn is_punct_at(tokens: &[TokenTree], at: usize, mark: char) -> bool {
    tokens.get(at).is_some_and(|token| is_punct(token, mark))
}
