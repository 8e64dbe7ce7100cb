//! Taps on the two byte streams of an MCP connection whose messages are lines of JSON (stdio).
//!
//! Invariants:
//! 1. Bytes pass as they are, when they are there, and whatever the tap makes of them. Who says very much at once has it read
//!    in pieces, between which others have a turn, and waits for the disk.
//! 2. A request is begun before a byte behind it can be read by the server; an answer ends its call when its last byte was
//!    taken by the stream. A stream that takes bytes before they are out hears them itself, when they are: what its client
//!    never gets is no answer ([`Trail::serve_stdio`]).
//! 3. What the server asks is known before the client's answer to it is heard, although it is heard only once it is written:
//!    writing and hearing are one step, which the reading side waits for.
//! 4. A panic in the tap is contained: from then on it is deaf in that direction, and says so.

mod listener;
mod read;
mod write;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

#[cfg(feature = "rmcp")]
pub(super) use self::listener::Listener;
#[cfg(not(feature = "rmcp"))]
use self::listener::Listener;
pub use self::read::TapRead;
pub use self::write::TapWrite;
use super::correlate::{Carrier, Correlator, End, Exchange};
use crate::Trail;
use crate::trail::{Direction, Transport};

/// A connection that is listened to. Made by [`Trail::tap`].
#[derive(Debug)]
pub struct Tap<R, W> {
    read: TapRead<R>,
    write: TapWrite<W>,
    exchange: Arc<Exchange>,
}

impl Trail {
    /// Listens to the two streams of a connection of a server, such as its standard input and output: what `read` gives comes
    /// from the client, what is written to `write` goes to it.
    ///
    /// A tap sees everything, but cannot refuse a call, nor make it wait; with the wrapper joined to it
    /// ([`Audited::behind`](super::Audited::behind)) calls are refused, and handlers run inside the spans of their calls:
    ///
    /// ```no_run
    /// # use rmcp::{ServerHandler, ServiceExt as _};
    /// # #[derive(Clone)] struct WeatherServer; impl ServerHandler for WeatherServer {}
    /// # async fn run(trail: auditrail::Trail, socket: tokio::net::UnixStream) -> Result<(), Box<dyn std::error::Error>> {
    /// let (read, write) = socket.into_split();
    /// let tap = trail.tap(read, write);
    /// let running = trail.audited(WeatherServer).behind(&tap).serve(tap.into_streams()).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// An answer counts as given when `write` has taken it. So `write` had better not be one that takes bytes first and fails to
    /// write them later, as `tokio::io::stdout()` does where the client is gone; [`Trail::serve_stdio`] waits for the pipe.
    pub fn tap<R, W>(&self, read: R, write: W) -> Tap<R, W> {
        let made: Result<_, Infallible> = self.tap_made(read, |listener, _| Ok((write, Some(listener))));
        match made {
            Ok(tap) => tap,
        }
    }

    /// A tap on a stream that may hear by itself what it writes: it is made with what hears, which it keeps or gives
    /// back, and with the lock that it has to hold while it writes the end of an answer and has it heard, and never while it
    /// waits for the client.
    pub(super) fn tap_made<R, W, E>(
        &self,
        read: R,
        write: impl FnOnce(Listener, &Arc<Mutex<()>>) -> Result<(W, Option<Listener>), E>,
    ) -> Result<Tap<R, W>, E> {
        let correlator = Correlator::new(self.core());
        let carrier = Carrier { transport: Some(Transport::Stdio), ..Carrier::default() };
        let exchange = correlator.exchange(carrier);
        let ends = Arc::new(Ends(exchange.clone()));
        let listener = |direction| Listener::new(self.core(), &correlator, &exchange, direction);
        let order = Arc::<Mutex<()>>::default();
        let (write, hears) = write(listener(Direction::ServerToClient), &order)?;
        Ok(Tap {
            read: TapRead::new(read, listener(Direction::ClientToServer), order.clone(), ends.clone()),
            write: TapWrite::new(write, hears, order, ends),
            exchange,
        })
    }
}

impl<R, W> Tap<R, W> {
    /// The streams, for the transport of the server.
    pub fn into_streams(self) -> (TapRead<R>, TapWrite<W>) {
        (self.read, self.write)
    }

    pub(super) fn exchange(&self) -> &Arc<Exchange> {
        &self.exchange
    }
}

/// Closes the connection when both its streams are gone.
#[derive(Debug)]
struct Ends(Arc<Exchange>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.close(End::Dropped);
        self.0.scope().close();
    }
}
