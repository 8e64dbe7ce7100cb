//! An OAuth set-up for tests: keys, tokens of any kind, right and broken, and an issuer on loopback that serves metadata and keys,
//! or is slow, gone or lying.
//!
//! It is the oracle of what is verified, so it shares no code with the verifier and uses no JWT library: tokens are put together
//! by hand and signed with ring.
//!
//! ```ignore
//! let key = SigningKey::ed25519("key-1");
//! let issuer = Issuer::serving(&[&key]);
//! let token = Token::of(&issuer.url(), "alice").audience("mcp").signed_by(&key);
//! ```

mod cases;
mod issuer;
mod review;
mod signing_key;
mod token;

pub(crate) use self::cases::{AUDIENCE, Cast, Expected, doubtful, nobody, verified};
pub(crate) use self::issuer::{Issuer, Mode};
pub(crate) use self::review::ApiServer;
pub(crate) use self::signing_key::SigningKey;
pub(crate) use self::token::Token;
