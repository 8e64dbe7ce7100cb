//! Answers in the place of the server.

use std::fs::File;
use std::io;

use serde_json::Value;

use super::ear::Ear;
use super::fd;
use super::output::Output;
use crate::capture::mcp::message::Message;
use crate::proxy::refusal::Refusal;

/// Answers what was not held, or not understood. What is itself an answer is answered to the server, which waits for it.
pub(super) fn unread(
    messages: Vec<Message>,
    reason: &str,
    to: &mut File,
    output: &Output,
    ear: &mut Ear,
) -> io::Result<()> {
    let is_batch = messages.iter().any(|message| message.batch.is_some());
    let (mut refusals, mut nameless) = (Vec::<Refusal>::new(), false);
    for message in messages {
        let (id, has_flaw) = (message.id.clone(), message.flaw.is_some());
        let is_reading = message.alternative.is_some();
        if message.method.is_none() && id.is_some() && !has_flaw {
            let refusal = Refusal::because(id, reason, None);
            let line = format!("{}\n", refusal.json());
            drop(ear.see(refusal.into_message()));
            fd::write_all(to, line.as_bytes())?;
        } else if let Some(call) = ear.see(message) {
            // One answer is for all readings of a message that have its id.
            if is_reading && refusals.iter().any(|refusal| refusal.is_for(id.as_ref())) {
                continue;
            }
            refusals.push(Refusal::because(id, reason, Some(call.call_id())));
        } else {
            nameless |= has_flaw;
        }
    }
    if refusals.is_empty() && nameless {
        output.insert(format!("{}\n", Refusal::because(None, reason, None).json()).as_bytes());
    }
    answer(refusals, is_batch, output, ear);
    Ok(())
}

/// One line with all of it, or one for each where they are no batch.
pub(super) fn answer(refusals: Vec<Refusal>, is_batch: bool, output: &Output, ear: &mut Ear) {
    if refusals.is_empty() {
        return;
    }
    let lines = if is_batch {
        format!("{}\n", refusals.iter().map(Refusal::json).collect::<Value>())
    } else {
        refusals.iter().map(|refusal| format!("{}\n", refusal.json())).collect()
    };
    output.insert(lines.as_bytes());
    refusals.into_iter().for_each(|refusal| ear.see_answer(refusal.into_message()));
}
