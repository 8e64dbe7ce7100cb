//! Which requests passed, and how each was answered.
//!
//! 1. A message with `method` and `id` is a request, one with `id` alone an answer, one with `method` alone a notification.
//! 2. Both sides count their ids from 0 or 1, and every session does: a request is known by its direction, its session (or
//!    its HTTP exchange, where there is no session) and its id.
//! 3. What a server sends again to a client that came back for it is not a second request.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Direction {
    ClientToServer,
    ServerToClient,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Result,
    Error(i64),
}

/// A request that passed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub(crate) direction: Direction,
    pub(crate) method: String,
    pub(crate) id: Value,
    pub(crate) session: Option<String>,
    /// `None`: it was refused before JSON-RPC (see `status`), or its client did not wait.
    pub(crate) answer: Option<Answer>,
    /// Of the HTTP response to the exchange that brought it.
    pub(crate) status: Option<StatusCode>,
    exchange: Exchange,
}

/// One HTTP request and its response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exchange(usize);

#[derive(Debug, Default)]
pub(crate) struct Log {
    requests: Vec<Request>,
    /// The session of each exchange.
    exchanges: Vec<Option<String>>,
    /// The exchanges whose request has messages and asks nothing, and how they were answered.
    told: BTreeMap<usize, Option<StatusCode>>,
}

impl Log {
    pub(crate) fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// How what the client told was refused: notifications and answers, which are no requests.
    pub(crate) fn refused(&self) -> Vec<u16> {
        let statuses = self.told.values().flatten();
        statuses.filter(|status| status.as_u16() >= 400).map(StatusCode::as_u16).collect()
    }

    /// An HTTP request came.
    pub(crate) fn begun(&mut self, session: Option<String>, body: &[u8]) -> Exchange {
        let exchange = Exchange(self.exchanges.len());
        self.exchanges.push(session);
        let (messages, before) = (messages(body), self.requests.len());
        for message in &messages {
            self.passed(Direction::ClientToServer, exchange, message);
        }
        if !messages.is_empty() && self.requests.len() == before {
            self.told.insert(exchange.0, None);
        }
        exchange
    }

    /// Its response began. The answer to `initialize` is what gives a session its name.
    pub(crate) fn answered(&mut self, exchange: Exchange, status: StatusCode, session: Option<String>) {
        if let Some(session) = session {
            self.exchanges[exchange.0].get_or_insert(session);
        }
        if let Some(told) = self.told.get_mut(&exchange.0) {
            *told = Some(status);
        }
        for request in self.requests.iter_mut().filter(|request| request.exchange == exchange) {
            request.status = Some(status);
        }
    }

    /// The server sent a message in the response to this exchange.
    pub(crate) fn sent(&mut self, exchange: Exchange, bytes: &[u8]) {
        for message in messages(bytes) {
            self.passed(Direction::ServerToClient, exchange, &message);
        }
    }

    fn passed(&mut self, direction: Direction, exchange: Exchange, message: &Value) {
        let session = self.exchanges[exchange.0].clone();
        match (message["method"].as_str(), message.get("id").filter(|id| !id.is_null())) {
            (Some(method), Some(id)) => {
                let again = |known: &Request| {
                    direction == Direction::ServerToClient
                        && known.direction == direction
                        && session.is_some()
                        && (&known.session, &known.id) == (&session, id)
                };
                if !self.requests.iter().any(again) {
                    let (method, id) = (method.to_owned(), id.clone());
                    let request = Request { direction, method, id, session, answer: None, status: None, exchange };
                    self.requests.push(request);
                }
            }
            (None, Some(id)) => {
                let answers = |asked: &&mut Request| {
                    let same_place = asked.exchange == exchange || (session.is_some() && asked.session == session);
                    asked.direction != direction && same_place && asked.id == *id && asked.answer.is_none()
                };
                if let Some(asked) = self.requests.iter_mut().rev().find(answers) {
                    asked.answer = Some(answer(message));
                }
            }
            (_, None) => {}
        }
    }
}

fn answer(message: &Value) -> Answer {
    message["error"]["code"].as_i64().map_or(Answer::Result, Answer::Error)
}

/// One document or several, each a message or a batch; nothing where it is not JSON.
fn messages(bytes: &[u8]) -> Vec<Value> {
    let documents = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>().map_while(Result::ok);
    documents.flat_map(|document| if let Value::Array(batch) = document { batch } else { vec![document] }).collect()
}
