//! From the client to the server, where there are calls that may not go unrecorded: no byte of a message passes before it is
//! known whether the message may.

use std::fs::File;
use std::io;
use std::sync::Arc;

use tokio::runtime::Runtime;

use super::ear::Ear;
use super::fd;
use super::input;
use super::output::Output;
use crate::capture::mcp::message::{Id, Message};
use crate::config::Notices;
use crate::proxy::refusal::Refusal;
use crate::trail::Ongoing;

/// Holds one line at a time.
#[derive(Debug)]
pub(super) struct Held {
    /// How many bytes of a line may be held.
    most: usize,
    /// Where calls wait.
    runtime: Arc<Runtime>,
    notices: Notices,
    line: Vec<u8>,
    messages: Vec<Message>,
    /// The line is longer, or has more messages, than can be held: it is read, and goes nowhere.
    is_too_large: bool,
}

impl Held {
    pub(super) fn new(most: usize, runtime: Arc<Runtime>, notices: Notices) -> Self {
        Self { most, runtime, notices, line: Vec::new(), messages: Vec::new(), is_too_large: false }
    }

    pub(super) fn pump(mut self, mut from: File, mut to: File, output: &Output, mut ear: Ear) {
        let mut buffer = vec![0; fd::CHUNK];
        while let Some(mut unread) = input::read(&mut from, &mut buffer) {
            output.wait_for_answers();
            while !unread.is_empty() {
                let length = self.read(unread, &mut ear);
                let (piece, rest) = unread.split_at_checked(length).unwrap_or((unread, &[]));
                unread = rest;
                if self.is_complete(piece) && self.decide(&mut to, output, &mut ear).is_err() {
                    return;
                }
            }
            // What cannot be read cannot be let through either: the server sees the end.
            if ear.is_deaf() {
                return;
            }
        }
        let messages = &mut self.messages;
        ear.end(|message| keep(messages, message));
        drop(self.decide(&mut to, output, &mut ear));
    }

    /// Reads to the end of a line with a message, or all there is, and holds it.
    fn read(&mut self, bytes: &[u8], ear: &mut Ear) -> usize {
        let messages = &mut self.messages;
        let length = ear.read(bytes, |message| keep(messages, message));
        if self.line.len() + length > self.most || self.messages.len() > MOST_MESSAGES {
            self.is_too_large = true;
            self.line = Vec::new();
        }
        if !self.is_too_large {
            self.line.extend_from_slice(bytes.get(..length).unwrap_or(bytes));
        }
        length
    }

    fn is_complete(&self, piece: &[u8]) -> bool {
        piece.ends_with(b"\n") && (!self.messages.is_empty() || self.is_too_large)
    }

    /// Lets the line pass if all calls in it may run.
    fn decide(&mut self, to: &mut File, output: &Output, ear: &mut Ear) -> io::Result<()> {
        let (line, messages) = (std::mem::take(&mut self.line), std::mem::take(&mut self.messages));
        if std::mem::take(&mut self.is_too_large) {
            let reason = format!("it is larger than the {} bytes that are held until a call is recorded", self.most);
            return self.refuse_unread(messages, &reason, to, output, ear);
        }
        // Another parser may make a call of it.
        if messages.iter().any(|message| message.flaw.is_some()) {
            return self.refuse_unread(messages, "it cannot be read, so it cannot be audited", to, output, ear);
        }
        let is_batch = messages.iter().any(|message| message.batch.is_some());
        let mut calls = Vec::new();
        for message in messages {
            let id = message.id.clone();
            calls.extend(ear.see(message).map(|call| (id, call)));
        }
        if ear.is_deaf() {
            return Err(io::ErrorKind::Other.into());
        }
        match self.wait(&calls) {
            Ok(()) => fd::write_all(to, &line),
            Err(refusals) => {
                answer(refusals, is_batch, output, ear);
                Ok(())
            }
        }
    }

    /// Until all calls of a line may run. If one may not, none may: they are one line.
    fn wait(&self, calls: &[(Option<Id>, Arc<Ongoing>)]) -> Result<(), Vec<Refusal>> {
        for (at, (_, call)) in calls.iter().enumerate() {
            let Err(refused) = self.runtime.handle().block_on(call.may_run()) else { continue };
            let refusals = calls.iter().enumerate().map(|(other, (id, call))| {
                if other == at {
                    Refusal::of(id.clone(), &refused)
                } else {
                    Refusal::because(id.clone(), OF_A_BATCH, Some(call.call_id()))
                }
            });
            return Err(refusals.collect());
        }
        Ok(())
    }

    /// Answers what was not held, or not understood. What is itself an answer is answered to the server, which waits for it.
    fn refuse_unread(
        &self,
        messages: Vec<Message>,
        reason: &str,
        to: &mut File,
        output: &Output,
        ear: &mut Ear,
    ) -> io::Result<()> {
        let is_batch = messages.iter().any(|message| message.batch.is_some());
        let (mut refusals, mut nameless) = (Vec::new(), false);
        for message in messages {
            let (id, has_flaw) = (message.id.clone(), message.flaw.is_some());
            if message.method.is_none() && id.is_some() && !has_flaw {
                let refusal = Refusal::because(id, reason, None);
                let line = format!("{}\n", refusal.json());
                drop(ear.see(refusal.into_message()));
                fd::write_all(to, line.as_bytes())?;
            } else if let Some(call) = ear.see(message) {
                refusals.push(Refusal::because(id, reason, Some(call.call_id())));
            } else {
                nameless |= has_flaw;
            }
        }
        if refusals.is_empty() && nameless {
            output.insert(format!("{}\n", Refusal::because(None, reason, None).json()).as_bytes());
        }
        answer(refusals, is_batch, output, ear);
        self.notices.warn(format!("a message of the client was not relayed: {reason}"));
        Ok(())
    }
}

/// Takes a message for later; those that are too many are taken in at once, and their line is not relayed.
fn keep(messages: &mut Vec<Message>, message: Message) -> Option<Message> {
    if messages.len() > MOST_MESSAGES {
        return Some(message);
    }
    messages.push(message);
    None
}

/// Answers in the place of the server.
fn answer(refusals: Vec<Refusal>, is_batch: bool, output: &Output, ear: &mut Ear) {
    let mut line = match (is_batch, refusals.as_slice()) {
        (_, []) => return,
        (false, [refusal]) => refusal.json(),
        _ => refusals.iter().map(Refusal::json).collect(),
    }
    .to_string();
    line.push('\n');
    output.insert(line.as_bytes());
    refusals.into_iter().for_each(|refusal| ear.see_answer(refusal.into_message()));
}

/// Far more than a batch has that anybody means.
const MOST_MESSAGES: usize = 1024;
const OF_A_BATCH: &str = "another call of its batch was refused";
