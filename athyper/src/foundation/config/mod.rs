//! Configuration as data: values that know where they came from, the shape of sections, conversion into typed fields.

mod byte_size;
mod convert;
mod descriptor;
mod error;
mod mode;
mod origin;
mod profile;
mod reader;
mod redaction;
mod section;
mod section_check;
mod store_url;
mod value;

pub use byte_size::ByteSize;
pub use convert::{FromConfigValue, Word, read_word};
pub(crate) use descriptor::is_key;
pub use descriptor::{DefaultValue, FieldDescriptor, SectionDescriptor, SectionValue, Shape};
pub use error::{ConfigError, ConfigIssue, IssueKind};
pub use mode::{Mode, Modes};
pub use origin::Origin;
pub use profile::Profile;
pub use reader::TableReader;
pub use section::{ConfigSection, ConfigTable};
pub use section_check::SectionCheck;
pub use store_url::{StoreUrl, StoreUrlError};
pub use value::{ConfigData, ConfigValue};

pub(crate) use redaction::{HIDDEN, display_entry, hide_passwords, sounds_secret};
