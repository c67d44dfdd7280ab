//! Numbers and truth.

use std::num::{NonZeroU8, NonZeroU16, NonZeroU32, NonZeroU64, NonZeroUsize};

use crate::foundation::config::{ConfigData, ConfigError, ConfigValue, FromConfigValue, Profile};

/// The whole number that a value holds, if it holds one.
fn whole_number(value: &ConfigValue) -> Option<i128> {
    match &value.data {
        ConfigData::Integer(number) => Some(*number),
        ConfigData::Text(text) => {
            let text = text.trim();
            // As in TOML, `_` may stand between digits.
            let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
            let grouped =
                digits.split('_').all(|group| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit()));
            if grouped { text.replace('_', "").parse().ok() } else { None }
        }
        _ => None,
    }
}

macro_rules! whole_numbers {
    ($($type:ty: $least:expr, $most:expr;)*) => {$(
        impl FromConfigValue for $type {
            fn from_config_value(value: &ConfigValue, _profile: Profile) -> Result<Self, ConfigError> {
                whole_number(value)
                    .and_then(|number| Self::try_from(number).ok())
                    .ok_or_else(|| ConfigError::expected(format_args!("a whole number from {} to {}", $least, $most)))
            }
        }
    )*};
}

whole_numbers! {
    u8: u8::MIN, u8::MAX;
    u16: u16::MIN, u16::MAX;
    u32: u32::MIN, u32::MAX;
    u64: u64::MIN, u64::MAX;
    usize: usize::MIN, usize::MAX;
    i8: i8::MIN, i8::MAX;
    i16: i16::MIN, i16::MAX;
    i32: i32::MIN, i32::MAX;
    i64: i64::MIN, i64::MAX;
    isize: isize::MIN, isize::MAX;
}

macro_rules! positive_numbers {
    ($($type:ty: $inner:ty;)*) => {$(
        impl FromConfigValue for $type {
            fn from_config_value(value: &ConfigValue, _profile: Profile) -> Result<Self, ConfigError> {
                whole_number(value)
                    .and_then(|number| <$inner>::try_from(number).ok())
                    .and_then(Self::new)
                    .ok_or_else(|| ConfigError::expected(format_args!("a whole number from 1 to {}", <$inner>::MAX)))
            }
        }
    )*};
}

positive_numbers! {
    NonZeroU8: u8;
    NonZeroU16: u16;
    NonZeroU32: u32;
    NonZeroU64: u64;
    NonZeroUsize: usize;
}

impl FromConfigValue for f64 {
    fn from_config_value(value: &ConfigValue, _profile: Profile) -> Result<Self, ConfigError> {
        let number = match &value.data {
            ConfigData::Float(number) => Some(*number),
            #[allow(clippy::cast_precision_loss, reason = "a number that is written whole is meant as near as it gets")]
            ConfigData::Integer(number) => Some(*number as Self),
            ConfigData::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.filter(|number: &Self| number.is_finite()).ok_or_else(|| ConfigError::expected("a number"))
    }
}

impl FromConfigValue for f32 {
    fn from_config_value(value: &ConfigValue, profile: Profile) -> Result<Self, ConfigError> {
        #[allow(clippy::cast_possible_truncation, reason = "the check for infinity follows")]
        let number = f64::from_config_value(value, profile)? as Self;
        if number.is_finite() { Ok(number) } else { Err(ConfigError::expected("a smaller number")) }
    }
}

impl FromConfigValue for bool {
    fn from_config_value(value: &ConfigValue, _profile: Profile) -> Result<Self, ConfigError> {
        match &value.data {
            ConfigData::Boolean(truth) => Ok(*truth),
            ConfigData::Text(text) if text == "true" => Ok(true),
            ConfigData::Text(text) if text == "false" => Ok(false),
            _ => Err(ConfigError::expected("true or false")),
        }
    }
}
