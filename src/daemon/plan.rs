//! From the configuration to what the engine judges and the schedule runs: everything gets its number.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::Config;
use crate::engine::{Money, PlannedMaintenance, ProbeMoney, ServicePlan};
use crate::model::counts::NumberRules;
use crate::model::roster::Seat;
use crate::model::said::Planned;
use crate::model::{Judged, ProbeId, Timestamp};
use crate::notify::{Composers, MailComposer};
use crate::probe::{Client, Plan, Run};
use crate::schedule::{Job, Slot};
use crate::store::{Store, StoreError};

/// Recipient of the mails that are written as files when nobody is named.
const NOBODY: &str = "operator@localhost";

/// One probe with the client that runs it.
#[derive(Clone)]
pub(super) struct ProbeJob {
    pub client: Client,
    pub plan: Arc<Plan>,
}

impl Job for ProbeJob {
    async fn run(self) -> Run {
        self.client.run(&self.plan).await
    }
}

/// A configuration with the numbers of the database.
pub(super) struct Numbered {
    pub services: Vec<ServicePlan>,
    pub slots: Vec<Slot<ProbeJob>>,
}

/// Registers every service and probe, and how often each is to run from now on. Probes that are not configured for want
/// of a key are left out.
pub(super) fn number(
    store: &mut Store,
    config: &Config,
    client: &Client,
    now: Timestamp,
) -> Result<Numbered, StoreError> {
    let names: Vec<(&str, &str)> = config
        .services
        .iter()
        .flat_map(|s| s.probes.iter().map(|p| (s.name.as_str(), p.name.as_str())))
        .collect();
    let mut numbers = store.register(&config.location, &names)?.into_iter();
    let mut numbered = Numbered {
        services: Vec::new(),
        slots: Vec::new(),
    };
    let mut paces = Vec::with_capacity(names.len());
    for service in &config.services {
        let mut ids: HashMap<&str, ProbeId> = HashMap::with_capacity(service.probes.len());
        let (mut others, mut numbers_of) = (Vec::new(), Vec::new());
        let mut money: Vec<ProbeMoney> = Vec::with_capacity(service.probes.len());
        let (mut id, mut kinds) = (None, Vec::new());
        for probe in &service.probes {
            let Some((service_id, probe_id)) = numbers.next() else {
                break;
            };
            id = Some(service_id);
            ids.insert(&probe.name, probe_id);
            kinds.push((probe_id, probe.kind));
            let (judged, interval) = (probe.plan.check.judged(), probe.cadence.interval());
            paces.push((probe_id, interval));
            money.push(ProbeMoney {
                probe: probe_id,
                name: probe.name.clone(),
                interval,
                forecast: probe.plan.tariff.forecast(),
            });
            if let Judged::Numbers(rules) = judged {
                numbers_of.push(NumberRules {
                    probe: probe_id,
                    interval,
                    rules,
                });
            }
            if !judged.counts() {
                others.push(probe_id);
            }
            numbered
                .slots
                .push(slot(&service.name, probe, probe_id, client));
        }
        let Some(id) = id else { continue };
        let alert = &service.alert;
        let mut recipients = alert.roster();
        if recipients.seats.is_empty() && config.smtp.is_none() {
            recipients.seats.push(Seat::always(NOBODY.to_owned()));
        }
        numbered.services.push(ServicePlan {
            id,
            name: service.name.clone(),
            title: service.title.clone(),
            provider: provider(service),
            kinds,
            rules: service.rules(|name| ids.get(name).copied()),
            others,
            numbers: numbers_of,
            recipients,
            page_at: alert.page_at,
            maintenance: maintenance(config, &service.name, &money),
            money: Money {
                budget: service.budget.map(|b| b.a_day()),
                probes: money,
            },
        });
    }
    store.note_paces(now, &paces)?;
    Ok(numbered)
}

/// The planned maintenance of a service's probes.
fn maintenance(config: &Config, service: &str, probes: &[ProbeMoney]) -> Vec<PlannedMaintenance> {
    let of = |planned: &crate::config::Maintenance| {
        let selected = probes
            .iter()
            .filter(|p| planned.selector.selects(service, &p.name));
        let mut probes: Vec<ProbeId> = selected.map(|p| p.probe).collect();
        probes.sort_unstable();
        (!probes.is_empty()).then(|| PlannedMaintenance {
            probes,
            planned: Planned::new(planned.schedule.clone()),
        })
    };
    config.maintenance.iter().filter_map(of).collect()
}

/// Whose service it is: as configured, else the domain of its first probe, else its name.
fn provider(service: &crate::config::Service) -> String {
    let domain = || {
        let host = service.probes.first()?.plan.check.host();
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        let labels: Vec<&str> = host.rsplit('.').take(2).collect();
        let named = labels
            .iter()
            .all(|l| l.contains(|c: char| c.is_alphabetic()));
        match labels[..] {
            [top, name] if named => Some(format!("{name}.{top}")),
            _ => None,
        }
    };
    let known = service.provider.clone().or_else(domain);
    known.unwrap_or_else(|| service.title.clone())
}

fn slot(
    service: &str,
    probe: &crate::config::Probe,
    id: ProbeId,
    client: &Client,
) -> Slot<ProbeJob> {
    Slot {
        probe: id,
        name: format!("{service}/{}", probe.name),
        host: probe.plan.check.host().to_owned(),
        cadence: probe.cadence.clone(),
        job: ProbeJob {
            client: client.clone(),
            plan: probe.plan.clone(),
        },
    }
}

/// What renders the mails of this configuration, and what webhooks are sent.
pub(super) fn composer(config: &Config, instance: &str) -> Result<Composers, String> {
    let from = config
        .smtp
        .as_ref()
        .map_or("watchfire@localhost", |smtp| smtp.from.as_str());
    let mail = MailComposer::new(from, instance)?.linking(config.page.clone());
    Composers::new(mail, &config.webhooks).signing(config.dkim.as_ref())
}
