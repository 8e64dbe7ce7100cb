//! What is sent: texts with names, which become bytes.
//!
//! ```text
//! = name_of_the_entry
//! # Why it is there.
//! > PUT /path                  the method and the path over HTTP, instead of POST /mcp
//! > Name: value                a field of its head; those that stand for themselves are replaced
//! > -Name                      ... or left out
//! ! utf-16le                   what is done to the body: utf-16le, utf-16be, utf-32le, utf-32be, gzip, deflate
//! ! cut 7                      only so many of its bytes
//! ! pieces 1 5                 a stream comes in pieces of so many bytes, again and again
//! ! lines                      only over stdio (with a head: only over HTTP)
//! {"the":"body"}               all other lines, without their ends
//! ```
//!
//! In a body and a head, `<0d0a>` is those bytes, `<600*[>` that text so many times, `<id>` and `<id 2>` are ids that no other
//! entry has, and
//! `<call>` and `<call 2>` calls with them. `delete_all` and `read_all` become names of tools that only this entry has.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

#[derive(Debug, Clone, Default)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) head: Vec<String>,
    pub(crate) done: Vec<String>,
    pub(crate) body: String,
}

impl Entry {
    /// All that stand in `corpus/`.
    pub(crate) fn all() -> Vec<Self> {
        Self::of(&[
            include_str!("corpus/messages.txt"),
            include_str!("corpus/lines.txt"),
            include_str!("corpus/bodies.txt"),
        ])
    }

    /// The streams of events with which a server answers.
    pub(crate) fn streams() -> Vec<Self> {
        Self::of(&[include_str!("corpus/streams.txt")])
    }

    fn of(files: &[&str]) -> Vec<Self> {
        let entries: Vec<Self> = files.iter().flat_map(|file| Self::read(file)).collect();
        for (at, entry) in entries.iter().enumerate() {
            assert!(entries[..at].iter().all(|other| other.name != entry.name), "two entries {}", entry.name);
        }
        entries
    }

    fn read(text: &str) -> Vec<Self> {
        let mut entries: Vec<Self> = Vec::new();
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("= ") {
                entries.push(Self { name: name.to_owned(), ..Self::default() });
            }
            let Some(entry) = entries.last_mut() else { continue };
            match line.split_at_checked(2) {
                Some(("= " | "# ", _)) => {}
                Some(("> ", field)) => entry.head.push(field.to_owned()),
                Some(("! ", what)) => entry.done.push(what.to_owned()),
                _ => entry.body.push_str(line),
            }
        }
        entries
    }

    /// As it would stand in a file.
    pub(crate) fn text(&self) -> String {
        let head = self.head.iter().map(|field| format!("> {field}\n"));
        let done = self.done.iter().map(|what| format!("! {what}\n"));
        let mut text = format!("= {}\n", self.name);
        text.extend(head.chain(done));
        text + &self.body + "\n"
    }

    pub(crate) fn goes_over_lines(&self) -> bool {
        self.head.is_empty()
    }

    pub(crate) fn goes_over_bodies(&self) -> bool {
        !self.done.iter().any(|what| what == "lines")
    }

    /// The body, as the entry of that number.
    pub(crate) fn bytes(&self, number: usize) -> Vec<u8> {
        self.done.iter().fold(expanded(&self.body, number), |bytes, what| done(bytes, what))
    }

    /// The body before it is coded.
    pub(crate) fn plain(&self, number: usize) -> Vec<u8> {
        let plain = self.done.iter().filter(|what| !matches!(what.as_str(), "gzip" | "deflate"));
        plain.fold(expanded(&self.body, number), |bytes, what| done(bytes, what))
    }

    /// The body in pieces of the sizes that it asks for, again and again; whole if it asks for none.
    pub(crate) fn pieces(&self, number: usize) -> Vec<Vec<u8>> {
        let bytes = self.bytes(number);
        let asked = self.done.iter().find_map(|what| what.strip_prefix("pieces "));
        let sizes: Vec<usize> = match asked {
            Some(sizes) => sizes.split(' ').map(|size| size.parse().unwrap()).collect(),
            None => vec![bytes.len()],
        };
        let (mut pieces, mut rest) = (Vec::new(), bytes.as_slice());
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, behind) = rest.split_at((*size).min(rest.len()));
            pieces.push(piece.to_vec());
            rest = behind;
        }
        pieces
    }

    /// The whole of an HTTP/1.1 request.
    pub(crate) fn request(&self, number: usize, host: &str) -> Vec<u8> {
        let body = self.bytes(number);
        let (first, own): (Vec<_>, Vec<_>) =
            self.head.iter().partition(|line| !line.contains(':') && !line.starts_with('-'));
        let first = first.first().map_or("POST", |line| line.as_str());
        let first = if first.contains(' ') { first.to_owned() } else { format!("{first} /mcp") };
        let name =
            |field: &str| field.trim_start_matches('-').split(':').next().unwrap_or_default().to_ascii_lowercase();
        let all = [
            format!("Host: {host}"),
            "Content-Type: application/json".to_owned(),
            "Accept: application/json, text/event-stream".to_owned(),
            format!("Content-Length: {}", body.len()),
        ];
        let kept = all.iter().filter(|field| own.iter().all(|own| name(own) != name(field)));
        let own = own.iter().copied().filter(|field| !field.starts_with('-'));
        let mut bytes = format!("{first} HTTP/1.1\r\n").into_bytes();
        for field in kept.chain(own) {
            bytes.extend(expanded(field, number));
            bytes.extend(b"\r\n");
        }
        [bytes, b"\r\n".to_vec(), body].concat()
    }
}

fn expanded(text: &str, number: usize) -> Vec<u8> {
    let text = text.replace("delete_all", &format!("delete_{number:04}"));
    let text = text.replace("read_all", &format!("read_{number:04}"));
    let mut bytes = Vec::new();
    let mut rest = text.as_str();
    while let Some((before, behind)) = rest.split_once('<') {
        bytes.extend(before.as_bytes());
        let macro_and_rest = behind.split_once('>');
        match macro_and_rest.and_then(|(word, rest)| Some((meaning(word, number)?, rest))) {
            Some((meaning, behind)) => {
                bytes.extend(meaning);
                rest = behind;
            }
            None => {
                bytes.push(b'<');
                rest = behind;
            }
        }
    }
    bytes.extend(rest.as_bytes());
    bytes
}

fn meaning(word: &str, number: usize) -> Option<Vec<u8>> {
    let (kind, which) = word.split_once(' ').unwrap_or((word, "0"));
    let id = || Some(100_000 + number * 10 + which.parse::<usize>().ok()?);
    if let Some((times, text)) = word.split_once('*') {
        return Some(text.repeat(times.parse().ok()?).into_bytes());
    }
    match kind {
        "id" => Some(id()?.to_string().into_bytes()),
        "call" => {
            let params = format!(r#"{{"name":"delete_{number:04}","arguments":{{"marker":"m"}}}}"#);
            Some(format!(r#"{{"jsonrpc":"2.0","id":{},"method":"tools/call","params":{params}}}"#, id()?).into_bytes())
        }
        _ if !word.is_empty() && word.len().is_multiple_of(2) && word.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            (0..word.len()).step_by(2).map(|at| u8::from_str_radix(&word[at..at + 2], 16).ok()).collect()
        }
        _ => None,
    }
}

fn done(bytes: Vec<u8>, what: &str) -> Vec<u8> {
    let text = || String::from_utf8_lossy(&bytes).into_owned();
    match what {
        "lines" => bytes,
        _ if what.starts_with("pieces ") => bytes,
        _ if what.starts_with("cut ") => {
            let length: usize = what["cut ".len()..].parse().unwrap();
            bytes[..length.min(bytes.len())].to_vec()
        }
        "utf-16le" => text().encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-16be" => text().encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "utf-32le" => text().chars().flat_map(|letter| u32::from(letter).to_le_bytes()).collect(),
        "utf-32be" => text().chars().flat_map(|letter| u32::from(letter).to_be_bytes()).collect(),
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&bytes).unwrap();
            encoder.finish().unwrap()
        }
        "deflate" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&bytes).unwrap();
            encoder.finish().unwrap()
        }
        _ => panic!("nobody knows how to do {what}"),
    }
}
