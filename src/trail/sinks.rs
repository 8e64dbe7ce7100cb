//! The sinks of a trail, and a shipper for each of them.

use std::sync::Arc;

use super::start_error::StartError;
use crate::config::{ConfigError, Notices, SinkSettings};
use crate::journal::{Reader, Settler, SinkHandles, SinkName, Sinks};
use crate::ship::{Connector, LocalSink, ShipError, Shipper, ShipperContext, ShipperParts};
use crate::trail::calls::{Acknowledge, Class};

/// A sink on its way to its shipper.
#[derive(Debug)]
pub(super) enum Destination {
    Collector(Arc<dyn Connector>),
    Local(LocalSink),
}

/// Opens what the settings choose, in the order of the journal's handles: the collector first, whose progress `remote` waits for.
pub(super) fn destinations(
    settings: &SinkSettings,
    connector: Option<Arc<dyn Connector>>,
    notices: &Notices,
) -> Result<Vec<(SinkName, Destination)>, StartError> {
    let mut all = Vec::new();
    if settings.otlp {
        all.push((SinkName::OTLP, Destination::Collector(connector.ok_or(StartError::NoConnector)?)));
    }
    if let Some(file) = &settings.file {
        all.push((SinkName::FILE, Destination::Local(LocalSink::file(file, notices)?)));
    }
    if settings.stderr {
        all.push((SinkName::STDERR, Destination::Local(LocalSink::stderr())));
    }
    Ok(all)
}

/// The sinks that the journal waits for. There is at least one: the settings were checked.
pub(super) fn required(destinations: &[(SinkName, Destination)]) -> Sinks {
    let mut names = destinations.iter().map(|(name, _)| *name);
    let first = names.next().map_or_else(Sinks::default, Sinks::only);
    names.fold(first, Sinks::and)
}

/// Starts the shipper of each sink: the first, and the others.
pub(super) fn start(
    destinations: Vec<(SinkName, Destination)>,
    first: (Reader, Settler),
    others: Vec<SinkHandles>,
    context: &ShipperContext,
    settings: &crate::config::OtlpSettings,
) -> Result<(Shipper, Vec<Shipper>), StartError> {
    let handles = std::iter::once(first).chain(others.into_iter().map(|other| (other.reader, other.settler)));
    let started = destinations.into_iter().zip(handles).map(|((_, destination), handles)| match destination {
        Destination::Collector(connector) => {
            let ShipperContext { notices, entropy, reports } = context.clone();
            Shipper::start(handles, ShipperParts { connector, notices, entropy, reports }, settings)
        }
        Destination::Local(local) => Shipper::start_local(handles, local, context.clone()),
    });
    let mut started = started.collect::<Result<Vec<_>, ShipError>>()?.into_iter();
    Ok((started.next().ok_or(StartError::NoConnector)?, started.collect()))
}

/// Refuses a class that waits for a collector where there is none: a file on the same machine is not a second place.
pub(super) fn check_remote(settings: &SinkSettings, classes: &[(&str, Class)]) -> Result<(), ConfigError> {
    let waits = |(_, class): &&(&str, Class)| class.acknowledge >= Acknowledge::Remote;
    match classes.iter().find(waits).filter(|_| !settings.otlp) {
        Some((source, _)) => Err(ConfigError::value(
            source,
            "remote",
            "no sink is the collector, and a file on this machine is not a second place",
            "add otlp to AUDITRAIL_SINK, or ask for synced",
        )),
        None => Ok(()),
    }
}
