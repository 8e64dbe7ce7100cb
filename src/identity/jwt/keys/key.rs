//! A public key of an issuer.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::identity::jwt::algorithm::Algorithm;

/// A key that signatures are verified with.
#[derive(Debug)]
pub(in crate::identity::jwt) struct Key {
    /// `kid`.
    id: Option<String>,
    /// `alg`: the only algorithm that the issuer uses it for, if it says so.
    algorithm: Option<Algorithm>,
    material: Material,
    /// Identifies the key itself, whatever it is called.
    fingerprint: [u8; 32],
}

#[derive(Debug)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// Why a JSON Web Key cannot verify signatures. Such keys are skipped: issuers publish keys for other uses, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unusable(pub(super) &'static str);

impl Key {
    /// The key of a JWK (RFC 7517).
    pub(super) fn of_jwk(jwk: &Map<String, Value>) -> Result<Self, Unusable> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        if text("use").is_some_and(|use_| use_ != "sig") {
            return Err(Unusable("it is not for signatures"));
        }
        let operations = jwk.get("key_ops").and_then(Value::as_array);
        if operations.is_some_and(|operations| !operations.iter().any(|it| it == "verify")) {
            return Err(Unusable("it is not for signatures"));
        }
        let material = Material::of_jwk(jwk)?;
        let algorithm = match text("alg") {
            Some(name) => Some(Algorithm::from_name(name).ok_or(Unusable("its algorithm is not supported"))?),
            None => None,
        };
        if algorithm.is_some_and(|algorithm| !material.fits(algorithm)) {
            return Err(Unusable("its algorithm is not one of its type"));
        }
        let id = text("kid").map(ToOwned::to_owned);
        Ok(Self { id, algorithm, fingerprint: material.fingerprint(), material })
    }

    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    pub(in crate::identity::jwt) const fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// Whether signatures of that algorithm can be verified with it.
    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        self.algorithm.is_none_or(|own| own == algorithm) && self.material.fits(algorithm)
    }

    /// Whether that is its signature of the message. `false` if the algorithm does not fit.
    pub(in crate::identity::jwt) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let plain = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
        };
        match (&self.material, algorithm) {
            _ if !self.fits(algorithm) => false,
            (Material::Rsa { n, e }, algorithm) => rsa(algorithm).is_some_and(|parameters| {
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
            }),
            (Material::P256(key), _) => plain(&signature::ECDSA_P256_SHA256_FIXED, key),
            (Material::P384(key), _) => plain(&signature::ECDSA_P384_SHA384_FIXED, key),
            (Material::Ed25519(key), _) => plain(&signature::ED25519, key),
        }
    }
}

fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => return None,
    })
}

impl Material {
    fn of_jwk(jwk: &Map<String, Value>) -> Result<Self, Unusable> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        match (text("kty"), text("crv")) {
            (Some("RSA"), _) => Self::rsa(number(jwk, "n")?, number(jwk, "e")?),
            (Some("EC"), Some("P-256")) => Ok(Self::P256(point(jwk, 32)?)),
            (Some("EC"), Some("P-384")) => Ok(Self::P384(point(jwk, 48)?)),
            (Some("OKP"), Some("Ed25519")) => match number(jwk, "x")? {
                key if key.len() == 32 => Ok(Self::Ed25519(key)),
                _ => Err(Unusable("its x is not 32 bytes long")),
            },
            (Some("EC" | "OKP"), _) => Err(Unusable("its curve is not supported")),
            _ => Err(Unusable("its type is not supported")),
        }
    }

    /// Some issuers write numbers with zeros in front, which ring refuses.
    fn rsa(n: Vec<u8>, e: Vec<u8>) -> Result<Self, Unusable> {
        let plain = |number: Vec<u8>| number.into_iter().skip_while(|byte| *byte == 0).collect::<Vec<_>>();
        let (n, e) = (plain(n), plain(e));
        // 2047 bits have 256 bytes, too; ring counts the bits.
        if !(256..=1024).contains(&n.len()) {
            return Err(Unusable("it has fewer than 2048 bits or more than 8192"));
        }
        Ok(Self::Rsa { n, e })
    }

    const fn fits(&self, algorithm: Algorithm) -> bool {
        matches!(
            (self, algorithm),
            (
                Self::Rsa { .. },
                Algorithm::Rs256
                    | Algorithm::Rs384
                    | Algorithm::Rs512
                    | Algorithm::Ps256
                    | Algorithm::Ps384
                    | Algorithm::Ps512
            ) | (Self::P256(_), Algorithm::Es256)
                | (Self::P384(_), Algorithm::Es384)
                | (Self::Ed25519(_), Algorithm::EdDsa)
        )
    }

    fn fingerprint(&self) -> [u8; 32] {
        let (kind, parts): (&[u8], [&[u8]; 2]) = match self {
            Self::Rsa { n, e } => (b"rsa", [n, e]),
            Self::P256(key) => (b"p256", [key, b""]),
            Self::P384(key) => (b"p384", [key, b""]),
            Self::Ed25519(key) => (b"ed25519", [key, b""]),
        };
        let hash = Sha256::new().chain_update(kind).chain_update([0]).chain_update(parts[0]);
        hash.chain_update([0]).chain_update(parts[1]).finalize().into()
    }
}

/// The bytes of a member in base64url. Padding is against RFC 7518, and some issuers write it.
fn number(jwk: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, Unusable> {
    let text = jwk.get(name).and_then(Value::as_str).ok_or(Unusable("a number of the key is missing"))?;
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('='));
    bytes.map_err(|_| Unusable("a number of the key is not base64url"))
}

/// An uncompressed point. Some issuers leave the zeros in front of coordinates out.
fn point(jwk: &Map<String, Value>, length: usize) -> Result<Vec<u8>, Unusable> {
    let mut point = vec![4];
    for name in ["x", "y"] {
        let coordinate = number(jwk, name)?;
        let missing = length.checked_sub(coordinate.len()).ok_or(Unusable("its point is too long for the curve"))?;
        point.extend(std::iter::repeat_n(0, missing));
        point.extend(coordinate);
    }
    Ok(point)
}
