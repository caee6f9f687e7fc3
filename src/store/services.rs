//! Who is watched: services and probes with numbers that stay, and the detector's state of each service.

use std::collections::HashMap;

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
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut known = Known::read(&tx, location)?;
    let mut ids = Vec::with_capacity(probes.len());
    {
        // An update that changes nothing, so that RETURNING also answers for a row that is there and was not found: in a
        // damaged file the index may know what the table has lost.
        let mut new_service = tx.prepare(
            "INSERT INTO service(name) VALUES (?1) ON CONFLICT(name) DO UPDATE SET name = name RETURNING id",
        )?;
        let mut new_probe = tx.prepare(
            "INSERT INTO probe(service_id, name, location, active) VALUES (?1, ?2, ?3, 1)
             ON CONFLICT(service_id, name, location) DO UPDATE SET active = 1 RETURNING id",
        )?;
        let mut activate = tx.prepare("UPDATE probe SET active = 1 WHERE id = ?1")?;
        for (service, probe) in probes {
            let service = match known.services.get(*service) {
                Some(id) => *id,
                None => {
                    let id = new_service.query_row([service], |r| r.get(0))?;
                    known.services.insert((*service).to_owned(), id);
                    id
                }
            };
            let names = known.probes.entry(service).or_default();
            let id = match names.get_mut(*probe) {
                Some(row) => {
                    if !row.active {
                        activate.execute([row.id])?;
                    }
                    row.wanted = true;
                    row.id
                }
                None => {
                    let id =
                        new_probe.query_row(params![service, probe, location], |r| r.get(0))?;
                    let row = Row {
                        id,
                        active: true,
                        wanted: true,
                    };
                    names.insert((*probe).to_owned(), row);
                    id
                }
            };
            ids.push((ServiceId(service), ProbeId(id)));
        }
        let mut rest = tx.prepare("UPDATE probe SET active = 0 WHERE id = ?1")?;
        let rows = known.probes.values().flat_map(HashMap::values);
        for row in rows.filter(|row| row.active && !row.wanted) {
            rest.execute([row.id])?;
        }
    }
    tx.commit()?;
    Ok(ids)
}

/// The services, and the probes of one location, by name. Read in one go: asking for 10,000 probes one by one delays
/// the start by as much as all the rest.
struct Known {
    services: HashMap<String, u32>,
    probes: HashMap<u32, HashMap<String, Row>>,
}

struct Row {
    id: u32,
    active: bool,
    wanted: bool,
}

impl Known {
    fn read(conn: &Connection, location: &str) -> Result<Self> {
        let mut statement = conn.prepare("SELECT name, id FROM service")?;
        let services = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
        let services = services.collect::<rusqlite::Result<_>>()?;
        let mut statement =
            conn.prepare("SELECT service_id, name, id, active FROM probe WHERE location = ?1")?;
        let mut rows = statement.query([location])?;
        let mut probes: HashMap<u32, HashMap<String, Row>> = HashMap::new();
        while let Some(row) = rows.next()? {
            let found = Row {
                id: row.get(2)?,
                active: row.get(3)?,
                wanted: false,
            };
            let names = probes.entry(row.get(0)?).or_default();
            names.insert(row.get(1)?, found);
        }
        Ok(Self { services, probes })
    }
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

/// Gives services and probes the numbers that they have already.
pub(super) fn adopt(
    conn: &mut Connection,
    location: &str,
    probes: &[(ServiceId, &str, ProbeId, &str)],
) -> Result<()> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (service, name, probe, probe_name) in probes {
        tx.prepare_cached("INSERT OR IGNORE INTO service(id, name) VALUES (?1, ?2)")?
            .execute(params![service.0, name])?;
        tx.prepare_cached(
            "INSERT OR IGNORE INTO probe(id, service_id, name, location, active) VALUES (?1, ?2, ?3, ?4, 1)",
        )?
        .execute(params![probe.0, service.0, probe_name, location])?;
    }
    tx.commit()?;
    Ok(())
}
