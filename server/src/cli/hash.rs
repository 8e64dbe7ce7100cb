//! `auditrail hash`: was it this value?

use std::io::Read as _;
use std::path::{Path, PathBuf};

use auditrail::internals::config::read_regular;
use auditrail::internals::digests::{DigestClass, DigestKey, canonical_of};
use serde_json::json;

use super::args::{Format, HashArguments};
use super::location::Place;
use super::outcome::{Answer, Failure};
use super::shown::plain;

pub(super) fn run(arguments: &HashArguments) -> Result<Answer, Failure> {
    let (class, name) = class(&arguments.class)?;
    let value = value(arguments)?;
    let state = Place::state(&arguments.which)?;
    let keys = keys(&state, arguments.key_id.as_deref())?;
    let canonical = canonical_of(class, &value).map(|canonical| ("jcs", canonical));
    let forms: Vec<_> = canonical.into_iter().chain([("raw", value)]).collect();
    let digests =
        keys.iter().flat_map(|key| forms.iter().map(move |(form, bytes)| Shown::new(key, class, name, form, bytes)));
    let digests: Vec<Shown> = digests.collect();
    Ok(match arguments.which.format {
        Format::Json => Answer::json(&json_of(&arguments.class, &digests), true),
        Format::Human => Answer::new(digests.iter().map(Shown::line).collect(), true),
    })
}

/// A key, and its file.
struct Key {
    file: PathBuf,
    key: DigestKey,
}

/// A digest of the value.
struct Shown {
    file: String,
    key_id: String,
    form: &'static str,
    size: usize,
    digest: String,
}

impl Shown {
    fn new(Key { file, key }: &Key, class: DigestClass, name: Option<&str>, form: &'static str, bytes: &[u8]) -> Self {
        let digest = match name {
            Some(name) => key.digest(class, &[name.as_bytes(), &[0], bytes]),
            None => key.digest(class, &[bytes]),
        };
        Self { file: file.display().to_string(), key_id: key.id(), form, size: bytes.len(), digest }
    }

    fn line(&self) -> String {
        let Self { form, digest, size, file, .. } = self;
        format!("{form}  {digest}  {size} bytes, {}\n", plain(file))
    }
}

fn json_of(class: &str, digests: &[Shown]) -> serde_json::Value {
    let digests = digests.iter().map(|Shown { file, key_id, form, size, digest }| {
        json!({ "file": file, "key_id": key_id, "form": form, "size": size, "digest": digest })
    });
    json!({ "class": class, "digests": digests.collect::<Vec<_>>() })
}

/// The class, and for a hash of redaction its name.
fn class(text: &str) -> Result<(DigestClass, Option<&str>), Failure> {
    let (class, name) = text.split_once('/').map_or((text, None), |(class, name)| (class, Some(name)));
    let known = DigestClass::ALL.into_iter().find(|known| known.as_str() == class);
    match (known, name) {
        (Some(DigestClass::Redacted), Some(_)) => Ok((DigestClass::Redacted, name)),
        (Some(class), None) if class != DigestClass::Redacted => Ok((class, None)),
        _ => {
            let known = DigestClass::ALL.map(|class| match class {
                DigestClass::Redacted => "redacted/NAME",
                class => class.as_str(),
            });
            Err(Failure::usage(format!("no digests are of the class {text}; use one of: {}", known.join(", "))))
        }
    }
}

fn value(arguments: &HashArguments) -> Result<Vec<u8>, Failure> {
    let Some(path) = &arguments.file else { return Ok(arguments.value.clone().unwrap_or_default().into_bytes()) };
    let mut bytes = Vec::new();
    let read = match path.as_os_str() == "-" {
        true => std::io::stdin().read_to_end(&mut bytes).map(|_| ()),
        false => std::fs::read(path).map(|read| bytes = read),
    };
    read.map_err(|error| Failure::failed(format!("cannot read {}: {error}", path.display())))?;
    Ok(bytes)
}

/// The key of the state directory, and those that it had before: `digest.key` and `digest.key.*`.
fn keys(state: &Path, wanted: Option<&str>) -> Result<Vec<Key>, Failure> {
    let unreadable = |error| Failure::failed(format!("cannot read {}: {error}", state.display()));
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(state).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        if name == KEY
            || name.to_str().is_some_and(|name| name.strip_prefix(KEY).is_some_and(|rest| rest.starts_with('.')))
        {
            files.push(entry.path());
        }
    }
    // The present one comes first.
    files.sort();
    let mut keys = Vec::new();
    for file in files {
        let shown = file.display().to_string();
        let bytes = read_regular(&file).map_err(|error| Failure::failed(format!("cannot read {shown}: {error}")))?;
        let no_key = || Failure::failed(format!("{shown} is no key: a key has 32 bytes; move the file elsewhere"));
        keys.push(Key { key: DigestKey::of_bytes(&bytes).ok_or_else(no_key)?, file });
    }
    keys.retain(|key| wanted.is_none_or(|wanted| key.key.id() == wanted));
    match (keys.is_empty(), wanted) {
        (false, _) => Ok(keys),
        (true, None) => Err(Failure::failed(format!("there is no {KEY} in {}", state.display()))),
        (true, Some(wanted)) => Err(Failure::failed(format!("no key in {} has the id {wanted}", state.display()))),
    }
}

const KEY: &str = "digest.key";
