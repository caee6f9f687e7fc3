//! Who is watched: services and probes with numbers that stay, and the detector's state of each service.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, TransactionBehavior, params};

use super::Result;
use crate::model::{ProbeId, ServiceId, Timestamp};

/// A service with its probes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRow {
    /// Its number.
    pub id: ServiceId,
    /// Its name in probes.toml.
    pub name: String,
    /// Its configured probes, by name and location.
    pub probes: Vec<ProbeRow>,
}

/// A probe at a location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeRow {
    /// Its number.
    pub id: ProbeId,
    /// Its name within the service.
    pub name: String,
    /// Where it runs.
    pub location: String,
}

pub(super) fn register(
    conn: &mut Connection,
    location: &str,
    probes: &[(&str, &str)],
) -> Result<Vec<(ServiceId, ProbeId)>> {
    if let Some(known) = as_registered(conn, location, probes)? {
        return Ok(known);
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut ids = Vec::with_capacity(probes.len());
    {
        tx.execute(
            "UPDATE probe SET active = 0 WHERE location = ?1",
            [location],
        )?;
        // An update that changes nothing, so that RETURNING also answers for a row that is there.
        let mut service = tx.prepare(
            "INSERT INTO service(name) VALUES (?1) ON CONFLICT(name) DO UPDATE SET name = name RETURNING id",
        )?;
        let mut probe = tx.prepare(
            "INSERT INTO probe(service_id, name, location, active) VALUES (?1, ?2, ?3, 1)
             ON CONFLICT(service_id, name, location) DO UPDATE SET active = 1 RETURNING id",
        )?;
        for (service_name, probe_name) in probes {
            let service_id: u32 = service.query_row([service_name], |r| r.get(0))?;
            let probe_id: u32 =
                probe.query_row(params![service_id, probe_name, location], |r| r.get(0))?;
            ids.push((ServiceId(service_id), ProbeId(probe_id)));
        }
    }
    tx.commit()?;
    Ok(ids)
}

/// The numbers, when exactly these probes are configured at the location already: then nothing has to be written, and a
/// daemon can start while the disk is full.
fn as_registered(
    conn: &Connection,
    location: &str,
    probes: &[(&str, &str)],
) -> Result<Option<Vec<(ServiceId, ProbeId)>>> {
    let mut statement = conn.prepare(
        "SELECT service.name, probe.name, service.id, probe.id
         FROM probe JOIN service ON service.id = probe.service_id WHERE active = 1 AND location = ?1",
    )?;
    let known: HashMap<(String, String), (ServiceId, ProbeId)> = statement
        .query_map([location], |r| {
            let ids = (ServiceId(r.get(2)?), ProbeId(r.get(3)?));
            Ok(((r.get(0)?, r.get(1)?), ids))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let number = |(service, probe): &(&str, &str)| {
        known
            .get(&((*service).to_owned(), (*probe).to_owned()))
            .copied()
    };
    let ids: Option<Vec<_>> = probes.iter().map(number).collect();
    // The same number of names, all of them known: no other is configured, unless one was asked for twice.
    let distinct: HashSet<&(&str, &str)> = probes.iter().collect();
    Ok(ids.filter(|_| distinct.len() == known.len()))
}

/// All services that have a configured probe, by name.
pub(super) fn list(conn: &Connection) -> Result<Vec<ServiceRow>> {
    let mut statement = conn.prepare_cached(
        "SELECT service.id, service.name, probe.id, probe.name, probe.location
         FROM service JOIN probe ON probe.service_id = service.id
         WHERE probe.active = 1 ORDER BY service.name, probe.name, probe.location",
    )?;
    let mut rows = statement.query([])?;
    let mut services: Vec<ServiceRow> = Vec::new();
    while let Some(row) = rows.next()? {
        let id = ServiceId(row.get(0)?);
        if services.last().is_none_or(|s| s.id != id) {
            services.push(ServiceRow {
                id,
                name: row.get(1)?,
                probes: Vec::new(),
            });
        }
        let probe = ProbeRow {
            id: ProbeId(row.get(2)?),
            name: row.get(3)?,
            location: row.get(4)?,
        };
        services
            .iter_mut()
            .last()
            .into_iter()
            .for_each(|s| s.probes.push(probe.clone()));
    }
    Ok(services)
}

/// The probes of a service that are configured, with their names.
pub(super) fn probes_of(conn: &Connection, service: ServiceId) -> Result<Vec<(ProbeId, String)>> {
    let mut statement = conn.prepare_cached(
        "SELECT id, name FROM probe WHERE service_id = ?1 AND active = 1 ORDER BY name, location",
    )?;
    let rows = statement.query_map([service.0], |r| Ok((ProbeId(r.get(0)?), r.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn save_state(
    conn: &Connection,
    service: ServiceId,
    json: &str,
    at: Timestamp,
) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO state(service_id, json, at) VALUES (?1, ?2, ?3)
         ON CONFLICT(service_id) DO UPDATE SET json = excluded.json, at = excluded.at",
    )?
    .execute(params![service.0, json, at.as_micros()])?;
    Ok(())
}

pub(super) fn load_states(conn: &Connection) -> Result<Vec<(ServiceId, String, Timestamp)>> {
    let mut statement =
        conn.prepare_cached("SELECT service_id, json, at FROM state ORDER BY service_id")?;
    let rows = statement.query_map([], |r| {
        Ok((
            ServiceId(r.get(0)?),
            r.get(1)?,
            Timestamp::from_micros(r.get(2)?),
        ))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
