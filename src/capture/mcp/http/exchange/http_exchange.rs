//! One HTTP request with its response, as it passes the tap.
//!
//! Invariants:
//! 1. The correlator gets the messages of the request before the answers in the response, whichever arrives first.
//! 2. The exchange ends exactly once: when both the request and the response have passed, or will not any more.
//! 3. A request with a call leaves the records of the call, even if only its beginning arrived before the answer. Any other
//!    request leaves a pair of its own if it failed, as far as that is recorded (`ordinary.rs`), or if it may have held a call:
//!    it could not be read, or it was answered.
//! 4. Anything that is not a JSON-RPC message, in the request or the response, decides nothing about a call.

use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, OnceLock};

use http::request::Parts;
use http::{HeaderMap, Method};

use super::body_notes::{BodyNotes, Side};
#[cfg(feature = "internals")]
use super::bypass::Bypass;
#[cfg(feature = "internals")]
use super::held_calls::HeldCalls;
use super::http_pair::HttpPair;
use super::ordinary::HttpRecording;
use super::progress::ExchangeProgress;
use super::{head, ordinary};
use crate::capture::mcp::correlate::{self, Exchange, ExchangeEnd, MessageOrigin};
use crate::capture::mcp::http::reading::{BodyEnd, UnreadReason};
use crate::capture::mcp::http::server::{ServerState, SessionExchange};
use crate::capture::mcp::message::{Flaw, Message, ScanOptions};
use crate::capture::mcp::request_id::RequestId;
use crate::locks::Mutex;
use crate::record::{ClockReading, Detail, Outcome, names};
use crate::trail::{Call, Direction, MessageFacts, OpenCall, Opener, Pause, Refused, WireCounter, is_of_mcp};

/// The state of the exchange.
pub(crate) struct HttpExchange {
    shared: Arc<ServerState>,
    recording: Arc<HttpRecording>,
    exchange: Arc<Exchange>,
    course: ExchangeProgress,
    begun: ClockReading,
    method: Method,
    path: String,
    pair: HttpPair,
    /// The head is that of an MCP client, whatever the path.
    is_of_mcp: bool,
    /// The request asks for a session.
    initializes: AtomicBool,
    bodies: BodyNotes,
    /// The request is JSON, and not a JSON-RPC message.
    is_foreign: AtomicBool,
    /// The response contains answers.
    has_answer: AtomicBool,
    /// The code of the JSON-RPC error in the response.
    code: OnceLock<i64>,
    /// The status of the response; 0 for none.
    status: AtomicU16,
    /// The session that the response names, if it is successful.
    issued: OnceLock<String>,
    session: Mutex<Option<SessionExchange>>,
    /// Its response is the stream of a session, which ends with it (2024-11-05).
    is_stream: AtomicBool,
    #[cfg(feature = "internals")]
    held: Option<HeldCalls>,
    #[cfg(feature = "internals")]
    detour: Option<Bypass>,
}

impl HttpExchange {
    pub(crate) fn begin(shared: &Arc<ServerState>, recording: &Arc<HttpRecording>, parts: &mut Parts) -> Arc<Self> {
        let core = shared.core();
        let begun = core.clock().now();
        shared.sessions.sweep();
        RequestId::of(core, parts);
        let mut origin = head::origin(core, parts, shared.is_proxy);
        origin.is_held = shared.refuses();
        let named = head::session(&parts.headers).and_then(|id| shared.sessions.enter(id));
        let session = named.or_else(|| shared.sessions.enter(&head::endpoint(&parts.uri)?));
        let exchange = match &session {
            Some(session) => shared.correlator.exchange_in(session.correlated().clone(), origin),
            None => shared.correlator.exchange(origin),
        };
        Arc::new(Self {
            shared: shared.clone(),
            recording: recording.clone(),
            exchange,
            course: ExchangeProgress::default(),
            begun,
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            pair: HttpPair::of(core, &mut parts.extensions),
            is_of_mcp: head::is_of_mcp(parts),
            initializes: AtomicBool::new(false),
            bodies: BodyNotes::default(),
            is_foreign: AtomicBool::new(false),
            has_answer: AtomicBool::new(false),
            code: OnceLock::new(),
            status: AtomicU16::new(0),
            issued: OnceLock::new(),
            session: Mutex::new(session),
            is_stream: AtomicBool::new(false),
            #[cfg(feature = "internals")]
            held: shared.holding.map(HeldCalls::new),
            #[cfg(feature = "internals")]
            detour: Bypass::of(parts),
        })
    }

    pub(crate) fn exchange(&self) -> &Arc<Exchange> {
        &self.exchange
    }

    #[cfg(feature = "internals")]
    pub(crate) fn held(&self) -> Option<&HeldCalls> {
        self.held.as_ref()
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    pub(super) fn reading(&self) -> &Arc<ScanOptions> {
        self.shared.correlator.reading()
    }

    pub(super) fn note_media_type(&self, side: Side, headers: &HeaderMap) {
        self.bodies.note_media_type(side, headers);
    }

    /// The head of the response arrived.
    pub(super) fn see_head(&self, response: &http::response::Parts) {
        self.status.store(response.status.as_u16(), Ordering::Release);
        self.exchange.status(response.status.as_u16());
        self.note_media_type(Side::Response, &response.headers);
        if response.status.is_success()
            && let Some(id) = head::session(&response.headers)
        {
            self.issued.get_or_init(|| id.to_owned());
        }
        self.follow_session();
        if self.exchange.has_message() {
            self.note_path();
        }
    }

    /// What has to be waited for before more is read.
    pub(crate) fn pause(&self, is_much: bool) -> Option<Pause> {
        self.shared.core().pause(is_much)
    }

    /// Nothing more will come of the response, if there was one.
    pub(crate) fn over(&self, how: BodyEnd) {
        self.course.end_response(how);
        self.settle();
    }

    /// Nothing more will come of the request.
    pub(crate) fn request_over(&self) {
        self.see_cut();
        for answer in self.course.end_request() {
            self.see_answer(answer);
        }
        self.settle();
    }

    /// A message of the client. Returns the call that it begins.
    pub(crate) fn see_request(&self, message: Message) -> Option<Arc<OpenCall>> {
        self.initializes.fetch_or(message.method.as_deref() == Some("initialize"), Ordering::AcqRel);
        let begun = (self.status() != 0).then_some(self.begun);
        let call = self.exchange.see_begun(Direction::ClientToServer, message, begun);
        if self.status() != 0 {
            // If the head of the response came before, what it says about the session is evaluated now.
            self.follow_session();
            self.note_path();
        }
        call
    }

    /// A message of the server.
    pub(crate) fn see_response(&self, message: Message) {
        self.note_path();
        if message.method.is_some() {
            drop(self.exchange.see(Direction::ServerToClient, message));
            return;
        }
        self.has_answer.store(true, Ordering::Relaxed);
        if let Some(code) = message.error.code {
            self.code.get_or_init(|| code);
        }
        if let Some(answer) = self.course.hold_back(message) {
            self.see_answer(answer);
        }
    }

    /// The part of a message of the client that arrived.
    pub(crate) fn cut_off(&self, message: Message) {
        self.course.cut_off(message);
    }

    /// Whether that message belongs to another protocol that also has a `method`: it names neither the version of
    /// JSON-RPC nor a method of MCP, and its path does not speak MCP. If calls may be refused, this is never assumed,
    /// because a lenient server could be called that way.
    pub(crate) fn is_beside_mcp(&self, message: &Message) -> bool {
        if self.shared.refuses() {
            return false;
        }
        let names_mcp = message.is_jsonrpc || message.method.as_deref().is_none_or(is_of_mcp);
        !names_mcp && !self.is_of_mcp && !self.shared.paths.knows(&self.path)
    }

    /// The request is not a JSON-RPC message.
    pub(crate) fn foreign(&self) {
        self.is_foreign.store(true, Ordering::Relaxed);
        self.exchange.note_other();
        self.flawed();
    }

    /// The request or the response was not understood.
    pub(crate) fn obscure(&self, side: Side, flaw: Flaw) {
        self.bodies.mark_unread(side, flaw.as_str());
        if let Side::Request = side {
            self.exchange.note_other();
        }
        self.flawed();
    }

    pub(crate) fn flawed(&self) {
        self.shared.correlator.count(WireCounter::Message);
        self.shared.correlator.count(WireCounter::Flawed);
    }

    pub(crate) fn unread(&self, side: Side, why: UnreadReason) {
        self.bodies.mark_unread(side, why.as_str());
        self.shared.unread.count(self.shared.core(), &self.shared.correlator, why);
    }

    /// The request is in a charset that is not read. A server that ignores the charset understands this message.
    pub(crate) fn other_charset(&self, message: &Message) {
        if !self.bodies.is_unread(Side::Request) {
            self.unread(Side::Request, UnreadReason::Charset);
        }
        self.bodies.may_ask(message);
    }

    /// The server has begun a session of the transport of 2024-11-05: messages to that URI are answered in this
    /// response.
    pub(crate) fn begin_stream(&self, uri: &str) {
        #[cfg(feature = "internals")]
        if let Some(detour) = self.detour.as_ref().filter(|_| self.method == Method::GET) {
            detour.look(self.shared.core(), uri);
        }
        let Some(endpoint) =
            uri.parse().ok().filter(|_| self.method == Method::GET).and_then(|uri| head::endpoint(&uri))
        else {
            return;
        };
        self.is_stream.store(true, Ordering::Relaxed);
        let correlated = self.exchange.session();
        correlated.stay_open();
        let mut session = self.session.lock();
        *session = Some(self.shared.sessions.begin(&endpoint, correlated, (&self.path, self.exchange.client())));
    }

    /// The request could not be read, and some server understands this message.
    pub(super) fn may_ask(&self, message: &Message) {
        self.bodies.may_ask(message);
    }

    /// That many bytes of that side have passed.
    pub(super) fn size(&self, side: Side, bytes: u64) {
        self.bodies.size(side, bytes);
    }

    fn see_answer(&self, answer: Message) {
        drop(self.exchange.see(Direction::ServerToClient, answer));
    }

    /// If a server answered a call that had not arrived completely, it refused it: the call has the outcome of that
    /// answer. Without an answer the call belongs to nothing.
    fn see_cut(&self) {
        if self.status() != 0
            && let Some(message) = self.course.take_cut()
        {
            self.exchange.see_cut(&message, self.begun);
        }
    }

    /// The server may have begun a session.
    fn follow_session(&self) {
        let Some(id) = self.issued.get().filter(|_| self.initializes.load(Ordering::Acquire)) else { return };
        let mut session = self.session.lock();
        // A client in a session may ask for another one; its request belongs to the first.
        let correlated = match &*session {
            Some(entered) if entered.is_of(id) => return,
            Some(_) => self.shared.correlator.exchange(MessageOrigin::default()).session().clone(),
            None => self.exchange.session().clone(),
        };
        correlated.name(id);
        *session = Some(self.shared.sessions.begin(id, &correlated, (&self.path, self.exchange.client())));
    }

    /// The server speaks MCP on that path.
    fn note_path(&self) {
        if (1..400).contains(&self.status()) {
            self.shared.paths.note(&self.path);
        }
    }

    /// Ends the exchange if both of its sides are over.
    fn settle(&self) {
        let Some(how) = self.course.end() else { return };
        self.see_cut();
        if self.bodies.is_unread(Side::Response) {
            self.exchange.note_unread(self.bodies.facts());
        }
        self.exchange.close(match how {
            BodyEnd::Dropped => ExchangeEnd::Dropped,
            _ if self.bodies.is_unread(Side::Response) => ExchangeEnd::Unread,
            _ => ExchangeEnd::Complete,
        });
        if !self.exchange.has_call() {
            self.tell_if_wanted();
        }
        let status = self.status();
        let session = self.session.lock().take();
        let ended = |session: &SessionExchange| match status {
            _ if self.is_stream.load(Ordering::Relaxed) => true,
            200..300 => self.method == Method::DELETE,
            404 => self.says_that_it_is_over(session),
            _ => false,
        };
        if let Some(session) = session.filter(ended) {
            // A 404 only shows that it ended before.
            let by =
                (self.method == Method::DELETE && status < 300).then(|| self.exchange.carry(MessageFacts::default()));
            session.end(by);
        }
    }

    /// Whether a 404 ends the session. A server answers 404 to everything in a session that it has ended (2025-11-25,
    /// section Session Management). It also answers 404 to what it does not know: another path, a GET if it has no
    /// stream, a method of JSON-RPC (2026-07-28).
    fn says_that_it_is_over(&self, session: &SessionExchange) -> bool {
        let asks = matches!(self.method, Method::POST | Method::DELETE);
        asks && session.is_at(&self.path) && self.code.get() != Some(&METHOD_NOT_FOUND)
    }

    fn tell_if_wanted(&self) {
        let (status, has_answer) = (self.status(), self.has_answer.load(Ordering::Relaxed));
        let is_mcp = has_answer || self.shared.paths.knows(&self.path);
        let failed = status >= 400 && !self.is_provided_for(status, is_mcp);
        // The server accepted it, and may have understood more of it than auditrail did.
        let may_have_run = self.bodies.is_unread(Side::Request) || has_answer || is_mcp && self.is_foreign();
        let was_sent = status != 0 || self.bodies.is_unread(Side::Request);
        // An answer to anything but a POST belongs to another request, unless this one had a body.
        let may_ask = self.method == Method::POST || self.has_body();
        let hides = may_have_run && may_ask && !self.exchange.has_message() && was_sent;
        let is_wanted = match hides {
            true if status < 400 => true,
            _ if self.exchange.has_message() => failed,
            _ => is_mcp && failed || self.recording.wants(&self.path, failed),
        };
        if is_wanted && (hides || self.pair.take()) {
            self.tell(&self.outcome(failed, hides));
        }
    }

    /// Whether the protocols provide for that answer, so that it is not a failure.
    fn is_provided_for(&self, status: u16, is_mcp: bool) -> bool {
        match status {
            405 if (is_mcp || self.is_of_mcp) && self.method != Method::POST => true,
            _ => ordinary::is_provided_for(&self.method, &self.path, status),
        }
    }

    fn outcome(&self, failed: bool, hides: bool) -> Outcome {
        match self.code.get() {
            _ if self.status() == 0 && hides => correlate::unread(),
            _ if self.status() == 0 => correlate::disconnected(),
            _ if !failed && !hides => Outcome::ok(),
            // The proxy's own answer.
            Some(&code) if code == Refused::UNRECORDED_CODE => {
                Outcome { detail: Some(Detail::Denied), ..Outcome::jsonrpc_error(code) }
            }
            Some(&code) => Outcome::jsonrpc_error(code),
            None if failed => correlate::http_error(self.status()),
            None => correlate::unread_request(),
        }
    }

    /// Writes the pair of records of an HTTP request without a known call.
    fn tell(&self, outcome: &Outcome) {
        let facts = MessageFacts::default()
            .attribute(names::HTTP_REQUEST_METHOD, self.method.as_str().to_owned())
            .attribute(names::URL_PATH, self.path.clone());
        let call = Call::http(self.exchange.carry(facts)).begun(self.begun);
        let call = OpenCall::open(self.shared.core(), call, Opener::Observer);
        if self.bodies.is_unread(Side::Request) || self.bodies.is_unread(Side::Response) {
            self.bodies.facts().into_iter().for_each(|(name, value)| call.note(&name.into(), value));
        }
        if self.status() != 0 {
            call.note(&names::HTTP_RESPONSE_STATUS_CODE.into(), i64::from(self.status()).into());
            call.span().record(names::HTTP_RESPONSE_STATUS_CODE, i64::from(self.status()));
        }
        call.finish_now(outcome);
    }

    fn status(&self) -> u16 {
        self.status.load(Ordering::Acquire)
    }

    fn is_foreign(&self) -> bool {
        self.is_foreign.load(Ordering::Relaxed)
    }

    fn has_body(&self) -> bool {
        self.bodies.is_unread(Side::Request) || self.bodies.has_bytes(Side::Request)
    }
}

/// JSON-RPC 2.0, section 5.1.
const METHOD_NOT_FOUND: i64 = -32601;
