//! Tells of clients whose certificate was refused.
//!
//! Anybody can connect and be refused, so the records are bounded: within a minute [`MOST_OF_CLIENT`] of each of
//! [`MOST_CLIENTS`] addresses have a record each. The others are counted, and the number is on a record of its own once the
//! minute is over and another is refused, or at the end.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use auditrail::Trail;
use auditrail::identity::UnverifiedReason;
use auditrail::internals::TrailInside as _;
use auditrail::internals::locks::Mutex;
use auditrail::record::{Detail, EventName, Outcome, names};
use auditrail::trail::Moment;
use rustls::{CertificateError, Error};

use super::actor::{claimed, unnamed};
use super::extractor::SOURCE;
use super::settings::ClientCertificates;

/// Of one listener.
#[derive(Debug)]
pub(crate) struct Refusals {
    trail: Trail,
    settings: ClientCertificates,
    minute: Mutex<Minute>,
}

#[derive(Debug, Default)]
struct Minute {
    begun: Option<Instant>,
    of: HashMap<IpAddr, u32>,
    /// How many have no record.
    counted: i64,
}

impl Refusals {
    pub(crate) fn new(trail: &Trail, settings: &ClientCertificates) -> Self {
        Self { trail: trail.clone(), settings: settings.clone(), minute: Mutex::default() }
    }

    /// A handshake with a client failed. It is told if the reason is the client's certificate: the one that it has shown (DER),
    /// if it has.
    pub(crate) fn tell(&self, error: &std::io::Error, peer: SocketAddr, certificate: Option<&[u8]>) {
        let Some(reason) = error.get_ref().and_then(|error| error.downcast_ref()).and_then(Reason::of) else { return };
        let address = peer.ip().to_canonical();
        self.trail.core().notices().warn(format!("refused a client at {address}: {}", reason.text()));
        let (has_own, before) = self.minute.lock().take(network(address), Instant::now());
        self.tell_counted(before);
        if !has_own {
            return;
        }
        let moment = match reason {
            Reason::Wrong(reason) => {
                let claimed = certificate.and_then(|der| claimed(der, &self.settings));
                refused(INVALID).actor(unnamed(reason, claimed))
            }
            Reason::NoCertificate => refused(MISSING).attribute(names::AUDITRAIL_ACTOR_AUTH_TYPE, SOURCE),
        };
        let moment = moment.attribute(names::CLIENT_ADDRESS, address.to_string());
        self.trail.record(moment.attribute(names::CLIENT_PORT, i64::from(peer.port())));
    }

    fn tell_counted(&self, count: i64) {
        if count > 0 {
            let moment = refused(INVALID).attribute(names::AUDITRAIL_ACTOR_AUTH_TYPE, SOURCE);
            self.trail.record(moment.attribute(names::AUDITRAIL_AUTHN_COUNT, count));
        }
    }
}

impl Drop for Refusals {
    fn drop(&mut self) {
        let counted = self.minute.get_mut().counted;
        self.tell_counted(counted);
    }
}

impl Minute {
    /// Whether one more of that client has a record of its own, and how many had none in the minute before.
    fn take(&mut self, client: IpAddr, now: Instant) -> (bool, i64) {
        let is_over = self.begun.is_none_or(|begun| now.saturating_duration_since(begun) >= MINUTE);
        let before =
            if is_over { std::mem::replace(self, Self { begun: Some(now), ..Self::default() }).counted } else { 0 };
        let is_one_too_many = self.of.len() >= MOST_CLIENTS && !self.of.contains_key(&client);
        let has_own = !is_one_too_many && {
            let told = self.of.entry(client).or_default();
            *told = told.saturating_add(1);
            *told <= MOST_OF_CLIENT
        };
        if !has_own {
            self.counted = self.counted.saturating_add(1);
        }
        (has_own, before)
    }
}

/// Why a client was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    /// It has no certificate, or does not show it.
    NoCertificate,
    /// Its certificate is not valid.
    Wrong(UnverifiedReason),
}

impl Reason {
    fn of(error: &Error) -> Option<Self> {
        use CertificateError as Wrong;
        let reason = match error {
            Error::NoCertificatesPresented => return Some(Self::NoCertificate),
            Error::InvalidCertificate(wrong) => wrong,
            // Of the handshake, such as a client that speaks no TLS.
            _ => return None,
        };
        Some(Self::Wrong(match reason {
            Wrong::Expired | Wrong::ExpiredContext { .. } => UnverifiedReason::Expired,
            Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => UnverifiedReason::NotYetValid,
            Wrong::UnknownIssuer => UnverifiedReason::Issuer,
            Wrong::BadSignature => UnverifiedReason::Signature,
            Wrong::BadEncoding => UnverifiedReason::Malformed,
            Wrong::UnsupportedSignatureAlgorithmContext { .. }
            | Wrong::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => UnverifiedReason::Algorithm,
            // Such as one that is for servers only.
            _ => UnverifiedReason::Rejected,
        }))
    }

    const fn text(self) -> &'static str {
        match self {
            Self::NoCertificate => {
                "it has shown no certificate; to serve it without one, set client_certificate = \"optional\""
            }
            Self::Wrong(UnverifiedReason::Expired) => "its certificate has expired; it needs a new one",
            Self::Wrong(UnverifiedReason::NotYetValid) => "its certificate is not valid yet; check the clocks",
            Self::Wrong(UnverifiedReason::Issuer) => {
                "its certificate is signed by none of the authorities in client_ca; add the authority, or give the client \
                 another certificate"
            }
            Self::Wrong(_) => "its certificate is not valid for clients; give it another one",
        }
    }
}

fn refused(class: &'static str) -> Moment {
    Moment::new(EventName::Authn)
        .outcome(Outcome { error_type: Some(class.into()), ..Outcome::of(Detail::Denied) })
        .attribute(names::AUDITRAIL_DECISION, "deny")
        .attribute(names::AUDITRAIL_DECISION_REASON, class)
        .attribute(names::SECURITY_RULE_NAME, "client_certificate")
        .attribute(names::NETWORK_TRANSPORT, "tcp")
        .attribute(names::NETWORK_PROTOCOL_NAME, "tls")
}

/// As everywhere, a machine can have any number of addresses in its network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

/// `error.type`, as where a request has no credentials.
const MISSING: &str = "missing_credentials";
/// `error.type`, as where a request has wrong ones; `auditrail.actor.unverified_reason` says what is wrong.
const INVALID: &str = "invalid_credentials";
/// Enough to see what a client does wrong.
const MOST_OF_CLIENT: u32 = 10;
/// More than have a wrong certificate at the same time, unless it is an attack.
const MOST_CLIENTS: usize = 64;
const MINUTE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_some_records_and_a_count() {
        let (mut minute, now) = (Minute::default(), Instant::now());
        let address = |last: u8| IpAddr::from([192, 0, 2, last]);
        let own = (0..1000).filter(|_| minute.take(address(1), now).0).count();
        assert_eq!(own, 10);
        assert_eq!(minute.take(address(2), now), (true, 0), "a flood of one takes nothing from another");
        let others = (3..=255).filter(|last| minute.take(address(*last), now).0).count();
        assert_eq!((others, minute.of.len()), (62, 64));
        assert_eq!(minute.take(address(1), now + MINUTE), (true, 990 + 191), "those of the minute before");
        assert_eq!(minute.take(address(1), now + MINUTE), (true, 0));
    }

    #[test]
    fn addresses_of_one_network_are_one_client() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
