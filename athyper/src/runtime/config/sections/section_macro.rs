//! Writes what `#[derive(Config)]` would, for the framework's own sections.

macro_rules! section {
    (
        $(#[doc = $struct_doc:literal])*
        #[config(section = $section:literal $(, check = $check:path)?)]
        pub struct $name:ident {
            $(
                $(#[doc = $doc:literal])*
                $(#[config($($option:ident = $text:literal),*)])?
                pub $field:ident: $type:ty,
            )*
        }
    ) => {
        $(#[doc = $struct_doc])*
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[doc = $doc])* pub $field: $type,)*
        }

        impl $crate::foundation::config::ConfigTable for $name {
            const FIELDS: &'static [$crate::foundation::config::FieldDescriptor] = &[
                $($crate::foundation::config::FieldDescriptor::new::<$type>(stringify!($field))
                    .with_doc(concat!($($doc,)* "").trim_ascii())
                    $($(.$option(section!(@ $option $text)))*)?,)*
            ];

            fn from_table(reader: &mut $crate::foundation::config::TableReader<'_>) -> Option<Self> {
                $(let $field = reader.field::<$type>(stringify!($field));)*
                Some(Self { $($field: $field?,)* })
            }

            $(fn check(&self, check: &mut $crate::foundation::config::SectionCheck) {
                $check(self, check);
            })?
        }

        impl $crate::foundation::config::ConfigSection for $name {
            const DESCRIPTOR: $crate::foundation::config::SectionDescriptor = $crate::foundation::config::SectionDescriptor::of::<Self>(
                $section,
                concat!("struct `", stringify!($name), "`"),
                $crate::foundation::container::Place { file: file!(), line: line!(), column: column!() },
                module_path!(),
            );
        }
    };
    (@ with_variable $text:literal) => { $text };
    (@ insecure_by_default $text:literal) => { $text };
    (@ $option:ident $text:literal) => { $crate::foundation::config::DefaultValue::Text($text) };
}
