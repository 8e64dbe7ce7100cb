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

/// A tapped connection, made by [`Trail::tap`]: its two streams, and what the wrapper needs to join it.
#[derive(Debug)]
pub struct Tap<R, W> {
    read: TapRead<R>,
    write: TapWrite<W>,
    #[cfg_attr(not(feature = "rmcp"), expect(dead_code, reason = "only the wrapper asks for it"))]
    exchange: Arc<Exchange>,
}

impl Trail {
    /// Taps the two streams of a server's connection, such as its standard input and output: `read` comes from the
    /// client, `write` goes to it. Every request of either side is recorded.
    ///
    /// A tap sees everything, but it can neither refuse nor delay a call. With the wrapper joined to it
    /// ([`Audited::behind`](crate::capture::mcp::Audited::behind)), calls can be refused, and handlers run inside the
    /// spans of their calls:
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
    /// An answer counts as given when `write` has accepted it. So `write` should not accept bytes first and fail to
    /// write them later, as `tokio::io::stdout()` does if the client is gone; [`Trail::serve_stdio`] waits for the
    /// pipe.
    pub fn tap<R, W>(&self, read: R, write: W) -> Tap<R, W> {
        let made: Result<_, Infallible> = self.tap_made(read, |reader, _| Ok((write, Some(reader))));
        match made {
            Ok(tap) => tap,
        }
    }

    /// A tap on a stream that may read what it writes on its own. `write` gets the reader, which it keeps or gives
    /// back, and the lock that it holds while it writes the end of an answer and reads it, and never while it waits
    /// for the client.
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
    /// Returns the streams, for the transport of the server.
    pub fn into_streams(self) -> (TapRead<R>, TapWrite<W>) {
        (self.read, self.write)
    }

    #[cfg(feature = "rmcp")]
    pub(in crate::capture::mcp) fn exchange(&self) -> &Arc<Exchange> {
        &self.exchange
    }
}
