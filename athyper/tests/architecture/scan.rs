//! What the tokens of one file say, as far as the rules care.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::walk::Walker;

/// A path that is mentioned: imported, or written out in code.
#[derive(Debug)]
pub(crate) struct Mention {
    /// The module it stands in, inline modules included.
    pub(crate) module: Vec<String>,
    pub(crate) segments: Vec<String>,
    /// It began with `::`.
    pub(crate) absolute: bool,
    /// The name that a `use` gave it.
    pub(crate) import: Option<String>,
    pub(crate) glob: bool,
    pub(crate) test: bool,
    pub(crate) line: usize,
}

/// A `mod` line or an inline module.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) path: Vec<String>,
    /// Features its `cfg` names.
    pub(crate) features: Vec<String>,
    pub(crate) test: bool,
    pub(crate) line: usize,
}

/// A `cfg` that looks at a cargo feature.
#[derive(Debug)]
pub(crate) struct FeatureUse {
    pub(crate) features: Vec<String>,
    /// The keyword of what it stands on.
    pub(crate) on: String,
    pub(crate) line: usize,
}

/// `impl Trait for …`
#[derive(Debug)]
pub(crate) struct Implemented {
    pub(crate) port: String,
    pub(crate) test: bool,
    pub(crate) line: usize,
}

/// Something defined at the top level of the file or of its inline modules.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) keyword: String,
    pub(crate) line: usize,
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) module: Vec<String>,
    pub(crate) mentions: Vec<Mention>,
    pub(crate) modules: Vec<Declared>,
    pub(crate) feature_uses: Vec<FeatureUse>,
    pub(crate) implemented: Vec<Implemented>,
    pub(crate) items: Vec<Item>,
    /// Lines with a token on them; comments and doc comments are none.
    pub(crate) code_lines: usize,
}

impl Scan {
    /// Reads a file.
    pub(crate) fn of(path: &str, text: &str) -> Self {
        let stream: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path} is not Rust: {error}"));
        let mut lines = BTreeSet::new();
        collect_lines(stream.clone(), &mut lines);
        let module = module_of(path);
        let mut scan = Self { module: module.clone(), code_lines: lines.len(), ..Self::default() };
        Walker::new(&mut scan).walk(stream, module);
        scan
    }
}

/// `a/b/mod.rs` is module `a::b`, `a/b.rs` too; the crate's roots are the empty path.
fn module_of(path: &str) -> Vec<String> {
    let below = path.split_once("/src/").map_or(path, |(_, below)| below);
    let mut parts: Vec<String> = below.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        parts.pop();
    }
    parts
}

fn collect_lines(stream: TokenStream, lines: &mut BTreeSet<usize>) {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let mut index = 0;
    while index < tokens.len() {
        if let Some(length) = doc_comment(&tokens[index..]) {
            index += length;
            continue;
        }
        match &tokens[index] {
            TokenTree::Group(group) => {
                lines.insert(group.span_open().start().line);
                lines.insert(group.span_close().end().line);
                collect_lines(group.stream(), lines);
            }
            token => lines.extend(token.span().start().line..=token.span().end().line),
        }
        index += 1;
    }
}

/// The number of tokens of the doc attribute that begins here, if one does.
pub(crate) fn doc_comment(tokens: &[TokenTree]) -> Option<usize> {
    let TokenTree::Punct(hash) = tokens.first()? else { return None };
    let inner = matches!(tokens.get(1), Some(TokenTree::Punct(mark)) if mark.as_char() == '!');
    let at = 1 + usize::from(inner);
    let TokenTree::Group(group) = tokens.get(at)? else { return None };
    let first = group.stream().into_iter().next()?;
    let is_doc = hash.as_char() == '#' && group.delimiter() == Delimiter::Bracket && first.to_string() == "doc";
    is_doc.then_some(at + 1)
}
