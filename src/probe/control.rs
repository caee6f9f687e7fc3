//! Asks the control URLs: is it us?
//!
//! Each is asked at once, on a connection of its own, by a name that is looked up anew: what an earlier look-up has left
//! would hide a resolver that is dead. Whatever a control says is an answer; only silence is told apart.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::Method;
use url::Url;

use super::client::{Client, ClientError};
use super::target;
use super::tls::Roots;
use super::{Check, Judgement, Keep, Plan, Prepared, Reply, Request, Step};
use crate::clock::Clock;
use crate::model::blind::{Sign, Tally};
use crate::model::{Judged, Redactor};

/// The controls have this long to answer, all of them at the same time.
const LIMIT: Duration = Duration::from_secs(2);
/// Of an answer no more is read.
const MOST_BYTES: usize = 16 * 1024;

/// The control URLs of a configuration, with a client of their own.
pub struct Controls {
    client: Client,
    plans: Vec<Plan>,
}

impl Controls {
    /// For these URLs; `None` for none. What is no http or https URL is left out: the configuration lets none through.
    ///
    /// # Errors
    /// No client could be made.
    pub fn new(clock: Clock, roots: &Roots, urls: &[String]) -> Result<Option<Self>, ClientError> {
        let controls = urls.iter().filter_map(|url| Control::new(url));
        let plans: Vec<Plan> = controls
            .map(|control| Plan::new(Arc::new(control), LIMIT))
            .collect();
        if plans.is_empty() {
            return Ok(None);
        }
        let client = Client::forgetful(clock, roots, Redactor::default())?;
        Ok(Some(Self { client, plans }))
    }

    /// Asks all of them; takes 2 s at most.
    pub async fn ask(&self) -> Tally {
        let runs = join_all(self.plans.iter().map(|plan| self.client.run(plan))).await;
        let mut tally = Tally::default();
        for run in runs {
            tally.add(Sign::of(run.outcome));
        }
        tally
    }
}

/// A control URL.
#[derive(Debug)]
struct Control {
    prepared: Arc<Prepared>,
    host: String,
}

impl Control {
    fn new(url: &str) -> Option<Self> {
        let mut url = Url::parse(url).ok()?;
        url.set_fragment(None);
        let host = target::host(&url);
        let prepared = Prepared {
            method: Method::GET,
            url,
            headers: Arc::default(),
            secret: Vec::new(),
            redirects: 0,
            max_bytes: MOST_BYTES,
            keep: Keep::Nothing,
        };
        Some(Self {
            prepared: Arc::new(prepared),
            host,
        })
    }
}

impl Check for Control {
    fn first(&self, _: u64) -> Request {
        Request {
            prepared: Arc::clone(&self.prepared),
            body: Bytes::new(),
        }
    }

    fn judge(&self, _: &Reply) -> Step {
        Step::Done(Judgement::SUCCESS)
    }

    fn judged(&self) -> Judged {
        Judged::Runs
    }

    fn host(&self) -> &str {
        &self.host
    }

    fn describe(&self) -> String {
        format!("control {}", self.host)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn whatever_a_control_says_is_an_answer_and_a_dead_name_is_none() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let broken = format!("http://{}/", listener.local_addr().unwrap());
        let server = async move {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = client.read(&mut request).await.unwrap();
            let refusal = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
            client.write_all(refusal).await.unwrap();
        };
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let refused = format!("http://{}/", closed.local_addr().unwrap());
        drop(closed);
        let urls = [broken, refused, "http://nowhere.invalid/".to_owned()];
        let controls = Controls::new(Clock::system(), &Roots::system(), &urls)
            .unwrap()
            .unwrap();
        let (tally, ()) = tokio::join!(controls.ask(), server);
        let wanted = Tally {
            answered: 2,
            network: 1,
            clock: 0,
            of: 3,
        };
        assert_eq!(tally, wanted);
    }
}
