//! The fault server on ports of the loopback, on a thread of its own: its floods shall not hold up the client's clock.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use watchfire::simulate::faults::{Door, Protocol, serve};

/// The ports of all doors that need no certificate.
pub struct Ports {
    pub paths: u16,
    pub tls: BTreeMap<&'static str, u16>,
}

/// Starts the server once for all tests.
pub fn ports() -> &'static Ports {
    static PORTS: OnceLock<Ports> = OnceLock::new();
    PORTS.get_or_init(|| {
        let paths = open(|| Door::Paths);
        let tls = Protocol::Tls
            .modes()
            .map(|mode| (mode.name, open(|| Door::Mode(mode))));
        Ports {
            paths,
            tls: tls.collect(),
        }
    })
}

/// Opens a door on a free port; it stays open until the tests end.
pub fn open(door: impl Fn() -> Door) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    behind().send((listener, door())).unwrap();
    port
}

type Doors = tokio::sync::mpsc::UnboundedSender<(std::net::TcpListener, Door)>;

fn behind() -> &'static Doors {
    static DOORS: OnceLock<Doors> = OnceLock::new();
    DOORS.get_or_init(|| {
        let (doors, mut opened) = tokio::sync::mpsc::unbounded_channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let mut serving = JoinSet::new();
                while let Some((listener, door)) = opened.recv().await {
                    let listener = TcpListener::from_std(listener).unwrap();
                    serving.spawn(serve(listener, door, CancellationToken::new()));
                }
            });
        });
        doors
    })
}
