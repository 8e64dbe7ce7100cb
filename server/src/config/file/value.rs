//! Values that are checked when they are parsed, so that errors have lines.

use std::net::SocketAddr;

use http::HeaderName;
use ipnet::IpNet;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::address::address;

/// A listen address: `"127.0.0.1:8080"`, or `":8080"` for this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address(pub SocketAddr);

/// The name of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderField(pub HeaderName);

/// A network: `"10.0.0.0/8"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(pub IpNet);

/// A path, or a prefix and `*`: `"/metrics*"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern(pub String);

/// A share: `0.5` is half.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share(pub f64);

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let share = f64::deserialize(deserializer)?;
        let is_one = (0.0..=1.0).contains(&share);
        is_one
            .then_some(Self(share))
            .ok_or_else(|| D::Error::custom("it is not a share; write a number from 0 to 1 such as 0.5"))
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        address(&String::deserialize(deserializer)?).map(Self).map_err(D::Error::custom)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for HeaderField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?.parse();
        name.map(Self).map_err(|_| D::Error::custom("it is not the name of a header; write one such as x-auth-user"))
    }
}

impl Serialize for HeaderField {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let network = String::deserialize(deserializer)?.parse();
        network
            .map(Self)
            .map_err(|_| D::Error::custom("it is not a network; write one such as 10.0.0.0/8 or 10.0.0.1/32"))
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PathPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let route = String::deserialize(deserializer)?;
        let path = route.strip_suffix('*').unwrap_or(&route);
        if !path.starts_with('/') || path.contains(['*', '?', '#']) {
            return Err(D::Error::custom(
                "it is not a path; write one such as /health, or its beginning and a * such as /metrics*",
            ));
        }
        Ok(Self(route))
    }
}

impl Serialize for PathPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
