//! The two streams of a tapped connection.

use std::convert::Infallible;
use std::sync::Arc;

use super::close::CloseOnDrop;
use super::direction::DirectionReader;
use super::paced::PacedReader;
use super::read::TapRead;
use super::write::TapWrite;
use crate::Trail;
use crate::capture::mcp::correlate::{Correlator, Exchange, MessageOrigin};
use crate::locks::Mutex;
use crate::trail::{Direction, Transport};

/// A connection that is listened to. Made by [`Trail::tap`].
#[derive(Debug)]
pub struct Tap<R, W> {
    read: TapRead<R>,
    write: TapWrite<W>,
    #[cfg_attr(not(feature = "rmcp"), expect(dead_code, reason = "only the wrapper asks for it"))]
    exchange: Arc<Exchange>,
}

impl Trail {
    /// Listens to the two streams of a connection of a server, such as its standard input and output: what `read` gives comes
    /// from the client, what is written to `write` goes to it.
    ///
    /// A tap sees everything, but cannot refuse a call, nor make it wait; with the wrapper joined to it
    /// ([`Audited::behind`](crate::capture::mcp::Audited::behind)) calls are refused, and handlers run inside the spans of their calls:
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
        let made: Result<_, Infallible> = self.tap_made(read, |reader, _| Ok((write, Some(reader))));
        match made {
            Ok(tap) => tap,
        }
    }

    /// A tap on a stream that may read what it writes on its own: `write` gets the reader, which it keeps or gives back, and the
    /// lock that it holds while it writes the end of an answer and reads it, and never while it waits for the client.
    pub(in crate::capture::mcp) fn tap_made<R, W, E>(
        &self,
        read: R,
        write: impl FnOnce(DirectionReader, &Arc<Mutex<()>>) -> Result<(W, Option<DirectionReader>), E>,
    ) -> Result<Tap<R, W>, E> {
        let correlator = Correlator::new(self.core());
        let origin = MessageOrigin { transport: Some(Transport::Stdio), ..MessageOrigin::default() };
        let exchange = correlator.exchange(origin);
        let ends = Arc::new(CloseOnDrop(exchange.clone()));
        let reader = |direction| DirectionReader::new(self.core(), &correlator, &exchange, direction);
        let order = Arc::<Mutex<()>>::default();
        let (write, of_server) = write(reader(Direction::ServerToClient), &order)?;
        let of_client = PacedReader::new(self.core(), reader(Direction::ClientToServer));
        Ok(Tap {
            read: TapRead::new(read, of_client, order.clone(), ends.clone()),
            write: TapWrite::new(write, of_server, order, ends),
            exchange,
        })
    }
}

impl<R, W> Tap<R, W> {
    /// The streams, for the transport of the server.
    pub fn into_streams(self) -> (TapRead<R>, TapWrite<W>) {
        (self.read, self.write)
    }

    #[cfg(feature = "rmcp")]
    pub(in crate::capture::mcp) fn exchange(&self) -> &Arc<Exchange> {
        &self.exchange
    }
}
