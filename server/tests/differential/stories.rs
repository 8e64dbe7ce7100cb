//! Sessions over HTTP: several requests, one after the other or at once, that a server knows together.
//!
//! ```text
//! A begins                     initialize, of the session that is called A from here on
//! A begins again               the same, with the id of that session
//! A calls 1                    a call with that id, of a tool of its own, whose answer is awaited
//!           meet               ... of a tool that waits for another one of its kind
//!           at /path           ... elsewhere
//!           with its event     ... with a `Last-Event-ID` that was heard in the session
//! A starts 1 meet              the same; what comes of it is heard later
//! A hears                      all that was started is heard to its end
//! A hears either               ... or no more than one of it: the others' streams may stay open for ever
//! A leaves                     of what was started, the first event is heard, and nothing more
//! A sends GET /path            a request without a body
//! A replays                    GET with the first `Last-Event-ID` that was heard of the last call, until there is an answer
//! B replays what A heard
//! unknown ...                  with the id of a session that there is not
//! ```
//!
//! What ran is recorded, and each call with the outcome that its client got. Where two calls of one session have one id, nothing
//! may be known. No session ends before the last of its calls that went well.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use auditrail::record::{Record, names};
use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::message::{Message, Messages};
use crate::peers::Peers;
use crate::proxy::{Proxy, Way};
use crate::victim::{Answers, Victim, ran};

/// Its name and its steps.
pub(crate) type Story = (String, Vec<String>);

/// What of the stories is recorded otherwise than it went.
pub(crate) async fn differences(victim: Victim, stories: &[Story], peers: &Peers) -> Vec<String> {
    let mut wrong = Vec::new();
    for (number, (name, steps)) in stories.iter().enumerate() {
        let (directory, mut story) = (TempDir::new().unwrap(), Told::default());
        let file = directory.path().join("ran");
        let server = victim.serve(Answers::Sessions, peers, &file).await;
        let upstream = format!("http://127.0.0.1:{}", server.port);
        let arguments = ["--listen", "127.0.0.1:0", "--upstream", &upstream];
        let mut proxy = Proxy::start(Way::Open, &arguments, &file, peers.cache()).await;
        story.address = proxy.address().await;
        (story.first, story.ran) = (number * 20, file.clone());
        for step in steps {
            story.step(step).await;
        }
        story.open.clear();
        proxy.terminate();
        let records = proxy.end().await;
        if std::env::var_os("AUDITRAIL_DIFFERENTIAL_RAN").is_some() {
            eprintln!("{} {name}: ran {:?}, heard {:?}", victim.name(), ran(&file), story.calls);
        }
        wrong.extend(story.wrong(&ran(&file), &records).into_iter().map(|wrong| format!("{name}: {wrong}")));
    }
    wrong
}

/// Those that stand in `corpus/`.
pub(crate) fn corpus() -> Vec<Story> {
    let mut stories: Vec<Story> = Vec::new();
    for line in include_str!("corpus/stories.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match (line.strip_prefix("= "), stories.last_mut()) {
            (Some(name), _) => stories.push((name.to_owned(), Vec::new())),
            (None, Some((_, steps))) => steps.push(line.to_owned()),
            (None, None) => {}
        }
    }
    stories
}

/// Two sessions, and what may happen in them, in any order.
pub(crate) fn by_chance(random: &mut StdRng, number: usize) -> Story {
    let mut steps = vec!["A begins".to_owned(), "B begins".to_owned()];
    for _ in 0..random.random_range(3..=6) {
        let [who, other] = [["A", "B"], ["B", "A"]][random.random_range(0..2)];
        let id = random.random_range(1..=2);
        let some = STEPS[random.random_range(0..STEPS.len())];
        let step = |step: &&str| step.replace("WHO", who).replace("OTHER", other).replace("ID", &id.to_string());
        steps.extend(some.iter().map(step));
    }
    (format!("story_{number}"), steps)
}

const STEPS: &[&[&str]] = &[
    &["WHO calls ID"],
    &["WHO calls ID"],
    &["WHO calls ID at /elsewhere"],
    &["WHO calls ID with its event"],
    &["unknown calls ID"],
    &["WHO sends GET /elsewhere"],
    &["WHO sends DELETE /elsewhere"],
    &["unknown sends DELETE /mcp"],
    &["WHO sends DELETE /mcp", "WHO calls ID"],
    &["WHO begins again"],
    &["WHO begins"],
    &["WHO calls ID", "WHO replays"],
    &["WHO calls ID", "OTHER replays what WHO heard"],
    &["C begins", "D begins", "C starts ID meet", "D starts ID meet", "C hears", "D hears"],
    &["C begins", "C starts ID meet", "C starts ID meet", "C hears either"],
    &["C begins", "WHO begins", "C starts ID meet", "C leaves", "WHO calls ID meet", "C replays"],
    &["C begins", "C starts ID hold", "C sends DELETE /mcp", "C hears"],
];

#[derive(Default)]
struct Told {
    address: String,
    /// Where the victim tells what it ran.
    ran: PathBuf,
    /// The number of its first tool.
    first: usize,
    /// The ids of the sessions, by what the story calls them.
    sessions: HashMap<String, String>,
    /// The first event of the last call of each.
    events: HashMap<String, String>,
    /// The ids of those of which the server has said that they are over. Some serve them all the same.
    ended: BTreeSet<String>,
    /// What was started and not heard yet.
    open: Vec<Open>,
    calls: Vec<Call>,
}

struct Open {
    who: String,
    call: usize,
    stream: Messages<TcpStream>,
}

#[derive(Debug)]
struct Call {
    who: String,
    /// The id of its session.
    session: Option<String>,
    id: i64,
    tool: String,
    /// As the client was told; none if it was told nothing.
    outcome: Option<&'static str>,
    /// Another open call of its session has its id.
    has_twin: bool,
}

impl Told {
    async fn step(&mut self, step: &str) {
        let words: Vec<_> = step.split(' ').collect();
        match words.as_slice() {
            [who, "begins", again @ ..] => self.begin(who, !again.is_empty()).await,
            [who, "calls", id, how @ ..] => {
                let open = self.start(who, id, how).await;
                self.hear(open).await;
            }
            [who, "starts", id, how @ ..] => {
                let open = self.start(who, id, how).await;
                let tool = &self.calls[open.call].tool;
                let runs = async {
                    while !ran(&self.ran).contains(tool) {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                };
                // One that is refused never runs.
                drop(timeout(ANSWER, runs).await);
                self.open.push(open);
            }
            [who, "hears"] => {
                while let Some(at) = self.open.iter().position(|open| open.who == *who) {
                    let open = self.open.remove(at);
                    self.hear(open).await;
                }
            }
            [who, "hears", "either"] => self.hear_either(who).await,
            [who, "leaves"] => {
                let at = self.open.iter().position(|open| open.who == *who).unwrap();
                let mut open = self.open.remove(at);
                self.first_event(&mut open).await;
            }
            [who, "sends", method, path] => {
                // There may be no end of what follows the head.
                let mut stream = self.ask(who, method, path, &[], "").await;
                // Or none before what runs has ended.
                let head = timeout(ANSWER, stream.head()).await.ok().flatten();
                let status = head.map_or(0, |head| Message { head, ..Message::default() }.status());
                if *method == "DELETE" && (200..300).contains(&status) {
                    self.ended.extend(self.sessions.get(*who).cloned());
                }
            }
            [who, "replays", whose @ ..] => {
                let whose = if let ["what", whose, "heard"] = whose { whose } else { who };
                self.replay(who, whose).await;
            }
            _ => panic!("nobody knows how to {step}"),
        }
    }

    async fn begin(&mut self, who: &str, again: bool) {
        let params =
            json!({"protocolVersion": VERSION, "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}});
        let body = json!({"jsonrpc": "2.0", "id": format!("begin {who}"), "method": "initialize", "params": params});
        if again {
            drop(self.ask(who, "POST", "/mcp", &[], &body.to_string()).await.all("POST").await);
            return;
        }
        let mut id = None;
        // A server may close a connection that was idle while the proxy asks over it.
        for _ in 0..TRIES {
            let answer = self.ask("nobody", "POST", "/mcp", &[], &body.to_string()).await.all("POST").await;
            id = answer.and_then(|answer| answer.field("mcp-session-id").map(str::to_owned));
            if id.is_some() {
                break;
            }
        }
        self.sessions.insert(who.to_owned(), id.expect("no session"));
        let body = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        drop(self.ask(who, "POST", "/mcp", &[], &body.to_string()).await.all("POST").await);
    }

    async fn start(&mut self, who: &str, id: &str, how: &[&str]) -> Open {
        let (mut kind, mut path, mut fields) = ("delete", "/mcp", Vec::new());
        match how {
            [] => {}
            ["at", elsewhere] => path = elsewhere,
            ["with", "its", "event"] => {
                fields.extend(self.events.get(who).map(|event| format!("Last-Event-ID: {event}")));
            }
            [other] => kind = other,
            _ => panic!("nobody knows how to call {how:?}"),
        }
        let tool = format!("{kind}_{:04}", self.first + self.calls.len());
        let id: i64 = id.parse().unwrap();
        let body =
            json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": {}}});
        let stream = self.ask(who, "POST", path, &fields, &body.to_string()).await;
        let mut has_twin = false;
        for other in self.open.iter().filter(|other| other.who == who) {
            let other = &mut self.calls[other.call];
            if other.id == id {
                (other.has_twin, has_twin) = (true, true);
            }
        }
        let session = self.sessions.get(who).cloned();
        self.calls.push(Call { who: who.to_owned(), session, id, tool, outcome: None, has_twin });
        Open { who: who.to_owned(), call: self.calls.len() - 1, stream }
    }

    /// Asks with the id of that session, if it has one. What answers is not read yet.
    async fn ask(&self, who: &str, method: &str, path: &str, fields: &[String], body: &str) -> Messages<TcpStream> {
        let session = match who {
            "unknown" => Some("00000000-0000-4000-8000-000000000000"),
            _ => self.sessions.get(who).map(String::as_str),
        };
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        head += "Accept: application/json, text/event-stream\r\n";
        if !body.is_empty() {
            head += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        }
        if let Some(session) = session {
            head += &format!("Mcp-Session-Id: {session}\r\nMCP-Protocol-Version: {VERSION}\r\n");
        }
        fields.iter().for_each(|field| head += &format!("{field}\r\n"));
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
        Messages::new(stream)
    }

    async fn hear(&mut self, open: Open) {
        let Open { who, call, stream } = open;
        let Some(answer) = timeout(ANSWER, stream.all("POST")).await.ok().flatten() else { return };
        let text = answer.text();
        if let Some(event) = first_event(&text) {
            self.events.insert(who, event);
        }
        let call = &mut self.calls[call];
        call.outcome = told(&text, call.id).or((answer.status() >= 400).then_some("failure"));
    }

    /// What comes first on any of the streams of that session; the others are left when it is there.
    async fn hear_either(&mut self, who: &str) {
        let (of_it, others): (Vec<_>, Vec<_>) = self.open.drain(..).partition(|open| open.who == who);
        self.open = others;
        let mut all = tokio::task::JoinSet::new();
        for Open { call, stream, .. } in of_it {
            let id = self.calls[call].id;
            all.spawn(async move { (call, stream.answer_to(id).await) });
        }
        while let Ok(Some(Ok((call, outcome)))) = timeout(ANSWER, all.join_next()).await {
            self.calls[call].outcome = outcome;
            if outcome.is_some() {
                break;
            }
        }
    }

    async fn first_event(&mut self, open: &mut Open) {
        let read = async {
            open.stream.head().await?;
            let mut text = String::new();
            while first_event(&text).is_none() {
                let chunk = open.stream.chunk().await.filter(|chunk| !chunk.is_empty())?;
                text += &String::from_utf8_lossy(&chunk);
            }
            first_event(&text)
        };
        if let Some(event) = timeout(ANSWER, read).await.ok().flatten() {
            self.events.insert(open.who.clone(), event);
        }
    }

    async fn replay(&mut self, who: &str, whose: &str) {
        let Some(event) = self.events.get(whose) else { return };
        let stream = self.ask(who, "GET", "/mcp", &[format!("Last-Event-ID: {event}")], "").await;
        let Some(call) = self.calls.iter_mut().rev().find(|call| call.who == whose) else { return };
        let outcome = timeout(ANSWER, stream.answer_to(call.id)).await.ok().flatten();
        call.outcome = call.outcome.or(outcome);
    }

    fn wrong(&self, ran: &[String], records: &[Record]) -> Vec<String> {
        let mut wrong = Vec::new();
        let calls: BTreeSet<_> = self.calls.iter().map(|call| &call.tool).collect();
        wrong.extend(
            ran.iter().filter(|tool| !calls.contains(tool)).map(|tool| format!("{tool} ran, and nobody asked")),
        );
        for call in &self.calls {
            let of_it = |record: &&Record| record.text(names::GEN_AI_TOOL_NAME) == Some(&call.tool);
            let mut pairs: BTreeMap<&str, Vec<String>> = BTreeMap::new();
            for record in records.iter().filter(of_it) {
                let text = |name| record.text(name).unwrap_or_default();
                let half = format!("{} {}", text(names::AUDITRAIL_PHASE), text(names::AUDIT_OUTCOME));
                pairs.entry(text(names::AUDITRAIL_CALL_ID)).or_default().push(half);
            }
            let expected = format!("response {}", call.outcome.unwrap_or("unknown"));
            let is_told = |half: &String| *half == expected || (call.has_twin && half == "response unknown");
            let is_right = |pair: &Vec<String>| pair.len() == 2 && pair.iter().any(is_told);
            if pairs.len() != 1 || !pairs.values().all(is_right) {
                let times = ran.iter().filter(|tool| **tool == call.tool).count();
                let pairs: Vec<_> = pairs.values().collect();
                wrong.push(format!("{call:?} ran {times} times, and was recorded as {pairs:?}"));
            }
        }
        wrong.extend(self.ended_early(records));
        wrong
    }

    /// Sessions that ended, by the records, before the last of their calls that went well.
    fn ended_early(&self, records: &[Record]) -> Vec<String> {
        let is_open = |call: &&Call| call.session.as_ref().is_some_and(|id| !self.ended.contains(id));
        let good = self.calls.iter().filter(|call| call.outcome == Some("success")).filter(is_open);
        let early = good.filter(|call| {
            let asks = |record: &&Record| record.text(names::GEN_AI_TOOL_NAME) == Some(&call.tool);
            let Some(asked) = records.iter().find(asks) else { return false };
            let session = call.session.as_deref();
            let ends = |record: &&Record| {
                record.text(names::AUDITRAIL_MCP_SESSION_STATE) == Some("end")
                    && record.text(names::MCP_SESSION_ID) == session
            };
            asked.text(names::MCP_SESSION_ID) != session
                || records.iter().any(|record| ends(&record) && record.time_unix_nano < asked.time_unix_nano)
        });
        early.map(|call| format!("{} was called in a session that had ended, by the records", call.tool)).collect()
    }
}

impl Messages<TcpStream> {
    async fn all(mut self, method: &str) -> Option<Message> {
        self.response(method).await
    }

    /// Reads until there is an answer to that id.
    async fn answer_to(mut self, id: i64) -> Option<&'static str> {
        let head = Message { head: self.head().await?, ..Message::default() };
        if head.field("transfer-encoding").is_none() {
            let length = head.field("content-length").and_then(|length| length.parse().ok())?;
            let text = String::from_utf8_lossy(&self.bytes(length).await).into_owned();
            return told(&text, id).or((head.status() >= 400).then_some("failure"));
        }
        let mut text = String::new();
        loop {
            let chunk = self.chunk().await.filter(|chunk| !chunk.is_empty())?;
            text += &String::from_utf8_lossy(&chunk);
            if let Some(outcome) = told(&text, id) {
                return Some(outcome);
            }
        }
    }
}

/// What the text says of the call with that id: events with one line of data, or a document.
fn told(text: &str, id: i64) -> Option<&'static str> {
    let lines = text.lines().map(|line| line.strip_prefix("data:").unwrap_or(line));
    let messages = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let answer = messages.filter(|message| message["method"].is_null()).find(|message| message["id"] == id)?;
    match (answer["result"].is_object(), answer["error"].is_object()) {
        (true, _) => Some("success"),
        (_, true) => Some("failure"),
        _ => None,
    }
}

fn first_event(text: &str) -> Option<String> {
    let id = text.lines().find_map(|line| line.strip_prefix("id:"))?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

const TRIES: usize = 5;
/// One that has not answered by then does not.
const ANSWER: Duration = Duration::from_secs(15);
const VERSION: &str = "2025-11-25";
