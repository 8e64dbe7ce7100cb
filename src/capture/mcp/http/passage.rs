//! One HTTP request with its response, as it passes the tap.
//!
//! Invariants:
//! 1. What the request says is told to the correlator before what the response answers, whichever came first.
//! 2. It is over exactly once: when all of the request has passed, or will not, and all of the response, or there will be
//!    none.
//! 3. A request in which a call came leaves the records of that call, also if no more than the beginning of it came before
//!    it was answered. Any other leaves a pair of its own if it failed, as far as that is recorded (`ordinary.rs`), or if
//!    there was something in it all the same: what could not be read, or what was answered.
//! 4. What is no JSON-RPC message, in a request or in a response, decides nothing about a call.

use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};

use super::content::{Content, media_type};
use super::course::Course;
#[cfg(feature = "proxy")]
use super::detour::Detour;
use super::facts;
#[cfg(feature = "proxy")]
use super::held::Held;
use super::layer::{NotTheServers, Shared};
use super::ordinary::{self, HttpRecording};
use super::reader::Reader;
use super::sessions::Entered;
use super::sides::{Requests, Responses};
use super::tap::{Observer as _, Over, Tap};
use super::unread::Unread;
use crate::capture::mcp::correlate::{self, Carrier, End, Exchange};
use crate::capture::mcp::message::{Flaw, Message};
use crate::record::{Detail, Now, Outcome, Value, names};
use crate::trail::{Call, Counted, Direction, OpenCall, Opener, Pause, Refused, is_of_mcp};

/// What is known of it.
pub(super) struct Passage {
    shared: Arc<Shared>,
    recording: Arc<HttpRecording>,
    exchange: Arc<Exchange>,
    course: Course,
    begun: Now,
    method: Method,
    path: String,
    /// The head is that of a client of MCP, whatever the path.
    is_of_mcp: bool,
    /// The request asks for a session.
    initializes: AtomicBool,
    /// The request, or the response, could not be read.
    is_unread: [AtomicBool; 2],
    /// Why, what others may read in them, what they say that they are, and how many bytes they have.
    flaw: OnceLock<&'static str>,
    readings: Mutex<Vec<String>>,
    media_types: [OnceLock<String>; 2],
    sizes: [AtomicU64; 2],
    /// The request is JSON, and no JSON-RPC message.
    is_foreign: AtomicBool,
    /// The response carries answers.
    has_answer: AtomicBool,
    /// The code of the JSON-RPC error in the response.
    code: OnceLock<i64>,
    /// Of the response; 0 for none.
    status: AtomicU16,
    /// The session that the response names, if it is a good one.
    issued: OnceLock<String>,
    session: Mutex<Option<Entered>>,
    /// Its response is the stream of a session, which ends with it (2024-11-05).
    is_stream: AtomicBool,
    #[cfg(feature = "proxy")]
    held: Option<Held>,
    #[cfg(feature = "proxy")]
    detour: Option<Detour>,
}

impl Passage {
    pub(super) fn begin(shared: &Arc<Shared>, recording: &Arc<HttpRecording>, parts: &Parts) -> Arc<Self> {
        let core = shared.core();
        let begun = core.clock().now();
        shared.sessions.sweep();
        let mut carrier = facts::carrier(core, parts, shared.is_proxy);
        carrier.is_held = shared.refuses();
        let named = facts::session(&parts.headers).and_then(|id| shared.sessions.enter(id));
        let session = named.or_else(|| shared.sessions.enter(&facts::endpoint(&parts.uri)?));
        let exchange = match &session {
            Some(session) => shared.correlator.exchange_in(session.scope().clone(), carrier),
            None => shared.correlator.exchange(carrier),
        };
        Arc::new(Self {
            shared: shared.clone(),
            recording: recording.clone(),
            exchange,
            course: Course::default(),
            begun,
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            is_of_mcp: facts::is_of_mcp(parts),
            initializes: AtomicBool::new(false),
            is_unread: [const { AtomicBool::new(false) }; 2],
            flaw: OnceLock::new(),
            readings: Mutex::default(),
            media_types: [const { OnceLock::new() }; 2],
            sizes: [const { AtomicU64::new(0) }; 2],
            is_foreign: AtomicBool::new(false),
            has_answer: AtomicBool::new(false),
            code: OnceLock::new(),
            status: AtomicU16::new(0),
            issued: OnceLock::new(),
            session: Mutex::new(session),
            is_stream: AtomicBool::new(false),
            #[cfg(feature = "proxy")]
            held: shared.holding.map(Held::new),
            #[cfg(feature = "proxy")]
            detour: Detour::of(parts),
        })
    }

    pub(super) fn exchange(&self) -> &Arc<Exchange> {
        &self.exchange
    }

    #[cfg(feature = "proxy")]
    pub(super) fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    /// What looks at the request's body, if it has one: servers may take a message whatever the method.
    pub(super) fn request_tap(self: &Arc<Self>, parts: &Parts, length: Option<u64>) -> Option<Tap> {
        self.note_media_type(Side::Request, &parts.headers);
        if length == Some(0) {
            self.request_over();
            return None;
        }
        let requests = Requests::new(self);
        match Reader::of_request(self.shared.correlator.reading(), &parts.headers) {
            Ok(reader) => Some(Tap::new(Some(reader), Box::new(requests), length)),
            Err(why) => {
                requests.unread(why.into());
                self.request_over();
                None
            }
        }
    }

    /// The head of the response came: what looks at its body.
    pub(super) fn response_tap(self: &Arc<Self>, response: &http::response::Parts, length: Option<u64>) -> Tap {
        self.status.store(response.status.as_u16(), Ordering::Release);
        self.exchange.status(response.status.as_u16());
        self.note_media_type(Side::Response, &response.headers);
        let content = match response.extensions.get::<NotTheServers>() {
            None => Content::of_response(&response.headers),
            Some(_) => Content::Other,
        };
        if response.status.is_success()
            && let Some(id) = facts::session(&response.headers)
        {
            self.issued.get_or_init(|| id.to_owned());
        }
        self.follow_session();
        if self.exchange.has_message() {
            self.note_path();
        }
        let reader = Reader::of_response(self.shared.correlator.reading(), content, &response.headers);
        let reader = reader.unwrap_or_else(|why| {
            self.unread(Side::Response, why.into());
            None
        });
        let has_no_body =
            self.method == Method::HEAD || matches!(response.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let responses = Responses::new(self, content);
        Tap::new(reader, Box::new(responses), if has_no_body { Some(0) } else { length })
    }

    /// What is to be waited for before more is read.
    pub(super) fn pause(&self, is_much: bool) -> Option<Pause> {
        self.shared.core().pause(is_much)
    }

    /// Nothing more will come of the response, if there was one.
    pub(super) fn over(&self, how: Over) {
        self.course.end_response(how);
        self.settle();
    }

    /// Nothing more will come of the request.
    pub(super) fn request_over(&self) {
        self.see_cut();
        for answer in self.course.end_request() {
            self.see_answer(answer);
        }
        self.settle();
    }

    /// The client sends that. Gives the call that it begins.
    pub(super) fn see_request(&self, message: Message) -> Option<Arc<OpenCall>> {
        self.initializes.fetch_or(message.method.as_deref() == Some("initialize"), Ordering::AcqRel);
        let begun = (self.status() != 0).then_some(self.begun);
        let call = self.exchange.see_begun(Direction::ClientToServer, message, begun);
        if self.status() != 0 {
            // The head of the response came before: what it says of the session is looked at now.
            self.follow_session();
            self.note_path();
        }
        call
    }

    /// The server sends that.
    pub(super) fn see_response(&self, message: Message) {
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

    /// Of a message of the client, only that came.
    pub(super) fn cut_off(&self, message: Message) {
        self.course.cut_off(message);
    }

    /// Whether that is a message of something else, which has a `method`, too: it names neither the version of JSON-RPC nor a
    /// method of MCP, and comes to where MCP is not spoken. Where calls may be refused, a server that is not strict could be
    /// called like that.
    pub(super) fn is_beside_mcp(&self, message: &Message) -> bool {
        if self.shared.refuses() {
            return false;
        }
        let names_mcp = message.is_jsonrpc || message.method.as_deref().is_none_or(is_of_mcp);
        !names_mcp && !self.is_of_mcp && !self.shared.paths.knows(&self.path)
    }

    /// The request is no JSON-RPC message.
    pub(super) fn foreign(&self) {
        self.is_foreign.store(true, Ordering::Relaxed);
        self.exchange.note_other();
        self.flawed();
    }

    /// The request, or the response, is nothing that was understood.
    pub(super) fn obscure(&self, side: Side, flaw: Flaw) {
        self.mark_unread(side, flaw.as_str());
        if let Side::Request = side {
            self.exchange.note_other();
        }
        self.flawed();
    }

    pub(super) fn flawed(&self) {
        self.shared.correlator.count(Counted::Message);
        self.shared.correlator.count(Counted::Flawed);
    }

    pub(super) fn unread(&self, side: Side, why: Unread) {
        self.mark_unread(side, why.as_str());
        self.shared.unread.count(self.shared.core(), &self.shared.correlator, why);
    }

    /// The request is in another charset than those that are read. To who does not go by that, it says this.
    pub(super) fn other_charset(&self, message: &Message) {
        if !self.is_unread(Side::Request) {
            self.unread(Side::Request, Unread::Charset);
        }
        self.may_ask(message);
    }

    /// The request could not be read, and to some server it is this: `Decode` of Go takes the first document of a body.
    pub(super) fn may_ask(&self, message: &Message) {
        let mut readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reading) = reading(message).filter(|reading| !readings.contains(reading))
            && readings.len() < MOST_READINGS
        {
            readings.push(reading);
        }
    }

    /// The server has begun a session of the transport of 2024-11-05: what is sent there is answered in this response.
    pub(super) fn begin_stream(&self, uri: &str) {
        #[cfg(feature = "proxy")]
        if let Some(detour) = self.detour.as_ref().filter(|_| self.method == Method::GET) {
            detour.look(self.shared.core(), uri);
        }
        let Some(endpoint) =
            uri.parse().ok().filter(|_| self.method == Method::GET).and_then(|uri| facts::endpoint(&uri))
        else {
            return;
        };
        self.is_stream.store(true, Ordering::Relaxed);
        let scope = self.exchange.scope();
        scope.stay_open();
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        *session = Some(self.shared.sessions.begin(&endpoint, scope, (&self.path, self.exchange.client())));
    }

    fn see_answer(&self, answer: Message) {
        drop(self.exchange.see(Direction::ServerToClient, answer));
    }

    /// A server that has answered what it did not get whole has refused it: the call is told by what came of it. Without an
    /// answer it is nobody's.
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
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        // A client that has a session may ask for another; what it asked with belongs to the first.
        let scope = match &*session {
            Some(entered) if entered.is_of(id) => return,
            Some(_) => self.shared.correlator.exchange(Carrier::default()).scope().clone(),
            None => self.exchange.scope().clone(),
        };
        scope.name(id);
        *session = Some(self.shared.sessions.begin(id, &scope, (&self.path, self.exchange.client())));
    }

    /// The server speaks MCP there.
    fn note_path(&self) {
        if (1..400).contains(&self.status()) {
            self.shared.paths.note(&self.path);
        }
    }

    /// Both of its sides are over, or not yet.
    fn settle(&self) {
        let Some(how) = self.course.end() else { return };
        self.see_cut();
        if self.is_unread(Side::Response) {
            self.exchange.note_unread(self.unread_facts());
        }
        self.exchange.close(match how {
            Over::Dropped => End::Dropped,
            _ if self.is_unread(Side::Response) => End::Unread,
            _ => End::Complete,
        });
        if !self.exchange.has_call() {
            self.tell_if_wanted();
        }
        let status = self.status();
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ended = |session: &Entered| match status {
            _ if self.is_stream.load(Ordering::Relaxed) => true,
            200..300 => self.method == Method::DELETE,
            404 => self.says_that_it_is_over(session),
            _ => false,
        };
        if let Some(session) = session.filter(ended) {
            session.end();
        }
    }

    /// A server answers 404 to whatever belongs to a session that it has ended (2025-11-25, section Session Management). It
    /// also does to what it does not know: another path, a GET where it has no stream to give, a method of JSON-RPC
    /// (2026-07-28).
    fn says_that_it_is_over(&self, session: &Entered) -> bool {
        let asks = matches!(self.method, Method::POST | Method::DELETE);
        asks && session.is_at(&self.path) && self.code.get() != Some(&METHOD_NOT_FOUND)
    }

    fn tell_if_wanted(&self) {
        let (status, has_answer) = (self.status(), self.has_answer.load(Ordering::Relaxed));
        let is_mcp = has_answer || self.shared.paths.knows(&self.path);
        let failed = status >= 400 && !self.is_provided_for(status, is_mcp);
        // The server took it, and may have made more of it than is known here.
        let may_have_run = self.is_unread(Side::Request) || has_answer || is_mcp && self.is_foreign();
        let was_sent = status != 0 || self.is_unread(Side::Request);
        // What is answered elsewhere than to a POST was asked with another request, but if there was something in this one.
        let may_ask = self.method == Method::POST || self.has_body();
        let hides = may_have_run && may_ask && !self.exchange.has_message() && was_sent;
        let is_wanted = match hides {
            true if status < 400 => true,
            _ if self.exchange.has_message() => failed,
            _ => is_mcp && failed || self.recording.wants(&self.path, failed),
        };
        if is_wanted {
            self.tell(&self.outcome(failed, hides));
        }
    }

    /// Whether the protocols have that answer for what is no failure.
    fn is_provided_for(&self, status: u16, is_mcp: bool) -> bool {
        match status {
            405 => (is_mcp || self.is_of_mcp) && self.method != Method::POST || self.is_discovery(),
            404 => self.is_discovery(),
            _ => false,
        }
    }

    fn is_discovery(&self) -> bool {
        ordinary::is_discovery(&self.method, &self.path)
    }

    fn outcome(&self, failed: bool, hides: bool) -> Outcome {
        match self.code.get() {
            _ if self.status() == 0 && hides => correlate::unread(),
            _ if self.status() == 0 => correlate::disconnected(),
            _ if !failed && !hides => Outcome::ok(),
            // The proxy's own answer.
            Some(&code) if code == Refused::UNRECORDED => {
                Outcome { detail: Some(Detail::Denied), ..Outcome::jsonrpc_error(code) }
            }
            Some(&code) => Outcome::jsonrpc_error(code),
            None if failed => correlate::http_error(self.status()),
            None => correlate::unread_request(),
        }
    }

    /// The pair of records of an HTTP request in which no call is known.
    fn tell(&self, outcome: &Outcome) {
        let call = Call::http()
            .attribute(names::HTTP_REQUEST_METHOD, self.method.as_str().to_owned())
            .attribute(names::URL_PATH, self.path.clone())
            .begun(self.begun);
        let call = OpenCall::open(self.shared.core(), self.exchange.carry(call), Opener::Observer);
        if self.is_unread(Side::Request) || self.is_unread(Side::Response) {
            self.unread_facts().into_iter().for_each(|(name, value)| call.note(&name.into(), value));
        }
        if self.status() != 0 {
            call.note(&names::HTTP_RESPONSE_STATUS_CODE.into(), i64::from(self.status()).into());
        }
        call.end(outcome);
    }

    fn status(&self) -> u16 {
        self.status.load(Ordering::Acquire)
    }

    fn is_foreign(&self) -> bool {
        self.is_foreign.load(Ordering::Relaxed)
    }

    fn has_body(&self) -> bool {
        let [request, _] = &self.sizes;
        self.is_unread(Side::Request) || request.load(Ordering::Relaxed) != 0
    }

    fn is_unread(&self, side: Side) -> bool {
        self.is_unread.get(side as usize).is_some_and(|is_unread| is_unread.load(Ordering::Relaxed))
    }

    /// So many bytes have passed of that side.
    pub(super) fn size(&self, side: Side, bytes: u64) {
        if let Some(size) = self.sizes.get(side as usize) {
            size.store(bytes, Ordering::Relaxed);
        }
    }

    fn note_media_type(&self, side: Side, headers: &HeaderMap) {
        if let Some((noted, media_type)) = self.media_types.get(side as usize).zip(media_type(headers)) {
            noted.get_or_init(|| media_type);
        }
    }

    /// What is told of a body that could not be read, and of what came back for it.
    fn unread_facts(&self) -> Vec<(&'static str, Value)> {
        let [request, response] = &self.media_types;
        let media_types = [
            (names::HTTP_REQUEST_HEADER_CONTENT_TYPE, request.get()),
            (names::HTTP_RESPONSE_HEADER_CONTENT_TYPE, response.get()),
        ];
        let [request, response] = &self.sizes;
        let sizes = [(names::HTTP_REQUEST_BODY_SIZE, request), (names::HTTP_RESPONSE_BODY_SIZE, response)];
        let size = |size: &AtomicU64| i64::try_from(size.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        let listed = |text: &str| Value::from(vec![text.to_owned()]);
        let mut facts: Vec<_> = sizes.into_iter().map(|(name, bytes)| (name, size(bytes).into())).collect();
        facts.extend(media_types.into_iter().filter_map(|(name, text)| Some((name, listed(text?)))));
        facts.extend(self.flaw.get().map(|flaw| (names::AUDITRAIL_MESSAGE_FLAW, listed(flaw))));
        let readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner).clone();
        facts.extend((!readings.is_empty()).then(|| (names::AUDITRAIL_MESSAGE_READINGS, readings.into())));
        facts
    }

    fn mark_unread(&self, side: Side, flaw: &'static str) {
        self.flaw.get_or_init(|| flaw);
        if let Some(is_unread) = self.is_unread.get(side as usize) {
            is_unread.store(true, Ordering::Relaxed);
        }
    }
}

/// JSON-RPC 2.0, section 5.1.
const METHOD_NOT_FOUND: i64 = -32601;

/// What a message asks for.
fn reading(message: &Message) -> Option<String> {
    let method = message.method.as_deref()?;
    let whole = match message.params.name.as_deref() {
        Some(name) if matches!(method, "tools/call" | "prompts/get") => format!("{method} {name}"),
        _ => method.to_owned(),
    };
    Some(crate::record::cut(&whole, MAX_READING).to_owned())
}

/// Enough to know what it was; the rest of a batch is more of that.
const MOST_READINGS: usize = 16;
const MAX_READING: usize = 512;

/// Of whom a body is.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Request,
    Response,
}
