//! More messages of the kind that the corpus has, by chance: the same seed makes the same.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::corpus::Entry;
use crate::frames;
use crate::stories::{self, Story};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) seed: u64,
    /// For each victim and carrier.
    time: Duration,
    most: usize,
}

impl Limits {
    /// By default about a minute of all victims together, and the same seed in each run.
    pub(crate) fn of_the_environment(shares: usize) -> Self {
        let number = |name| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
        let asked = number("AUDITRAIL_DIFFERENTIAL_SECONDS");
        let share = u32::try_from(shares).unwrap_or(1).max(1);
        Self {
            seed: number("AUDITRAIL_DIFFERENTIAL_SEED").unwrap_or(1),
            time: Duration::from_secs(asked.unwrap_or(60)) / share,
            // Where nobody has asked for a time, a fast machine shall find what a slow one finds.
            most: if asked.is_some() { usize::MAX } else { BY_DEFAULT },
        }
    }
}

#[derive(Debug)]
pub(crate) struct Chance {
    random: StdRng,
    entries: Vec<Entry>,
    /// They go over HTTP, so that each may have a head.
    has_heads: bool,
    until: Instant,
    most: usize,
    count: usize,
}

impl Chance {
    pub(crate) fn new(limits: Limits, entries: Vec<Entry>, has_heads: bool) -> Self {
        let random = StdRng::seed_from_u64(limits.seed);
        Self { random, entries, has_heads, until: Instant::now() + limits.time, most: limits.most, count: 0 }
    }

    /// How many it has made.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// At least one round, and none when the time is over.
    pub(crate) fn round(&mut self) -> Option<Vec<Entry>> {
        (!self.is_over()).then(|| (0..A_ROUND).map(|_| self.entry()).collect())
    }

    /// A round of streams of events, which begin with nothing of the corpus.
    pub(crate) fn round_of_streams(&mut self) -> Option<Vec<Entry>> {
        let stream = |this: &mut Self| {
            this.count += 1;
            frames::stream(&mut this.random, this.count)
        };
        (!self.is_over()).then(|| (0..A_ROUND).map(|_| stream(self)).collect())
    }

    /// A few stories of sessions.
    pub(crate) fn round_of_stories(&mut self) -> Option<Vec<Story>> {
        let story = |this: &mut Self| {
            this.count += 1;
            stories::by_chance(&mut this.random, this.count)
        };
        (!self.is_over() && self.count < self.most / STORY).then(|| (0..STORIES).map(|_| story(self)).collect())
    }

    fn is_over(&self) -> bool {
        self.count > 0 && (Instant::now() >= self.until || self.count >= self.most)
    }

    fn entry(&mut self) -> Entry {
        let mut entry = self.any().clone();
        self.count += 1;
        entry.name = format!("{}_{}", entry.name, self.count);
        for _ in 0..self.random.random_range(1..=3) {
            self.change(&mut entry);
        }
        entry
    }

    fn any(&mut self) -> &Entry {
        let at = self.random.random_range(0..self.entries.len());
        &self.entries[at]
    }

    fn change(&mut self, entry: &mut Entry) {
        match self.random.random_range(0..10) {
            0..=3 => self.insert(&mut entry.body),
            4 => self.other_letters(&mut entry.body),
            5 => self.again(&mut entry.body),
            6 => self.swap(&mut entry.body),
            7 => self.wrap(&mut entry.body),
            8 => entry.body = format!("{}<{}>{}", entry.body, self.one_of(BETWEEN), self.any().body),
            _ => self.dress(entry),
        }
    }

    /// Something odd, at a border between two tokens.
    fn insert(&mut self, body: &mut String) {
        let borders: Vec<_> = body.match_indices([',', ':', '{', '}', '"', '[', ']']).map(|(at, _)| at).collect();
        let at = if borders.is_empty() { 0 } else { borders[self.random.random_range(0..borders.len())] };
        let at = at + usize::from(!borders.is_empty() && self.random.random_bool(0.5));
        let odd = self.one_of(ODD);
        body.insert_str(at, odd);
    }

    /// Keys that only some recognize.
    fn other_letters(&mut self, body: &mut String) {
        let (from, to) = self.one_of(LETTERS);
        let pieces: Vec<_> = body.match_indices(from).map(|(at, _)| at).collect();
        if !pieces.is_empty() {
            let at = pieces[self.random.random_range(0..pieces.len())];
            body.replace_range(at..at + from.len(), to);
        }
    }

    /// A member more, at the front of an object or at its end.
    fn again(&mut self, body: &mut String) {
        let member = self.one_of(MEMBERS);
        if self.random.random_bool(0.5) {
            if let Some(at) = body.find('{') {
                body.insert_str(at + 1, &format!("{member},"));
            }
        } else if let Some(at) = body.rfind('}') {
            body.insert_str(at, &format!(",{member}"));
        }
    }

    /// Two members change places.
    fn swap(&mut self, body: &mut String) {
        let mut members: Vec<_> = body.split(",\"").map(ToOwned::to_owned).collect();
        let (one, other) = (self.random.random_range(0..members.len()), self.random.random_range(0..members.len()));
        members.swap(one, other);
        *body = members.join(",\"");
    }

    fn wrap(&mut self, body: &mut String) {
        let (before, behind) = self.one_of(WRAPPERS);
        *body = format!("{before}{body}{behind}");
    }

    /// Another encoding, or another head where there is one.
    fn dress(&mut self, entry: &mut Entry) {
        match self.random.random_range(0..4) {
            0 if self.has_heads => {
                let coding = self.one_of(CODINGS);
                entry.head.push(format!("Content-Encoding: {coding}"));
                entry.done.push(coding.to_owned());
            }
            1 if self.has_heads && entry.head.iter().all(|line| line.contains(':') || line.starts_with('-')) => {
                let first = format!("{} {}", self.one_of(METHODS), self.one_of(PATHS));
                entry.head.push(first);
            }
            2 | 3 if self.has_heads => {
                let field = self.one_of(FIELDS).to_owned();
                entry.head.push(field);
            }
            _ => entry.done.push(self.one_of(DRESSES).to_owned()),
        }
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.random.random_range(0..all.len())]
    }
}

/// Messages of each victim and carrier.
const BY_DEFAULT: usize = 200;
/// So many are sent to a victim before it is asked what it ran.
const A_ROUND: usize = 60;
/// Each starts a victim of its own, and costs about as much as so many messages.
const STORY: usize = 60;
const STORIES: usize = 3;
const BETWEEN: &[&str] = &["0d", "0a", "20", "09", "0c", "00", "e280a8", "c285", "efbbbf", "2c"];
const ODD: &[&str] = &[
    "<0d>",
    "<0a>",
    "<0d0a>",
    "<09>",
    "<0b>",
    "<0c>",
    "<00>",
    "<1e>",
    "<85>",
    "<c285>",
    "<c2a0>",
    "<e280a8>",
    "<e280a9>",
    "<efbbbf>",
    "<ff>",
    "<c0af>",
    "<eda080>",
    "NaN",
    "-Infinity",
    "1e999",
    "\\u0000",
    "\\ud800",
    "\\",
    "\"",
    "'",
    ",",
    "/**/",
    "//",
    "#",
    "<700*[>",
    "null",
    "true",
    "0",
    "{}",
    "[]",
    " ",
];
const LETTERS: &[(&str, &str)] = &[
    ("\"method\"", "\"Method\""),
    ("\"method\"", "\"METHOD\""),
    ("\"method\"", "\"m\\u0065thod\""),
    ("\"params\"", "\"Params\""),
    ("\"params\"", "\"param<c5bf>\""),
    ("\"params\"", "\"PARAMS\""),
    ("\"name\"", "\"Name\""),
    ("\"name\"", "\"n\\u0061me\""),
    ("\"id\"", "\"ID\""),
    ("\"id\"", "\"Id\""),
    ("\"jsonrpc\"", "\"JsonRpc\""),
    ("\"arguments\"", "\"Arguments\""),
    ("tools/call", "tools\\/call"),
    ("tools/call", "tools\\u002fcall"),
    (
        "<call>",
        "{\"jsonrpc\":\"2.0\",\"id\":<id>,\"method\":\"tools/call\",\"params\":{\"name\":\"delete_all\",\"arguments\":{}}}",
    ),
    ("<call 2>", "{\"method\":\"tools/call\",\"params\":{\"name\":\"delete_all\"},\"jsonrpc\":\"2.0\",\"id\":<id 2>}"),
];
const MEMBERS: &[&str] = &[
    "\"method\":\"ping\"",
    "\"method\":\"tools/call\"",
    "\"Method\":\"tools/call\"",
    "\"Method\":\"ping\"",
    "\"params\":{\"name\":\"read_all\",\"arguments\":{}}",
    "\"Params\":{\"name\":\"read_all\",\"arguments\":{}}",
    "\"params\":{}",
    "\"name\":\"read_all\"",
    "\"id\":<id 3>",
    "\"id\":null",
    "\"ID\":<id 4>",
    "\"jsonrpc\":\"2.0\"",
    "\"result\":{}",
    "\"error\":{\"code\":1,\"message\":\"m\"}",
    "\"x\":[<call 5>]",
    "\"x\":{<call 6>:1}",
];
const WRAPPERS: &[(&str, &str)] = &[
    ("[", "]"),
    ("[{},", "]"),
    ("[", ",<call 7>]"),
    ("<efbbbf>", ""),
    ("", "<0d>"),
    ("<0d>", ""),
    (" ", " "),
    ("{\"x\":", "}"),
    ("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"x\":<0d>", "<0d>}}"),
    ("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"x\":<0d0d>", "}}"),
    ("\"", "\""),
];
const DRESSES: &[&str] = &["utf-16le", "utf-16be", "utf-32le", "utf-32be"];
const CODINGS: &[&str] = &["gzip", "deflate"];
const METHODS: &[&str] = &["POST", "POST", "PUT", "PATCH", "DELETE", "GET", "OPTIONS", "QUERY", "post"];
const PATHS: &[&str] = &["/mcp", "/mcp", "/mcp/", "/mcp?a=b", "/any", "/any", "/other", "/%6dcp", "//mcp"];
const FIELDS: &[&str] = &[
    "-Content-Type",
    "-Accept",
    "Content-Type: application/json; charset=\"utf-7\"",
    "Content-Type: application/json-seq, application/json",
    "Content-Type: application/vnd.api+json",
    "Content-Encoding: zstd",
    "Content-Encoding: gzip, gzip",
    "Content-Encoding:",
    "Connection: accept, mcp-session-id",
    "Mcp-Session-Id: unknown",
    "Mcp-Method: tools/call",
    "Mcp-Name: read_all",
    "Content-Encoding: gzip",
    "Content-Encoding: x",
    "Content-Encoding: identity",
    "Content-Type: application/json; charset=utf-7",
    "Content-Type: application/json; charset=utf-16",
    "Content-Type: application/json; charset=latin1",
    "Content-Type: text/plain",
    "Content-Type: application/json",
    "Connection: content-encoding",
    "Connection: content-type",
    "Last-Event-ID: 7",
    "MCP-Protocol-Version: 2025-06-18",
    "X-HTTP-Method-Override: GET",
];
