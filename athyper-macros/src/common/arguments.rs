//! The options between an attribute's parentheses.

use proc_macro2::{Spacing, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, Parser};
use syn::spanned::Spanned;
use syn::{Attribute, Error, Ident, LitInt, LitStr, Meta};

use super::errors::Errors;
use super::slot::Slot;

/// What an option takes behind `=`; with an example for messages.
#[derive(Clone, Copy)]
pub(crate) enum Takes {
    /// Nothing: it stands alone.
    Nothing,
    /// A value such as this one.
    Value(&'static str),
    /// Nothing, or a value such as this one.
    Maybe(&'static str),
}

impl Takes {
    fn example(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Value(example) | Self::Maybe(example) => example,
        }
    }
}

/// What an attribute understands: the name of an option, and what it takes.
pub(crate) type Known = (&'static str, Takes);

/// One option as it was written.
pub(crate) struct Argument {
    /// Its name.
    pub(crate) name: Ident,
    /// What stands behind `=`, if anything does.
    pub(crate) value: Option<TokenStream>,
}

impl Argument {
    /// Covers the value, or the name if there is none.
    pub(crate) fn span(&self) -> Span {
        self.value.as_ref().map_or_else(|| self.name.span(), |value| value.span())
    }

    fn describe(&self) -> String {
        match &self.value {
            Some(value) => format!("`{} = {value}`", self.name),
            None => format!("`{}`", self.name),
        }
    }
}

/// The options between an attribute's parentheses: known ones, each once.
pub(crate) struct Arguments {
    known: Vec<(Known, Slot<Argument>)>,
    repeated: Vec<Argument>,
}

impl Arguments {
    /// Reads `name = value, flag, …`. An unknown name is told the nearest known one; a second setting is told the first.
    /// Options whose name is in `repeatable` may come several times.
    pub(crate) fn read(
        owner: &str,
        tokens: TokenStream,
        known: &[Known],
        repeatable: &[&str],
        errors: &mut Errors,
    ) -> Self {
        let mut arguments = Self {
            known: known.iter().map(|known| (*known, Slot::new(format!("`{}`", known.0)))).collect(),
            repeated: Vec::new(),
        };
        for part in split(tokens) {
            if let Some(argument) = errors.keep(read_one.parse2(part)) {
                arguments.sort_in(owner, argument, repeatable, errors);
            }
        }
        arguments
    }

    /// None at all, of those known.
    pub(crate) fn none(known: &[Known]) -> Self {
        Self::read("", TokenStream::new(), known, &[], &mut Errors::default())
    }

    /// Reads more of the same, from another attribute.
    pub(crate) fn read_more(&mut self, owner: &str, tokens: TokenStream, errors: &mut Errors) {
        for part in split(tokens) {
            if let Some(argument) = errors.keep(read_one.parse2(part)) {
                self.sort_in(owner, argument, &[], errors);
            }
        }
    }

    /// Reads those of every `#[name(…)]` among an item's attributes.
    pub(crate) fn of_attributes(
        attributes: &[Attribute],
        name: &str,
        owner: &str,
        known: &[Known],
        errors: &mut Errors,
    ) -> Self {
        let mut arguments = Self::none(known);
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(name)) {
            match &attribute.meta {
                Meta::List(list) => arguments.read_more(owner, list.tokens.clone(), errors),
                other => errors.on(other, format!("write `#[{name}(…)]`")),
            }
        }
        arguments
    }

    fn sort_in(&mut self, owner: &str, argument: Argument, repeatable: &[&str], errors: &mut Errors) {
        let name = argument.name.unraw().to_string();
        let Some((known, slot)) = self.known.iter_mut().find(|(known, _)| known.0 == name) else {
            let names: Vec<&str> = self.known.iter().map(|(known, _)| known.0).collect();
            errors.at(argument.name.span(), unknown(owner, &name, &names));
            return;
        };
        let (known_name, takes) = *known;
        match (argument.value.is_some(), takes) {
            (true, Takes::Nothing) => {
                errors.at(argument.span(), format!("`{known_name}` takes no value: write only `{known_name}`"));
            }
            (false, Takes::Value(example)) => {
                errors.at(argument.span(), format!("`{known_name}` needs a value: `{known_name} = {example}`"));
            }
            _ if repeatable.contains(&known_name) => self.repeated.push(argument),
            _ => {
                let result = slot.set(argument.name.span(), argument, Argument::describe);
                errors.keep(result);
            }
        }
    }

    /// An option, if it was given.
    pub(crate) fn get(&self, name: &str) -> Option<&Argument> {
        self.slot(name).1.get()
    }

    /// Whether a flag was given.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Every setting of a repeatable option.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Argument> {
        self.repeated.iter().filter(move |argument| argument.name.unraw() == name)
    }

    /// Every option that was given once.
    pub(crate) fn given(&self) -> impl Iterator<Item = &Argument> {
        self.known.iter().filter_map(|(_, slot)| slot.get())
    }

    /// A value read as a type of syn's.
    pub(crate) fn value<T: Parse>(&self, name: &str, errors: &mut Errors) -> Option<T> {
        let argument = self.get(name)?;
        self.parse(argument, errors)
    }

    /// The value of one setting read as a type of syn's.
    pub(crate) fn parse<T: Parse>(&self, argument: &Argument, errors: &mut Errors) -> Option<T> {
        let name = argument.name.unraw().to_string();
        let example = self.slot(&name).0.1.example();
        let tokens = argument.value.clone().unwrap_or_default();
        let result = syn::parse2(tokens.clone())
            .map_err(|_| Error::new_spanned(&tokens, format!("`{name}` is written like `{name} = {example}`")));
        errors.keep(result)
    }

    /// A string.
    pub(crate) fn string(&self, name: &str, errors: &mut Errors) -> Option<LitStr> {
        self.value(name, errors)
    }

    /// A string that `read` understands.
    pub(crate) fn string_as<T>(
        &self,
        name: &str,
        errors: &mut Errors,
        read: impl FnOnce(&LitStr) -> syn::Result<T>,
    ) -> Option<T> {
        let literal = self.string(name, errors)?;
        errors.keep(read(&literal))
    }

    /// A whole number that is at least `least`.
    pub(crate) fn at_least(&self, name: &str, least: u32, errors: &mut Errors) -> Option<u32> {
        let literal: LitInt = self.value(name, errors)?;
        match literal.base10_parse::<u32>() {
            Ok(number) if number >= least => Some(number),
            _ => {
                errors.at(literal.span(), format!("`{name}` is a whole number from {least}"));
                None
            }
        }
    }

    /// One of several words; its position among them.
    pub(crate) fn word(&self, name: &str, words: &[&str], errors: &mut Errors) -> Option<usize> {
        let argument = self.get(name)?;
        let tokens = argument.value.clone().unwrap_or_default();
        let word = syn::parse2::<Ident>(tokens.clone()).map(|word| word.unraw().to_string()).unwrap_or_default();
        let position = words.iter().position(|known| *known == word);
        if position.is_none() {
            let list = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
            let hint = nearest(&word, words).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            errors.on(tokens, format!("`{name}` is one of {list}{hint}"));
        }
        position
    }

    fn slot(&self, name: &str) -> &(Known, Slot<Argument>) {
        self.known
            .iter()
            .find(|(known, _)| known.0 == name)
            .unwrap_or_else(|| unreachable!("`{name}` is not among the known options"))
    }
}

fn unknown(owner: &str, name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(near) => format!("{owner} has no option `{name}`; did you mean `{near}`?"),
        None if known.is_empty() => format!("{owner} takes no options"),
        None => format!("{owner} has no option `{name}`; there are `{}`", known.join("`, `")),
    }
}

/// The known word that `word` was probably meant to be.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(word.len()).div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn read_one(input: syn::parse::ParseStream<'_>) -> syn::Result<Argument> {
    if !input.peek(Ident::peek_any) {
        return Err(input.error("expected an option: `name = value`"));
    }
    let name = Ident::parse_any(input)?;
    if input.is_empty() {
        return Ok(Argument { name, value: None });
    }
    if !input.peek(syn::Token![=]) {
        return Err(input.error(format!("an option is written `{name} = value`")));
    }
    input.parse::<syn::Token![=]>()?;
    let value: TokenStream = input.parse()?;
    if value.is_empty() {
        return Err(Error::new(name.span(), format!("`{name} =` has no value")));
    }
    Ok(Argument { name, value: Some(value) })
}

/// Splits at commas, but not at those between angle brackets, which are no group to the compiler.
pub(crate) fn split(tokens: TokenStream) -> Vec<TokenStream> {
    let mut parts = vec![TokenStream::new()];
    let mut depth = 0_usize;
    let mut after_dash_or_equals = false;
    for token in tokens {
        let mut comma = false;
        if let TokenTree::Punct(punctuation) = &token {
            match punctuation.as_char() {
                '<' => depth += 1,
                '>' if !after_dash_or_equals => depth = depth.saturating_sub(1),
                ',' if depth == 0 => comma = true,
                _ => {}
            }
            after_dash_or_equals =
                matches!(punctuation.as_char(), '-' | '=') && punctuation.spacing() == Spacing::Joint;
        } else {
            after_dash_or_equals = false;
        }
        if comma {
            parts.push(TokenStream::new());
        } else if let Some(part) = parts.last_mut() {
            token.to_tokens(part);
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::{Arguments, Takes, nearest, split};
    use crate::common::errors::Errors;

    #[test]
    fn commas_between_angle_brackets_do_not_split() {
        let parts = split(quote!(output = HashMap<String, Vec<u8>>, hook = fn(u8) -> u8, last,));
        assert_eq!(parts.len(), 3);
    }

    #[test]
    fn only_a_near_name_is_offered() {
        assert_eq!(nearest("atempts", &["attempts", "queue"]), Some("attempts"));
        assert_eq!(nearest("colour", &["attempts", "queue"]), None);
    }

    #[test]
    fn every_mistake_is_reported() {
        let known = [("queue", Takes::Value("\"email\"")), ("contract", Takes::Nothing)];
        let mut errors = Errors::default();
        Arguments::read(
            "#[job]",
            quote!(queue, queu = 1, contract = 2, queue = "a", queue = "b"),
            &known,
            &[],
            &mut errors,
        );
        assert_eq!(errors.into_compile_errors().to_string().matches("compile_error").count(), 4);
    }
}
