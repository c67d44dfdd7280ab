//! Walks a token stream and notes paths, modules, features and items.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::scan::{Declared, FeatureUse, Implemented, Item, Mention, Scan, doc_comment};

const ITEM_KEYWORDS: &[&str] =
    &["fn", "struct", "enum", "union", "trait", "impl", "type", "const", "static", "macro_rules"];

/// Where the walk stands.
#[derive(Debug, Clone)]
struct Level {
    module: Vec<String>,
    test: bool,
    /// Between items, not inside one.
    items: bool,
}

/// What the attributes before an item said.
#[derive(Debug, Default)]
struct Attributes {
    test: bool,
    features: Vec<String>,
    line: usize,
}

#[derive(Debug)]
pub(crate) struct Walker<'s> {
    scan: &'s mut Scan,
}

impl<'s> Walker<'s> {
    pub(crate) fn new(scan: &'s mut Scan) -> Self {
        Self { scan }
    }

    /// The whole file.
    pub(crate) fn walk(&mut self, stream: TokenStream, module: Vec<String>) {
        self.level(&stream.into_iter().collect::<Vec<_>>(), Level { module, test: false, items: true });
    }

    fn level(&mut self, tokens: &[TokenTree], mut level: Level) {
        let mut attributes = Attributes::default();
        let mut index = 0;
        while index < tokens.len() {
            let rest = &tokens[index..];
            if let Some(length) = doc_comment(rest) {
                index += length;
            } else if let Some((inner, group, length)) = attribute(rest) {
                self.level(&contents(group), Level { items: false, ..level.clone() });
                let line = group.span_open().start().line;
                let (test, features) = conditions(group);
                if inner {
                    level.test |= test;
                    self.feature_use(features, "file", line);
                } else {
                    attributes.test |= test;
                    attributes.features.extend(features);
                    attributes.line = line;
                }
                index += length;
            } else if let Some(length) = visibility(rest) {
                index += length;
            } else {
                let marked = std::mem::take(&mut attributes);
                self.feature_use(marked.features.clone(), &keyword(rest), marked.line);
                if marked.test && !level.test {
                    let length = extent(rest);
                    self.element_of(&rest[..length], &marked, &Level { test: true, ..level.clone() });
                    index += length;
                } else {
                    index += self.element(tokens, index, &marked, &level);
                }
            }
        }
    }

    /// The elements of one item that exists only in tests.
    fn element_of(&mut self, tokens: &[TokenTree], attributes: &Attributes, level: &Level) {
        let mut index = 0;
        while index < tokens.len() {
            index += self.element(tokens, index, attributes, level);
        }
    }

    /// One element that is no attribute; the number of tokens it took.
    fn element(&mut self, tokens: &[TokenTree], index: usize, attributes: &Attributes, level: &Level) -> usize {
        let rest = &tokens[index..];
        match &rest[0] {
            TokenTree::Group(group) => {
                self.level(&contents(group), Level { items: false, ..level.clone() });
                1
            }
            TokenTree::Ident(ident) => {
                let name = ident.to_string();
                let line = ident.span().start().line;
                match (name.as_str(), rest.get(1)) {
                    ("use", Some(next)) if !is_punct(next, '<') => {
                        let end = rest.iter().position(|token| is_punct(token, ';')).unwrap_or(rest.len());
                        self.import(&rest[1..end], Vec::new(), false, level);
                        end
                    }
                    ("mod", Some(TokenTree::Ident(child))) => {
                        let mut path = level.module.clone();
                        path.push(child.to_string());
                        let features = attributes.features.clone();
                        self.scan.modules.push(Declared { path: path.clone(), features, test: level.test, line });
                        if let Some(TokenTree::Group(body)) = rest.get(2) {
                            self.level(&contents(body), Level { module: path, ..level.clone() });
                        }
                        3
                    }
                    ("cfg", Some(mark)) if is_punct(mark, '!') => {
                        if let Some(TokenTree::Group(group)) = rest.get(2) {
                            self.feature_use(features_in(group.stream()), "expression", line);
                        }
                        2
                    }
                    _ => {
                        if level.items && ITEM_KEYWORDS.contains(&name.as_str()) {
                            if name == "impl"
                                && let Some(port) = implemented(rest)
                            {
                                self.scan.implemented.push(Implemented { port, test: level.test, line });
                            }
                            if !level.test {
                                self.scan.items.push(Item { keyword: name, line });
                            }
                        }
                        self.path(tokens, index, level)
                    }
                }
            }
            _ => 1,
        }
    }

    /// A path of two or more segments that begins here; the number of tokens it took.
    fn path(&mut self, tokens: &[TokenTree], index: usize, level: &Level) -> usize {
        let mut segments = vec![tokens[index].to_string()];
        let mut end = index + 1;
        while is_double_colon(&tokens[end..])
            && let Some(TokenTree::Ident(segment)) = tokens.get(end + 2)
        {
            segments.push(segment.to_string());
            end += 3;
        }
        if segments.len() > 1 {
            let absolute = index >= 2
                && is_double_colon(&tokens[index - 2..])
                && !matches!(index.checked_sub(3).map(|before| &tokens[before]), Some(TokenTree::Ident(_)))
                && !index.checked_sub(3).is_some_and(|before| is_punct(&tokens[before], '>'));
            let line = tokens[index].span().start().line;
            let (module, test) = (level.module.clone(), level.test);
            self.scan.mentions.push(Mention { module, segments, absolute, import: None, glob: false, test, line });
        }
        end - index
    }

    /// One `use` tree: every leaf becomes a mention.
    fn import(&mut self, tokens: &[TokenTree], mut segments: Vec<String>, mut absolute: bool, level: &Level) {
        let mut index = 0;
        let mut name = None;
        let mut glob = false;
        let mut line = 0;
        while let Some(token) = tokens.get(index) {
            line = token.span().start().line;
            match token {
                TokenTree::Ident(ident) if ident == "as" => {
                    name = tokens.get(index + 1).map(ToString::to_string);
                    break;
                }
                TokenTree::Ident(ident) if ident == "self" && !segments.is_empty() => index += 1,
                TokenTree::Ident(ident) => {
                    segments.push(ident.to_string());
                    index += 1;
                }
                TokenTree::Group(group) => {
                    for branch in contents(group).split(|token| is_punct(token, ',')).filter(|leaf| !leaf.is_empty()) {
                        self.import(branch, segments.clone(), absolute, level);
                    }
                    return;
                }
                TokenTree::Punct(punct) => {
                    absolute |= segments.is_empty() && punct.as_char() == ':';
                    glob |= punct.as_char() == '*';
                    index += 1;
                }
                TokenTree::Literal(_) => index += 1,
            }
        }
        let import = name.or_else(|| segments.last().cloned());
        let (module, test) = (level.module.clone(), level.test);
        self.scan.mentions.push(Mention { module, segments, absolute, import, glob, test, line });
    }

    fn feature_use(&mut self, features: Vec<String>, on: &str, line: usize) {
        if !features.is_empty() {
            self.scan.feature_uses.push(FeatureUse { features, on: on.to_owned(), line });
        }
    }
}

fn contents(group: &Group) -> Vec<TokenTree> {
    group.stream().into_iter().collect()
}

fn is_punct(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

fn is_double_colon(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [first, second, ..] if is_punct(first, ':') && is_punct(second, ':'))
}

/// An attribute that begins here: whether it is an inner one, its content, its number of tokens.
fn attribute(tokens: &[TokenTree]) -> Option<(bool, &Group, usize)> {
    let inner = tokens.get(1).is_some_and(|token| is_punct(token, '!'));
    let at = 1 + usize::from(inner);
    match (tokens.first()?, tokens.get(at)?) {
        (hash, TokenTree::Group(group)) if is_punct(hash, '#') && group.delimiter() == Delimiter::Bracket => {
            Some((inner, group, at + 1))
        }
        _ => None,
    }
}

/// The number of tokens of the visibility that begins here.
fn visibility(tokens: &[TokenTree]) -> Option<usize> {
    matches!(tokens.first()?, TokenTree::Ident(ident) if ident == "pub").then(|| {
        let scope =
            matches!(tokens.get(1), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
        1 + usize::from(scope)
    })
}

/// Whether an attribute keeps its item to tests, and the features its `cfg` names.
fn conditions(attribute: &Group) -> (bool, Vec<String>) {
    let tokens = contents(attribute);
    let [TokenTree::Ident(name), TokenTree::Group(arguments)] = tokens.as_slice() else { return (false, Vec::new()) };
    if name != "cfg" && name != "cfg_attr" {
        return (false, Vec::new());
    }
    let mut words = Vec::new();
    identifiers(arguments.stream(), &mut words);
    let test = name == "cfg" && words.iter().any(|word| word == "test") && !words.iter().any(|word| word == "not");
    (test, features_in(arguments.stream()))
}

fn identifiers(stream: TokenStream, words: &mut Vec<String>) {
    for token in stream {
        match token {
            TokenTree::Ident(ident) => words.push(ident.to_string()),
            TokenTree::Group(group) => identifiers(group.stream(), words),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// Every `feature = "…"`.
fn features_in(stream: TokenStream) -> Vec<String> {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let mut features = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(ident) if ident == "feature" => {
                features.extend(tokens.get(index + 2).map(|name| name.to_string().trim_matches('"').to_owned()));
            }
            TokenTree::Group(group) => features.extend(features_in(group.stream())),
            _ => {}
        }
    }
    features
}

/// The keyword an item begins with.
fn keyword(tokens: &[TokenTree]) -> String {
    let first = tokens.iter().find(|token| matches!(token, TokenTree::Ident(_)));
    first.map(ToString::to_string).unwrap_or_default()
}

/// How far an item goes: to its body or semicolon, or to the comma that ends a field, variant or match arm.
fn extent(tokens: &[TokenTree]) -> usize {
    let keyword = keyword(tokens);
    let item =
        ITEM_KEYWORDS.contains(&keyword.as_str()) || matches!(keyword.as_str(), "mod" | "use" | "async" | "unsafe");
    let last = tokens.iter().position(|token| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace && keyword != "use",
        token => is_punct(token, ';') || (!item && is_punct(token, ',')),
    });
    last.map_or(tokens.len(), |end| end + 1)
}

/// The trait of `impl … Trait … for …`.
fn implemented(tokens: &[TokenTree]) -> Option<String> {
    let mut depth = 0_i32;
    let mut last = None;
    let mut previous = ' ';
    for token in tokens.iter().skip(1) {
        match token {
            TokenTree::Punct(punct) => {
                match punct.as_char() {
                    '<' => depth += 1,
                    '>' if previous != '-' => depth -= 1,
                    _ => {}
                }
                previous = punct.as_char();
                continue;
            }
            TokenTree::Ident(ident) if depth == 0 && ident == "for" => return last,
            TokenTree::Ident(ident) if depth == 0 => last = Some(ident.to_string()),
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return None,
            _ => {}
        }
        previous = ' ';
    }
    None
}
