//! A report as a digest: what somebody should know of a day or a week who has seen no mail of it.

use std::time::Duration;

use chrono_tz::Tz;

use super::figures::{left, measured, objective, spread, took};
use super::gather::{self, Report, ServiceReport};
use super::period::{Period, When};
use super::words::{moment, span};
use crate::config::Config;
use crate::model::digest::{Digest, ServiceDigest};
use crate::model::headroom::{HORIZON, outlook};
use crate::model::{IncidentKind, Timestamp};
use crate::store::{Reader, StoreError};

/// Incidents of a service that are named, the latest; the rest is counted.
const MOST_INCIDENTS: usize = 5;
/// What ends within this time is told.
const SOON: Duration = Duration::from_secs(60 * 86_400);
/// Sentences about what is coming, at most.
const MOST_COMING: usize = 20;

/// The digest of a time, `from` which it began until now.
///
/// # Errors
/// When the database cannot be read.
pub fn of(
    reader: &Reader,
    config: &Config,
    from: Timestamp,
    now: Timestamp,
    zone: Tz,
) -> Result<Option<Digest>, StoreError> {
    let Some(period) = Period::of(When::At(from), None, now) else {
        return Ok(None);
    };
    let report = gather::gather(reader, config, period, now, |_| true)?;
    let mut coming = ends(reader, config, now)?;
    coming.extend(limits(reader, config, now)?);
    coming.truncate(MOST_COMING);
    Ok(Some(Digest {
        from: period.from,
        to: now,
        zone,
        location: config.location.clone(),
        services: services(&report),
        coming,
    }))
}

fn services(report: &Report) -> Vec<ServiceDigest> {
    let mut services: Vec<ServiceDigest> = report.services.iter().map(service).collect();
    services.sort_by_key(|s| std::cmp::Reverse((s.open, s.incidents)));
    services
}

fn service(service: &ServiceReport) -> ServiceDigest {
    let outage = |kind| matches!(kind, IncidentKind::Errors | IncidentKind::Latency);
    let own = service.incidents.iter().map(|i| &i.course);
    let incidents: Vec<_> = own.filter(|c| outage(c.row.kind)).collect();
    let mut facts = Vec::new();
    match service.uptime.measured() {
        Some(_) => facts.push(("up", measured(&service.uptime))),
        None => facts.push(("up", "nothing is known of this time".to_owned())),
    }
    if let Some(budget) = service.budget {
        let of = objective(budget.slo);
        facts.push((
            "objective",
            format!("{of}: error budget {}", left(budget.left)),
        ));
    }
    if !service.in_trouble.is_zero() {
        facts.push(("in trouble", span(service.in_trouble)));
    }
    if let Some(noticed) = &service.response.detect {
        facts.push(("noticed after", spread(noticed)));
    }
    let skipped = incidents.len().saturating_sub(MOST_INCIDENTS);
    for course in incidents.iter().skip(skipped).rev() {
        let row = &course.row;
        let lasted = match course.recovered {
            Some(at) => format!("lasted {}", span(at.since(row.since))),
            None => "goes on".to_owned(),
        };
        let (id, kind, severity) = (row.id, row.kind, row.severity);
        let since = moment(row.since);
        facts.push((
            "incident",
            format!("{id}, {kind} ({severity}), since {since}: {lasted}"),
        ));
    }
    if skipped > 0 {
        facts.push(("incidents", format!("{skipped} earlier ones")));
    }
    let slowest = service.probes.iter().filter_map(|p| {
        let [p50, p95] = [0.5, 0.95].map(|q| p.durations.quantile(q));
        Some((p95?, p50?, &p.name))
    });
    if let Some((p95, p50, name)) = slowest.max_by(|a, b| a.0.total_cmp(&b.0)) {
        let (p50, p95) = (took(p50), took(p95));
        facts.push((
            "slowest",
            format!("{name}: {p50} in the median, 95 % within {p95}"),
        ));
    }
    if let Some(spent) = service.money.words() {
        facts.push(("spent", spent));
    }
    ServiceDigest {
        title: service.title.clone(),
        incidents: incidents.len(),
        open: incidents.iter().filter(|c| c.recovered.is_none()).count(),
        facts,
    }
}

/// What ends soon, the nearest first.
fn ends(reader: &Reader, config: &Config, now: Timestamp) -> Result<Vec<String>, StoreError> {
    let rows = reader.services()?;
    let title = |id| {
        let row = rows.iter().find(|row| row.id == id)?;
        let service = config.services.iter().find(|s| s.name == row.name)?;
        Some(service.title.clone())
    };
    let mut told: Vec<String> = Vec::new();
    for notice in reader.notices()? {
        if notice.deadline.at.since(now) > SOON {
            continue;
        }
        let Some(title) = title(notice.service) else {
            continue;
        };
        let sentence = format!("{title}: {}", notice.deadline.tell(now));
        // Several probes of a service see the same end.
        if !told.contains(&sentence) {
            told.push(sentence);
        }
    }
    Ok(told)
}

/// The limits of which little is left.
fn limits(reader: &Reader, config: &Config, now: Timestamp) -> Result<Vec<String>, StoreError> {
    let rows = reader.services()?;
    let mut told = Vec::new();
    for service in &config.services {
        let own = rows.iter().filter(|row| row.name == service.name);
        for probe in own.flat_map(|row| &row.probes) {
            for limit in reader.limits(probe.id, now - HORIZON)? {
                let seen = outlook(&limit.resource, &limit.marks, now);
                let seen = seen.filter(|outlook| outlook.is_worth_telling());
                told.extend(seen.map(|o| format!("{}/{}: {o}", service.title, probe.name)));
            }
        }
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{self, Env, HostFile, ReadError, Source};
    use crate::model::{
        Deadline, FailureKind, Fault, Findings, Origin, Outcome, Phases, ProbeId, Sample, Topic,
    };
    use crate::probe::Roots;
    use crate::store::Store;

    struct Nothing;

    impl Env for Nothing {
        fn var(&self, _: &str) -> Option<String> {
            None
        }

        fn read(&self, _: &Path, _: usize) -> Result<HostFile, ReadError> {
            Err(ReadError::Absent)
        }

        fn host_name(&self) -> String {
            "here".to_owned()
        }
    }

    fn sample(probe: ProbeId, at: Timestamp, fails: bool, found: Option<Findings>) -> Sample {
        let failed = Outcome::Failure(FailureKind::ServerError, Fault::Provider);
        Sample {
            probe,
            at,
            outcome: if fails { failed } else { Outcome::Success },
            origin: Origin::Scheduled,
            status: None,
            failed_in: None,
            phases: Phases::default(),
            total_us: 250_000,
            bytes: 0,
            evidence: None,
            found: found.map(Box::new),
        }
    }

    #[test]
    fn a_digest_tells_how_each_service_was_and_what_is_coming() {
        let dir = tempfile::tempdir().unwrap();
        let probes = "[digest]\nemail = [\"team@example.com\"]\ncron = \"0 0 8 * * *\"\n[service.ai]\ntitle = \"The AI\"\nslo = \"99%\"\n\
                      [[probe]]\nservice = \"ai\"\nname = \"chat\"\nkind = \"http\"\nurl = \"http://127.0.0.1:9/\"\nevery = \"1m\"\n";
        let source = Source {
            name: "probes.toml".to_owned(),
            bytes: probes.as_bytes().to_vec(),
        };
        let config = config::load(&source, None, &Nothing, Roots::system())
            .unwrap_or_else(|_| panic!("it is a good configuration"));
        let wanted = config.digest.clone().unwrap();
        assert_eq!(wanted.cron.to_string(), "0 0 8 * * *");

        let mut store = Store::open(dir.path()).unwrap();
        let probe = store.register("here", &[("ai", "chat")]).unwrap()[0].1;
        let now = Timestamp::parse("2026-11-25T08:00:00Z").unwrap();
        let begin = now - Duration::from_secs(86_400);
        let ends = Findings {
            deadlines: vec![Deadline {
                topic: Topic::Certificate,
                subject: "ai.example.com:443".to_owned(),
                at: now + Duration::from_secs(10 * 86_400),
            }],
            ..Findings::default()
        };
        let mut samples: Vec<Sample> = (0..1400)
            .map(|n| {
                sample(
                    probe,
                    begin + Duration::from_secs(60 * n),
                    n % 10 == 0,
                    None,
                )
            })
            .collect();
        samples.push(sample(
            probe,
            begin + Duration::from_secs(60 * 1400),
            false,
            Some(ends),
        ));
        let mut tx = store.begin().unwrap();
        tx.samples(&samples).unwrap();
        tx.commit().unwrap();
        store.roll_up(now, 1000).unwrap();

        let reader = Reader::open(dir.path()).unwrap();
        let digest = of(
            &reader,
            &config,
            now - Duration::from_secs(86_400),
            now,
            wanted.cron.zone(),
        )
        .unwrap()
        .unwrap();
        let service = &digest.services[0];
        assert_eq!((service.title.as_str(), service.incidents), ("The AI", 0));
        let fact = |what: &str| {
            let found = service.facts.iter().find(|(w, _)| *w == what);
            found.map(|(_, told)| told.clone()).unwrap_or_default()
        };
        assert_eq!(fact("up"), "90.00 %");
        assert!(
            fact("objective").starts_with("99 %: error budget spent"),
            "{service:?}"
        );
        assert!(fact("slowest").starts_with("chat: 2"), "{service:?}");
        assert_eq!(
            digest.coming,
            ["The AI: the certificate of ai.example.com:443 ends on 2026-12-05, in 10 days"]
        );
    }
}
