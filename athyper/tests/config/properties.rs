//! What holds for every input: precedence, no panic, no secret in any output.

use std::collections::BTreeMap;

use athyper::config::{Config, ConfigSection, Configuration, ConfigurationDraft, LoadOptions, Override, Secret};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::{prop_assert, prop_assert_eq};
use serde::Deserialize;

use crate::support::{Folder, environment};

#[derive(Debug, Config)]
#[config(section = "vault")]
struct Vault {
    #[config(default = 0)]
    level: u32,
    #[config(variable = "VAULT_WORD")]
    word: Secret<String>,
    number: Option<Secret<u16>>,
    words: Secret<Vec<u16>>,
    list: Vec<Secret<u16>>,
    #[config(default)]
    map: BTreeMap<String, Secret<u16>>,
    #[config(deserialize)]
    inner: Option<Inner>,
    #[config(parse, secret)]
    parsed: Option<u16>,
}

#[derive(Debug, Deserialize)]
struct Inner {
    word: Option<Secret<u16>>,
    many: Option<Vec<Secret<u16>>>,
    #[serde(flatten)]
    rest: Option<Flat>,
}

#[derive(Debug, Deserialize)]
struct Flat {
    flat: Secret<u16>,
}

/// Every field that holds a secret, by its variable.
const SECRETS: [&str; 11] = [
    "VAULT_WORD",
    "ATHYPER__VAULT__WORD",
    "ATHYPER__VAULT__WORD__DEEPER",
    "ATHYPER__VAULT__NUMBER",
    "ATHYPER__VAULT__WORDS",
    "ATHYPER__VAULT__LIST",
    "ATHYPER__VAULT__MAP__KEY",
    "ATHYPER__VAULT__INNER",
    "ATHYPER__VAULT__INNER__WORD",
    "ATHYPER__VAULT__INNER__FLAT",
    "ATHYPER__VAULT__PARSED",
];

const SECRET_LINES: [&str; 10] = [
    "word = ?",
    "number = ?",
    "words = [?, 1]",
    "list = [1, ?]",
    "map.key = ?",
    "inner = ?",
    "inner.word = ?",
    "inner.many = ?",
    "inner.flat = ?",
    "parsed = ?",
];

/// Everything that a configuration, or what is wrong with it, is printed as.
fn outputs(draft: &ConfigurationDraft) -> String {
    let effective = draft.configuration().effective();
    let problems = draft.problems(|_| true, |_| true);
    let vault = draft.section::<Vault>();
    let json = serde_json::to_string(&effective).unwrap();
    format!("{effective}{effective:?}{json}{problems}{problems:?}{draft:?}{vault:?}")
}

fn draft(text: &str, variables: &[(&str, &str)]) -> ConfigurationDraft {
    let folder = Folder::new().file("athyper.toml", text);
    ConfigurationDraft::read(LoadOptions {
        directory: Some(folder.path().to_owned()),
        environment: environment(variables),
        sections: vec![Vault::DESCRIPTOR],
        ..LoadOptions::default()
    })
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("http".to_owned()),
        Just("port".to_owned()),
        Just("vault".to_owned()),
        Just("level".to_owned()),
        Just("inner".to_owned()),
        Just("mode".to_owned()),
        Just("profile".to_owned()),
        Just("cors".to_owned()),
        Just("allowed_origins".to_owned()),
        "[a-z_]{1,6}",
    ]
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| format!("{number:?}")),
        any::<bool>().prop_map(|truth| truth.to_string()),
        any::<String>().prop_map(|text| format!("{text:?}")),
        Just("\"all\"".to_owned()),
        Just("\"prod\"".to_owned()),
        Just("1979-05-27T07:32:00Z".to_owned()),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            btree_map(key(), inner, 0..4).prop_map(|entries| {
                let entries: Vec<_> = entries.iter().map(|(key, value)| format!("{key} = {value}")).collect();
                format!("{{ {} }}", entries.join(", "))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn the_strongest_source_that_says_it_wins(
        base in option::of(any::<u32>()),
        profile in option::of(any::<u32>()),
        short in option::of(any::<u16>()),
        long in option::of(any::<u32>()),
        set in option::of(any::<u32>()),
        other in any::<u16>(),
    ) {
        let line = |value: Option<u32>| value.map_or(String::new(), |value| format!("[jobs]\nmax_stalls = {value}\n"));
        let folder = Folder::new()
            .file("athyper.toml", &format!("profile = \"test\"\n{}", line(base)))
            .file("athyper.test.toml", &line(profile));
        let mut variables = vec![("PORT".to_owned(), other.to_string())];
        variables.extend(long.map(|value| ("ATHYPER__JOBS__MAX_STALLS".to_owned(), value.to_string())));
        variables.extend(short.map(|value| ("ATHYPER__HTTP__PORT".to_owned(), value.to_string())));
        let configuration = Configuration::load(LoadOptions {
            directory: Some(folder.path().to_owned()),
            environment: variables,
            overrides: set.map(|value| Override::new("jobs.max_stalls", value.to_string(), None)).into_iter().collect(),
            ..LoadOptions::default()
        })
        .unwrap();
        let jobs = configuration.section::<athyper::config::sections::JobsConfig>().unwrap();
        prop_assert_eq!(jobs.max_stalls, set.or(long).or(profile).or(base).unwrap_or(2));
        let http = configuration.section::<athyper::config::sections::HttpConfig>().unwrap();
        prop_assert_eq!(http.port, short.unwrap_or(other));
        let shown = configuration.effective();
        let shown = shown.get("jobs.max_stalls").unwrap();
        prop_assert_eq!(shown.value.clone(), Some(jobs.max_stalls.to_string()));
        let origin = match (set, long, profile, base) {
            (Some(_), ..) => "builder",
            (_, Some(_), ..) => "variable",
            (_, _, Some(_), _) => "athyper.test.toml:2",
            (.., Some(_)) => "athyper.toml:3",
            _ => "default",
        };
        prop_assert!(shown.origin.contains(origin), "{} {}", shown.origin, origin);
    }

    #[test]
    fn no_bytes_in_a_file_make_it_panic(bytes in vec(any::<u8>(), 0..200)) {
        let folder = Folder::new().bytes("athyper.toml", &bytes);
        let options = LoadOptions { directory: Some(folder.path().to_owned()), ..LoadOptions::default() };
        drop(outputs(&ConfigurationDraft::read(options)));
    }

    #[test]
    fn no_lines_of_toml_make_it_panic(lines in vec("[\\[\\]a-z=\"'{}.,#0-9 \t_é-]{0,20}", 0..12)) {
        drop(outputs(&draft(&lines.join("\n"), &[])));
    }

    #[test]
    fn no_document_makes_it_panic(entries in btree_map(key(), value(), 0..6)) {
        let text: String = entries.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        drop(outputs(&draft(&text, &[])));
    }

    #[test]
    fn no_variable_makes_it_panic(
        names in vec(("(ATHYPER|ATHYPER_|ATHYPER__|)(HTTP|VAULT|MODE|INNER|_|__|PORT|RUST_LOG|é){0,4}", any::<String>()), 0..8),
    ) {
        let variables: Vec<_> = names.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        drop(outputs(&draft("", &variables)));
    }

    #[test]
    fn a_secret_in_a_variable_is_in_no_output(at in 0..SECRETS.len(), wrapped in any::<bool>()) {
        let secret = if wrapped { "{\"word\": \"hunter-2\", \"flat\": \"hunter-2\"}" } else { "hunter-2" };
        let output = outputs(&draft("", &[(SECRETS[at], secret)]));
        prop_assert!(!output.contains("hunter-2"), "{}", SECRETS[at]);
    }

    #[test]
    fn a_secret_in_a_file_is_in_no_output(
        at in 0..SECRET_LINES.len(),
        form in 0..6_usize,
        broken in option::of(0..3_usize),
    ) {
        // A number that fits no field, so that errors of its type are provoked too.
        let secret = match form {
            0 => "\"90210777\"",
            1 => "90210777",
            2 => "9.0210777",
            3 => "[90210777]",
            4 => "{ x = 90210777 }",
            _ => "[\"90210777\", { x = \"90210777\" }]",
        };
        let line = SECRET_LINES[at].replace('?', secret);
        let line = match broken {
            None => line,
            Some(0) => format!("{line} oops"),
            Some(1) => line.replacen('=', "", 1),
            Some(_) => format!("{line}\n{line}"),
        };
        let output = outputs(&draft(&format!("[vault]\n{line}\n"), &[]));
        prop_assert!(!output.contains("0210777"), "{}", line);
    }
}

#[test]
fn the_fields_above_can_be_read_at_all() {
    let text = "[vault]\nword = \"w\"\nnumber = 1\nwords = [2]\nlist = [3]\nmap.key = 4\ninner = { word = 5, flat = 6, many = [8] }\nparsed = 7\n";
    let draft = draft(text, &[]);
    let vault = draft.section::<Vault>().unwrap();
    let inner = vault.inner.as_ref().unwrap();
    assert_eq!((vault.level, vault.word.expose().as_str(), vault.parsed), (0, "w", Some(7)));
    assert_eq!(vault.number.as_ref().map(|number| *number.expose()), Some(1));
    assert_eq!((vault.words.expose(), vault.list[0].expose(), vault.map["key"].expose()), (&vec![2], &3, &4));
    assert_eq!(inner.word.as_ref().map(|word| *word.expose()), Some(5));
    assert_eq!(inner.many.as_ref().map(|many| *many[0].expose()), Some(8));
    assert_eq!(inner.rest.as_ref().map(|rest| *rest.flat.expose()), Some(6));
}
