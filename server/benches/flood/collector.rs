//! A collector that accepts everything, and keeps what shows whether a record is missing.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use auditrail::record::{Record, Value, names};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message as _;

use crate::client::read_message;

/// OTLP over HTTP.
#[derive(Clone)]
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    came: Arc<Mutex<Came>>,
}

/// What came.
#[derive(Debug, Default)]
pub(crate) struct Came {
    /// Of the calls of one tool, and of all others.
    pub(crate) of_tool: Halves,
    pub(crate) of_others: Halves,
    /// By the client that is named, or by the cause.
    pub(crate) left_out: BTreeMap<String, i64>,
    /// How much is told of what is no message.
    pub(crate) garbage: i64,
    numbers: Numbers,
}

/// Those of the records that came: some may come again, and batches in any order.
#[derive(Debug, Default)]
struct Numbers {
    all_up_to: i64,
    beyond: HashSet<i64>,
}

#[derive(Debug, Default)]
pub(crate) struct Halves {
    pub(crate) pairs: u64,
    /// The calls of which one has come.
    pub(crate) single: HashSet<String>,
}

impl Collector {
    pub(crate) fn start(tool: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let collector = Self { address: listener.local_addr().unwrap(), came: Arc::default() };
        let came = collector.came.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, came) = (stream.unwrap(), came.clone());
                thread::spawn(move || serve(stream, tool, &came));
            }
        });
        collector
    }

    /// What has come, once nobody sends any more.
    pub(crate) fn came(&self) -> Came {
        std::mem::take(&mut self.came.lock().unwrap())
    }
}

fn serve(stream: TcpStream, tool: &str, came: &Mutex<Came>) {
    let mut reader = BufReader::new(stream);
    while let Some(body) = read_message(&mut reader) {
        let request = ExportLogsServiceRequest::decode(&body[..]).unwrap();
        let records = request.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
        for record in records.flat_map(|scope| scope.log_records) {
            came.lock().unwrap().note(&Record::from_proto(record).unwrap(), tool);
        }
        let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

impl Came {
    fn note(&mut self, record: &Record, tool: &str) {
        let number = int(record, names::AUDIT_SEQUENCE_NUMBER).unwrap();
        if !self.numbers.add(number) {
            return;
        }
        if record.event_name == "auditrail.gap" {
            let text = |name| record.text(name).map(str::to_owned);
            let whose = text(names::AUDITRAIL_GAP_CLIENT).or_else(|| text(names::AUDITRAIL_GAP_CAUSE)).unwrap();
            *self.left_out.entry(whose).or_default() += int(record, names::AUDITRAIL_GAP_COUNT).unwrap();
        }
        if record.text(names::ERROR_TYPE) == Some("-32600") {
            self.garbage += int(record, names::AUDITRAIL_MCP_FLAWED_COUNT).unwrap_or(1);
        }
        let halves =
            if record.text(names::GEN_AI_TOOL_NAME) == Some(tool) { &mut self.of_tool } else { &mut self.of_others };
        if record.text(names::AUDITRAIL_PHASE).is_some() {
            let call = record.text(names::AUDITRAIL_CALL_ID).unwrap();
            if halves.single.remove(call) {
                halves.pairs += 1;
            } else {
                halves.single.insert(call.to_owned());
            }
        }
    }
}

impl Numbers {
    /// Whether it is new.
    fn add(&mut self, number: i64) -> bool {
        let is_new = number > self.all_up_to && self.beyond.insert(number);
        while self.beyond.remove(&(self.all_up_to + 1)) {
            self.all_up_to += 1;
        }
        is_new
    }
}

fn int(record: &Record, name: &str) -> Option<i64> {
    match record.get(name)? {
        Value::Int(number) => Some(*number),
        other => panic!("{name} is {other:?}"),
    }
}
