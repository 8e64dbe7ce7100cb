//! The private keys of an issuer.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};

/// A key that signs tokens.
pub(crate) struct SigningKey {
    id: Option<String>,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// RSA with 2048 bits, for RS256 (and PS256). There are two, 1 and 2, whose files `make` makes.
    pub(crate) fn rsa(id: &str, number: u8) -> Self {
        let file: &[u8] = match number {
            1 => include_bytes!("keys/rsa-1.pk8"),
            _ => include_bytes!("keys/rsa-2.pk8"),
        };
        Self { id: Some(id.into()), pair: Pair::Rsa(RsaKeyPair::from_pkcs8(file).unwrap()) }
    }

    /// A new P-256 key, for ES256.
    pub(crate) fn p256(id: &str) -> Self {
        let random = SystemRandom::new();
        let file = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, file.as_ref(), &random).unwrap();
        Self { id: Some(id.into()), pair: Pair::P256(pair) }
    }

    /// A new Ed25519 key, for EdDSA.
    pub(crate) fn ed25519(id: &str) -> Self {
        let file = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self { id: Some(id.into()), pair: Pair::Ed25519(Ed25519KeyPair::from_pkcs8(file.as_ref()).unwrap()) }
    }

    /// Without a name, in its JWK and in the tokens that it signs.
    pub(crate) fn nameless(mut self) -> Self {
        self.id = None;
        self
    }

    pub(crate) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The algorithm of its tokens.
    pub(crate) fn algorithm(&self) -> &'static str {
        match &self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::P256(_) => "ES256",
            Pair::Ed25519(_) => "EdDSA",
        }
    }

    /// The public key as the issuer publishes it.
    pub(crate) fn jwk(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match &self.pair {
            Pair::Rsa(pair) => {
                let public = signature::RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "kty": "RSA", "n": text(&public.n), "e": text(&public.e) })
            }
            Pair::P256(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y) })
            }
            Pair::Ed25519(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref()) }),
        };
        jwk["use"] = "sig".into();
        jwk["alg"] = self.algorithm().into();
        if let Some(id) = &self.id {
            jwk["kid"] = id.as_str().into();
        }
        jwk
    }

    /// The public key as everybody has it: what an attacker uses as the secret of an HMAC.
    pub(crate) fn public_forms(&self) -> Vec<Vec<u8>> {
        let bytes = match &self.pair {
            Pair::Rsa(pair) => pair.public().as_ref().to_vec(),
            Pair::P256(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
        };
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&bytes));
        let jwk = self.jwk();
        let number = ["n", "x"].into_iter().find_map(|name| jwk[name].as_str()).unwrap();
        vec![bytes, pem.into_bytes(), number.as_bytes().to_vec(), jwk.to_string().into_bytes(), Vec::new()]
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
            Pair::P256(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}
