//! `[sink]`, and the switch that turns auditing off.

use std::fmt;
use std::path::PathBuf;

use auditrail::config::{
    Auditing, DISABLED, FILE_KEEP, FILE_MAX_BYTES, FILE_PATH, SINK, Settings, SinkKind, SinkSettings,
};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use toml::Spanned;

/// `[sink]`: where records go.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SinkFileSettings {
    /// `AUDITRAIL_SINK`. The proxy has no log of its own, so there is no `log`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Vec<SinkKindName>>,
    /// `AUDITRAIL_FILE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<Spanned<PathBuf>>,
    /// `AUDITRAIL_FILE_MAX_BYTES`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_max_bytes: Option<Spanned<u64>>,
    /// `AUDITRAIL_FILE_KEEP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_keep: Option<Spanned<u32>>,
}

/// As [`SinkKind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "they are told where they are linked to")]
pub enum SinkKindName {
    Otlp,
    File,
    Stderr,
}

/// `disabled`: `true`, `"all"` or `false`, as [`Auditing`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DisabledName(pub Auditing);

impl SinkFileSettings {
    /// The variables that it sets.
    pub(super) fn variables(&self) -> [(&'static str, &'static str, Option<String>); 4] {
        let to = self.to.as_ref().map(|kinds| {
            let names: Vec<_> = kinds.iter().map(|kind| kind.kind().name()).collect();
            // An empty variable would count as unset.
            if names.is_empty() { ",".to_owned() } else { names.join(",") }
        });
        [
            (SINK, "[sink] to", to),
            (FILE_PATH, "[sink] file", self.file.as_ref().map(|path| path.get_ref().display().to_string())),
            (FILE_MAX_BYTES, "[sink] file_max_bytes", self.file_max_bytes.as_ref().map(|it| it.get_ref().to_string())),
            (FILE_KEEP, "[sink] file_keep", self.file_keep.as_ref().map(|it| it.get_ref().to_string())),
        ]
    }

    /// A key without effect, with its place: somebody believes that there is a file.
    pub(super) fn unused(&self) -> Option<std::ops::Range<usize>> {
        if self.to.as_ref().is_some_and(|kinds| kinds.contains(&SinkKindName::File)) {
            return None;
        }
        let spans = [
            self.file.as_ref().map(Spanned::span),
            self.file_max_bytes.as_ref().map(Spanned::span),
            self.file_keep.as_ref().map(Spanned::span),
        ];
        spans.into_iter().flatten().next()
    }

    /// Adds the effective settings.
    pub(crate) fn show(&mut self, settings: &Settings) {
        let SinkSettings { otlp, file, stderr, .. } = &settings.sinks;
        let chosen =
            [(*otlp, SinkKindName::Otlp), (file.is_some(), SinkKindName::File), (*stderr, SinkKindName::Stderr)];
        self.to = Some(chosen.into_iter().filter(|(is_chosen, _)| *is_chosen).map(|(_, name)| name).collect());
        self.file = file.as_ref().map(|file| Spanned::new(0..0, file.path.clone()));
        self.file_max_bytes = file.as_ref().map(|file| Spanned::new(0..0, file.max_bytes));
        self.file_keep = file.as_ref().map(|file| Spanned::new(0..0, file.keep));
    }
}

impl SinkKindName {
    const fn kind(self) -> SinkKind {
        match self {
            Self::Otlp => SinkKind::Otlp,
            Self::File => SinkKind::File,
            Self::Stderr => SinkKind::Stderr,
        }
    }
}

impl DisabledName {
    /// The variable that it sets.
    pub(super) fn variable(self) -> (&'static str, &'static str, Option<String>) {
        let text = match self.0 {
            Auditing::On => "false",
            Auditing::OffForAll => "all",
            _ => "true",
        };
        (DISABLED, "disabled", Some(text.into()))
    }
}

impl<'de> Deserialize<'de> for DisabledName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl Visitor<'_> for Name {
            type Value = DisabledName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false or \"all\"")
            }

            fn visit_bool<E: Error>(self, disabled: bool) -> Result<DisabledName, E> {
                Ok(DisabledName(if disabled { Auditing::Off } else { Auditing::On }))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<DisabledName, E> {
                match name {
                    "all" => Ok(DisabledName(Auditing::OffForAll)),
                    _ => Err(E::custom("write true, false or \"all\"")),
                }
            }
        }

        deserializer.deserialize_any(Name)
    }
}

impl Serialize for DisabledName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Auditing::On => serializer.serialize_bool(false),
            Auditing::OffForAll => serializer.serialize_str("all"),
            _ => serializer.serialize_bool(true),
        }
    }
}
