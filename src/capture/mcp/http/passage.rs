//! One HTTP request with its response, as it passes the tap.
//!
//! Invariants:
//! 1. What the request says is told to the correlator before what the response says.
//! 2. It is over exactly once: with the response's body, or when there will be no response.
//! 3. An exchange of whose request no message is known leaves a pair of records of its own if it failed, or if there was
//!    something in it all the same: what could not be read, or what was answered. All others leave none.

use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::request::Parts;
use http::{Method, StatusCode};

use super::content::{Coding, Content};
#[cfg(feature = "proxy")]
use super::detour::Detour;
use super::facts;
#[cfg(feature = "proxy")]
use super::held::Held;
use super::layer::{NotTheServers, Shared};
use super::reader::Reader;
use super::sessions::Entered;
use super::tap::{Observer, Over, Tap};
use super::unread::Unread;
use crate::capture::mcp::correlate::{self, Carrier, End, Exchange};
use crate::capture::mcp::message::{Kind, Message};
use crate::record::{Now, names};
use crate::trail::{Call, Direction, Ongoing};

/// What is known of it.
pub(super) struct Passage {
    shared: Arc<Shared>,
    exchange: Arc<Exchange>,
    begun: Now,
    method: Method,
    path: String,
    /// The request asks for a session.
    initializes: AtomicBool,
    /// The request, or the response, could not be read.
    is_unread: [AtomicBool; 2],
    /// The response carries answers.
    has_answer: AtomicBool,
    /// Of the response; 0 for none.
    status: AtomicU16,
    session: Mutex<Option<Entered>>,
    /// Its response is the stream of a session, which ends with it (2024-11-05).
    is_stream: AtomicBool,
    is_over: AtomicBool,
    #[cfg(feature = "proxy")]
    held: Option<Held>,
    #[cfg(feature = "proxy")]
    detour: Option<Detour>,
}

impl Passage {
    pub(super) fn begin(shared: &Arc<Shared>, parts: &Parts) -> Arc<Self> {
        let core = shared.core();
        let begun = core.clock().now();
        shared.sessions.sweep();
        let carrier = facts::carrier(core, parts, shared.joins());
        let named = facts::session(&parts.headers).and_then(|id| shared.sessions.enter(id));
        let session = named.or_else(|| shared.sessions.enter(&facts::endpoint(&parts.uri)?));
        let exchange = match &session {
            Some(session) => shared.correlator.exchange_in(session.scope().clone(), carrier),
            None => shared.correlator.exchange(carrier),
        };
        Arc::new(Self {
            shared: shared.clone(),
            exchange,
            begun,
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            initializes: AtomicBool::new(false),
            is_unread: [const { AtomicBool::new(false) }; 2],
            has_answer: AtomicBool::new(false),
            status: AtomicU16::new(0),
            session: Mutex::new(session),
            is_stream: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
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

    /// What looks at the request's body, if that carries messages.
    pub(super) fn request_tap(self: &Arc<Self>, parts: &Parts, length: Option<u64>) -> Option<Tap> {
        let of = (Content::of_request(&parts.method, &parts.headers), Coding::of(&parts.headers));
        let reader = Reader::of_request(self.shared.correlator.reading().clone(), of);
        let requests = Requests(self.clone());
        let reader = reader.unwrap_or_else(|why| {
            requests.unread(why.into());
            None
        })?;
        Some(Tap::new(Some(reader), Box::new(requests), length))
    }

    /// The head of the response came: what looks at its body.
    pub(super) fn response_tap(self: &Arc<Self>, response: &http::response::Parts, length: Option<u64>) -> Tap {
        self.status.store(response.status.as_u16(), Ordering::Relaxed);
        self.exchange.status(response.status.as_u16());
        let content = match response.extensions.get::<NotTheServers>() {
            None => Content::of_response(&response.headers),
            Some(_) => Content::Other,
        };
        self.follow_session(response);
        let reader =
            Reader::of_response(self.shared.correlator.reading().clone(), (content, Coding::of(&response.headers)));
        let reader = reader.unwrap_or_else(|why| {
            self.unread(Side::Response, why.into());
            None
        });
        let has_no_body =
            self.method == Method::HEAD || matches!(response.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        Tap::new(reader, Box::new(Responses(self.clone())), if has_no_body { Some(0) } else { length })
    }

    /// Nothing more will come.
    pub(super) fn over(&self, how: Over) {
        if self.is_over.swap(true, Ordering::AcqRel) {
            return;
        }
        self.exchange.close(match how {
            Over::Dropped => End::Dropped,
            _ if self.is_unread(Side::Response) => End::Unread,
            _ => End::Complete,
        });
        let status = self.status.load(Ordering::Relaxed);
        let has_more = self.is_unread(Side::Request) || self.has_answer.load(Ordering::Relaxed);
        let is_told = status >= 400 || (has_more && self.method == Method::POST);
        if is_told && status != 0 && !self.exchange.has_message() {
            self.tell(status);
        }
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A server answers 404 to whatever belongs to a session that it has ended (2025-11-25, section Session Management).
        let ended = self.method == Method::DELETE && (200..300).contains(&status)
            || status == 404
            || self.is_stream.load(Ordering::Relaxed);
        if let Some(session) = session.filter(|_| ended) {
            session.end();
        }
    }

    /// The server has begun a session of the transport of 2024-11-05: what is sent there is answered in this response.
    fn begin_stream(&self, uri: &str) {
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
        *session = Some(self.shared.sessions.begin(&endpoint, scope));
    }

    /// The server may have begun a session.
    fn follow_session(&self, response: &http::response::Parts) {
        if !response.status.is_success() || !self.initializes.load(Ordering::Relaxed) {
            return;
        }
        let Some(id) = facts::session(&response.headers) else { return };
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        // A client that has a session may ask for another; what it asked with belongs to the first.
        let scope = match &*session {
            Some(entered) if entered.is_of(id) => return,
            Some(_) => self.shared.correlator.exchange(Carrier::default()).scope().clone(),
            None => self.exchange.scope().clone(),
        };
        scope.name(id);
        *session = Some(self.shared.sessions.begin(id, &scope));
    }

    /// The pair of records of an HTTP request of which no message is known.
    fn tell(&self, status: u16) {
        let call = Call::http()
            .attribute(names::HTTP_REQUEST_METHOD, self.method.as_str().to_owned())
            .attribute(names::URL_PATH, self.path.clone())
            .begun(self.begun);
        let call = Ongoing::open_anyway(self.shared.core(), self.exchange.carry(call));
        call.enrich(&names::HTTP_RESPONSE_STATUS_CODE.into(), i64::from(status).into());
        call.end(&if status >= 400 { correlate::http_error(status) } else { correlate::unread() });
    }

    fn is_unread(&self, side: Side) -> bool {
        self.is_unread.get(side as usize).is_some_and(|is_unread| is_unread.load(Ordering::Relaxed))
    }

    fn unread(&self, side: Side, why: Unread) {
        if let Some(is_unread) = self.is_unread.get(side as usize) {
            is_unread.store(true, Ordering::Relaxed);
        }
        self.shared.unread.count(self.shared.core(), &self.shared.correlator, why);
    }
}

/// Of whom a body is.
#[derive(Clone, Copy)]
enum Side {
    Request,
    Response,
}

/// What the request's body says.
struct Requests(Arc<Passage>);

impl Observer for Requests {
    fn message(&self, message: Message) {
        if message.method.as_deref() == Some("initialize") {
            self.0.initializes.store(true, Ordering::Relaxed);
        }
        #[cfg(feature = "proxy")]
        if let Some(held) = &self.0.held {
            let before = held.before(&message);
            let call = self.0.exchange.see(Direction::ClientToServer, message);
            return held.tell(before, call);
        }
        drop(self.0.exchange.see(Direction::ClientToServer, message));
    }

    fn unread(&self, why: Unread) {
        self.0.unread(Side::Request, why);
        #[cfg(feature = "proxy")]
        if let Some(held) = &self.0.held {
            held.unread();
        }
    }

    fn over(&self, _: Over) {}
}

/// What the response's body says.
struct Responses(Arc<Passage>);

impl Observer for Responses {
    fn message(&self, message: Message) {
        if matches!(message.kind(Direction::ServerToClient), Some(Kind::Result | Kind::Error)) {
            self.0.has_answer.store(true, Ordering::Relaxed);
        }
        drop(self.0.exchange.see(Direction::ServerToClient, message));
    }

    fn endpoint(&self, uri: &str) {
        self.0.begin_stream(uri);
    }

    fn unread(&self, why: Unread) {
        self.0.unread(Side::Response, why);
    }

    fn over(&self, how: Over) {
        self.0.over(how);
    }
}
