//! `watchfire simulate faults`: the server that breaks the rules, and the list of the ways in which it does.

use std::net::SocketAddr;
use std::path::PathBuf;

use anstream::println;
use clap::Args;
use serde_json::json;
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::SimulateError;
use crate::simulate::faults::{Door, Mode, Protocol, Seen, acceptor, serve, serve_dns};

/// Breaks the rules of HTTP, TLS and DNS, one way at an address.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Example:\n  watchfire simulate faults --list\n  watchfire simulate faults --listen 127.0.0.1:8500\n\n\
                  HTTP/1.1 and event streams are at /h1/MODE and /sse/MODE of one port; each mode of TLS, and of HTTP/2\n\
                  when there is a certificate, has a port of its own behind it."
)]
pub struct FaultsArgs {
    /// Where to listen: the first of the ports; with port 0 all are free ones
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8500")]
    listen: SocketAddr,
    /// Answer questions for names like x.nxdomain.test here
    #[arg(long, value_name = "ADDR")]
    dns: Option<SocketAddr>,
    /// The certificate to show where HTTP/2 is broken, and not TLS
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,
    /// Its key
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
    /// List all modes, with what a probe must make of each, and end
    #[arg(long)]
    list: bool,
    /// One JSON object a mode
    #[arg(long)]
    json: bool,
}

/// Serves until the caller drops the future.
pub async fn run(args: &FaultsArgs) -> Result<(), SimulateError> {
    if args.list {
        for protocol in Protocol::ALL {
            for mode in protocol.modes() {
                show(args, *protocol, mode, None);
            }
        }
        return Ok(());
    }
    let stop = CancellationToken::new();
    let mut serving = JoinSet::new();
    let mut port = args.listen.port();
    let paths = listen(args.listen, &mut port).await?;
    let address = local(&paths, args.listen)?;
    for protocol in [Protocol::Http1, Protocol::Sse] {
        for mode in protocol.modes() {
            let url = format!("http://{address}/{}/{}", protocol.name(), mode.name);
            show(args, protocol, mode, Some(&url));
        }
    }
    serving.spawn(serve(paths, Door::Paths, stop.clone()));
    let secure = match (&args.certificate, &args.key) {
        (Some(certificate), Some(key)) => Some(acceptor(certificate, key)?),
        _ => None,
    };
    let broken = Protocol::Tls
        .modes()
        .map(|mode| (Protocol::Tls, mode, Door::Mode(mode)));
    let secure = secure.iter().flat_map(|acceptor| {
        let door = |mode| (Protocol::Http2, mode, Door::Secure(mode, acceptor.clone()));
        Protocol::Http2.modes().map(door)
    });
    for (protocol, mode, door) in broken.chain(secure) {
        let listener = listen(args.listen, &mut port).await?;
        let url = format!("https://{}/", local(&listener, args.listen)?);
        show(args, protocol, mode, Some(&url));
        serving.spawn(serve(listener, door, stop.clone()));
    }
    if let Some(address) = args.dns {
        let socket = UdpSocket::bind(address).await;
        let socket = socket.map_err(|error| SimulateError::Listen { address, error })?;
        for mode in Protocol::Dns.modes() {
            show(
                args,
                Protocol::Dns,
                mode,
                Some(&format!("x.{}.test", mode.name)),
            );
        }
        serving.spawn(serve_dns(socket, stop));
    }
    while serving.join_next().await.is_some() {}
    Ok(())
}

/// Listens on `port` of the address, and moves it on; port 0 stays.
async fn listen(address: SocketAddr, port: &mut u16) -> Result<TcpListener, SimulateError> {
    let address = SocketAddr::new(address.ip(), *port);
    let bound = TcpListener::bind(address).await;
    if *port != 0 {
        *port = port.saturating_add(1);
    }
    bound.map_err(|error| SimulateError::Listen { address, error })
}

fn local(listener: &TcpListener, address: SocketAddr) -> Result<SocketAddr, SimulateError> {
    let local = listener.local_addr();
    local.map_err(|error| SimulateError::Listen { address, error })
}

fn show(args: &FaultsArgs, protocol: Protocol, mode: &Mode, at: Option<&str>) {
    let (kind, fault, phase) = match mode.seen {
        Seen::Success => (None, None, None),
        Seen::Failure(kind, fault, phase) => {
            (Some(kind.name()), Some(fault.name()), Some(phase.name()))
        }
    };
    if args.json {
        let told = json!({
            "protocol": protocol.name(),
            "mode": mode.name,
            "does": mode.does,
            "keys": mode.keys,
            "kind": kind,
            "fault": fault,
            "phase": phase,
            "at": at,
        });
        println!("{told}");
        return;
    }
    let name = format!("{}/{}", protocol.name(), mode.name);
    let seen = match (kind, phase) {
        (Some(kind), Some(phase)) => format!("{kind} in {phase}"),
        _ => "success".to_owned(),
    };
    match at {
        Some(at) => println!("{name:28} {at:52} {}", mode.does),
        None => println!("{name:32} {seen:28} {}", mode.does),
    }
}
