//! What each type reads, from a variable and from a file, and what it refuses.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use athyper::config::{
    ByteSize, ConfigData, ConfigValue, FromConfigValue, Modes, Origin, Profile, Secret, StoreUrl, StoreUrlError,
};

fn from_text<T: FromConfigValue>(text: &str) -> Result<T, String> {
    from(ConfigData::Text(text.to_owned()))
}

fn from<T: FromConfigValue>(data: ConfigData) -> Result<T, String> {
    let value = ConfigValue::new(data, Origin::Builder(None));
    T::from_config_value(&value, Profile::Dev).map_err(|error| error.to_string().trim().to_owned())
}

fn string(text: &str) -> ConfigData {
    ConfigData::String(text.to_owned())
}

#[test]
fn whole_numbers_keep_to_their_range() {
    assert_eq!(from_text::<u16>("65535"), Ok(65535));
    assert_eq!(from_text::<u16>(" 1_000 "), Ok(1000));
    assert_eq!(from_text::<i8>("-128"), Ok(-128));
    assert_eq!(from::<u64>(ConfigData::Integer(i128::from(u64::MAX))), Ok(u64::MAX));
    for wrong in
        ["65536", "-1", "", "1.0", "0x10", "1__0", "_1", "+-1", "٣", "99999999999999999999999999999999999999999"]
    {
        let error = from_text::<u16>(wrong).unwrap_err();
        assert!(error.contains("must be a whole number from 0 to 65535"), "{wrong}: {error}");
    }
    assert!(from::<u16>(string("80")).is_err(), "a number in quotes is a string");
    assert!(from_text::<NonZeroU32>("0").unwrap_err().contains("from 1 to 4294967295"));
}

#[test]
fn numbers_are_finite() {
    assert_eq!(from_text::<f64>("0.5"), Ok(0.5));
    assert_eq!(from::<f64>(ConfigData::Integer(2)), Ok(2.0));
    for wrong in ["NaN", "inf", "1e999", "", "half"] {
        assert!(from_text::<f64>(wrong).is_err(), "{wrong}");
    }
    assert!(from_text::<f32>("1e300").is_err());
}

#[test]
fn truth_is_one_of_two_words() {
    assert_eq!(from_text::<bool>("true"), Ok(true));
    assert_eq!(from::<bool>(ConfigData::Boolean(false)), Ok(false));
    for wrong in ["1", "yes", "TRUE", ""] {
        assert!(from_text::<bool>(wrong).unwrap_err().contains("must be true or false"), "{wrong}");
    }
}

#[test]
fn text_of_a_variable_is_what_the_field_makes_of_it() {
    assert_eq!(from_text::<String>("123"), Ok("123".to_owned()));
    assert_eq!(from_text::<Secret<String>>("123").map(|secret| secret.expose().clone()), Ok("123".to_owned()));
    assert!(from::<String>(ConfigData::Integer(123)).unwrap_err().contains("text in quotes"));
    assert_eq!(from_text::<PathBuf>("/var/log"), Ok(PathBuf::from("/var/log")));
    assert!(from_text::<PathBuf>("").is_err());
}

#[test]
fn durations_have_a_unit() {
    for (text, seconds) in [("30s", 30), ("1h 30m", 5400), ("2m", 120), ("7d", 604_800), ("1.5h", 5400), ("0s", 0)] {
        assert_eq!(from_text::<Duration>(text), Ok(Duration::from_secs(seconds)), "{text}");
        assert_eq!(from::<Duration>(string(text)), Ok(Duration::from_secs(seconds)), "{text}");
    }
    assert_eq!(from_text::<Duration>("250ms"), Ok(Duration::from_millis(250)));
    for bare in ["30", "1.5", " 7 "] {
        assert!(from_text::<Duration>(bare).unwrap_err().contains("needs a unit"), "{bare}");
    }
    assert!(from::<Duration>(ConfigData::Integer(30)).unwrap_err().contains("needs a unit"));
    for wrong in ["-5s", "1 month", "1y", "soon", "", "5s5s", "99999999999999999999s", "30s ago"] {
        assert!(from_text::<Duration>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn sizes_are_bytes() {
    for (text, bytes) in [("2 MiB", 2 << 20), ("512kB", 512_000), ("1 KiB", 1024), ("10", 10), ("3gb", 3_000_000_000)] {
        assert_eq!(from_text::<ByteSize>(text), Ok(ByteSize::new(bytes)), "{text}");
    }
    assert_eq!(from::<ByteSize>(ConfigData::Integer(4096)), Ok(ByteSize::new(4096)));
    for wrong in ["2 apples", "-1", "1.5 MiB", "", "MiB", "99999999999 TiB", "18446744073709551616"] {
        assert!(from_text::<ByteSize>(wrong).is_err(), "{wrong}");
    }
    assert_eq!(ByteSize::new(1536).to_string(), "1536 B");
    assert_eq!(ByteSize::new(0).to_string(), "0 B");
    assert_eq!(ByteSize::new(64 * 1024).to_string(), "64 KiB");
}

#[test]
fn lists_are_separated_by_commas() {
    assert_eq!(from_text::<Vec<u16>>("1, 2,3"), Ok(vec![1, 2, 3]));
    assert_eq!(from_text::<Vec<String>>(""), Ok(Vec::new()));
    let list = ConfigData::List(vec![ConfigValue::new(string("a,b"), Origin::Default)]);
    assert_eq!(from::<Vec<String>>(list), Ok(vec!["a,b".to_owned()]));
    let error = from_text::<Vec<u16>>("1,x,3,y").unwrap_err();
    assert!(error.contains("[1] must be") && error.contains("[3] must be"), "{error}");
    assert!(from::<Vec<u16>>(string("1")).unwrap_err().contains("must be a list"));
}

#[test]
fn addresses_are_numeric() {
    assert_eq!(from_text::<IpAddr>("::1"), Ok("::1".parse().unwrap()));
    assert_eq!(from_text::<SocketAddr>("127.0.0.1:80"), Ok("127.0.0.1:80".parse().unwrap()));
    assert!(from_text::<IpAddr>("localhost").unwrap_err().contains("127.0.0.1"));
}

#[test]
fn modes_are_a_list_in_a_variable_and_in_a_file() {
    assert_eq!(from_text::<Modes>("api, worker"), Ok("worker,api".parse().unwrap()));
    let list = ["scheduler", "api"].map(|word| ConfigValue::new(string(word), Origin::Default));
    assert_eq!(
        from::<Modes>(ConfigData::List(list.to_vec())).map(|modes| modes.to_string()),
        Ok("api,scheduler".to_owned())
    );
    for wrong in ["", "api,", "API", "both", ","] {
        assert!(from_text::<Modes>(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn maps_have_keys_of_the_users_own() {
    let entries = BTreeMap::from([("email".to_owned(), ConfigValue::text("5", Origin::Default))]);
    let read = from::<BTreeMap<String, u32>>(ConfigData::Table(entries));
    assert_eq!(read, Ok(BTreeMap::from([("email".to_owned(), 5)])));
    let entries = BTreeMap::from([("email".to_owned(), ConfigValue::text("x", Origin::Default))]);
    assert!(from::<BTreeMap<String, u32>>(ConfigData::Table(entries)).unwrap_err().starts_with("email must be"));
}

#[test]
fn store_urls_have_a_scheme() {
    for (text, scheme) in [
        ("sqlite://data/app.db", "sqlite"),
        ("sqlite::memory:", "sqlite"),
        ("memory:", "memory"),
        ("memory:jobs", "memory"),
        ("Redis+Cluster://a:1,b:2", "redis+cluster"),
        ("postgres://user:p@ss@host/db", "postgres"),
    ] {
        let url: StoreUrl = text.parse().unwrap();
        assert_eq!(url.scheme(), scheme);
    }
    for (text, error) in [
        ("localhost:6379", StoreUrlError::NoScheme),
        ("localhost:6379/0", StoreUrlError::NoScheme),
        ("localhost", StoreUrlError::NoScheme),
        ("user:pass@host", StoreUrlError::NoScheme),
        ("://host", StoreUrlError::NoScheme),
        ("", StoreUrlError::NoScheme),
        ("1redis://host", StoreUrlError::BadScheme),
        ("re_dis://host", StoreUrlError::BadScheme),
        ("redis://ho st", StoreUrlError::Space),
        ("redis://host\n", StoreUrlError::Space),
        ("redis://", StoreUrlError::Empty),
        ("sqlite:", StoreUrlError::Empty),
    ] {
        assert_eq!(text.parse::<StoreUrl>(), Err(error), "{text:?}");
    }
}

#[test]
fn passwords_in_urls_are_hidden_however_they_are_spelt() {
    for text in [
        "redis://:hunter2@host",
        "redis://user:hunter2@host:6379/0?x=1",
        "redis://user:hunter2@x@host",
        "postgres://user:hun?ter2@host/db",
        "postgres://user:hunter2/@host/db",
        "postgres://user:hunter2#@host/db",
        "postgres://host/db?user=a&password=hunter2&x=1",
        "postgres://host/db?sslpassword=hunter2",
        "https://hunter2@host",
    ] {
        let shown = text.parse::<StoreUrl>().unwrap().to_string();
        assert!(!shown.contains("hunter2") && !shown.contains("ter2"), "{text} -> {shown}");
        assert!(shown.contains("[secret]") && !format!("{:?}", text.parse::<StoreUrl>()).contains("ter2"));
    }
    let plain = "postgres://user@host/db?x=1";
    assert_eq!(plain.parse::<StoreUrl>().unwrap().to_string(), plain);
}
