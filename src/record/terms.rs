//! Closed sets of values: an enum for each, so that nothing else gets into its attribute.

/// Defines such an enum, in a file that imports [`Value`](super::value::Value).
macro_rules! terms {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The value on the record.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl From<$name> for Value {
            fn from(term: $name) -> Self {
                Self::from(term.as_str())
            }
        }

        impl From<$name> for ::std::borrow::Cow<'static, str> {
            fn from(term: $name) -> Self {
                Self::Borrowed(term.as_str())
            }
        }
    };
}

pub(crate) use terms;
