//! `watchfire simulate`: only the fake provider, for fire drills against one's own daemon.

mod faults;
mod load;
mod smtp;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anstream::println;
use anstyle::{AnsiColor, Style};
use clap::{Args, Subcommand};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use load::{SimulateError, load};

use super::demo::narrate::hour;
use super::{Exit, complain};
use crate::clock::Clock;
use crate::model::scenario::{Scenario, Told, Truth, Turn};
use crate::model::{Secret, Timestamp};
use crate::simulate::builtin::DEFAULT;
use crate::simulate::{Provider, serve};

/// Fastest story: a day in a second and a half. Beyond it no request lasts as long as a step of the story.
const FASTEST: f64 = 60_000.0;

/// A story, or a server that breaks the rules.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct SimulateCommand {
    #[command(subcommand)]
    other: Option<Other>,
    #[command(flatten)]
    story: SimulateArgs,
}

#[derive(Debug, Subcommand)]
enum Other {
    /// Break the rules of HTTP, TLS and DNS instead, one way at an address
    Faults(faults::FaultsArgs),
    /// Break the rules of mail instead, one way at a port
    Smtp(smtp::SmtpArgs),
}

/// Plays an outage as a fake provider over HTTP.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Example:\n  watchfire simulate 2023-11-08 --speed 60 --from 2023-11-08T03:35:00Z"
)]
pub struct SimulateArgs {
    /// One of the outages that come with watchfire, or a scenario file
    #[arg(default_value = DEFAULT)]
    pub scenario: String,
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8399")]
    pub listen: SocketAddr,
    /// How many times as fast as life
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
    /// Fixes every draw: the same seed fails the same requests
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Begin at this moment of the story instead of its start
    #[arg(long, value_name = "RFC3339", value_parser = moment)]
    pub from: Option<Timestamp>,
    /// Refuse requests to /v1 without this key
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Begin again when the story is over
    #[arg(long = "loop")]
    pub repeat: bool,
}

/// Runs the command: to the end of the story, or until Ctrl-C.
pub fn run(command: SimulateCommand) -> Exit {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(error);
            return Exit::Io;
        }
    };
    let played = runtime.block_on(async {
        tokio::select! {
            played = perform(command) => played,
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    });
    match played {
        Ok(()) => Exit::Ok,
        Err(error) => {
            error.report();
            error.exit()
        }
    }
}

async fn perform(command: SimulateCommand) -> Result<(), SimulateError> {
    match command.other {
        Some(Other::Faults(args)) => faults::run(&args).await,
        Some(Other::Smtp(args)) => smtp::run(&args).await,
        None => play(command.story).await,
    }
}

/// Serves the story until it is over, or for ever with `--loop`; the caller ends it earlier by dropping the future.
pub async fn play(args: SimulateArgs) -> Result<(), SimulateError> {
    let scenario = load(&args.scenario)?;
    let from = args.from.unwrap_or(scenario.start);
    if from < scenario.start || from >= scenario.end {
        return Err(SimulateError::Outside {
            from,
            start: scenario.start,
            end: scenario.end,
        });
    }
    let listen = |error| SimulateError::Listen {
        address: args.listen,
        error,
    };
    let listener = TcpListener::bind(args.listen).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    print_opening(&scenario, from, address, &args);

    let mut provider = Provider::new(scenario, Clock::sped(from, args.speed), args.seed);
    if let Some(key) = args.key {
        provider = provider.with_key(Secret::new(key));
    }
    if args.repeat {
        provider = provider.repeating();
    }
    let provider = Arc::new(provider);
    tokio::select! {
        () = serve(listener, provider.clone(), CancellationToken::new()) => {}
        () = tell(&provider, from, args.repeat) => {}
    }
    Ok(())
}

/// Prints each turn of the story when it comes; ends with the story, and never when it repeats.
async fn tell(provider: &Provider, from: Timestamp, repeat: bool) {
    let (scenario, clock) = (provider.scenario(), provider.clock());
    let mut round = Duration::ZERO;
    loop {
        for (at, turn) in scenario.turns() {
            if at + round < from || at > scenario.end {
                continue;
            }
            tokio::time::sleep_until(clock.instant_of(at + round)).await;
            println!("{}", turn_line(at, &turn));
        }
        tokio::time::sleep_until(clock.instant_of(scenario.end + round)).await;
        println!("{}", ending(provider));
        if !repeat {
            return;
        }
        println!("{}  and again", hour(scenario.start));
        round += scenario.length();
    }
}

fn print_opening(scenario: &Scenario, from: Timestamp, address: SocketAddr, args: &SimulateArgs) {
    let bold = Style::new().bold();
    println!("{bold}{}{bold:#}", scenario.title);
    println!("{}\n", scenario.summary);
    let play = scenario.end.since(from).div_f64(args.speed);
    let play = Duration::from_secs(play.as_secs_f64().ceil() as u64);
    println!(
        "Listening on http://{address}, {}x as fast as life: {} of play.",
        args.speed,
        humantime::format_duration(play)
    );
    println!(
        "In a probes.toml of your own:\n\n{}",
        snippet(address, args.key.is_some())
    );
}

/// A `probes.toml` that watches this provider.
fn snippet(address: SocketAddr, keyed: bool) -> String {
    let key = if keyed {
        "key = { env = \"DRILL_KEY\" }\n"
    } else {
        ""
    };
    format!(
        "[service.drill]\n\
         title = \"Fire drill\"\n\
         base_url = \"http://{address}/v1\"\n\
         {key}\n\
         [[probe]]\n\
         name = \"chat\"\n\
         service = \"drill\"\n\
         kind = \"chat\"\n\
         model = \"gpt-4o-mini\"\n\
         every = \"30s\"\n\
         \n\
         [[probe]]\n\
         name = \"web\"\n\
         service = \"drill\"\n\
         kind = \"http\"\n\
         url = \"http://{address}/\"\n\
         every = \"30s\"\n"
    )
}

fn turn_line(at: Timestamp, turn: &Turn<'_>) -> String {
    let (colour, words) = match turn {
        Turn::Onset(truth) => (AnsiColor::Red, format!("fails   {}", parts(truth))),
        Turn::Recovery(truth) => (AnsiColor::Green, format!("works   {}", parts(truth))),
        Turn::Post(told, post) => (AnsiColor::Cyan, said(told, &post.text)),
    };
    let style = Style::new().fg_color(Some(colour.into()));
    format!("{}  {style}{words}{style:#}", hour(at))
}

fn parts(truth: &Truth) -> String {
    let names: Vec<_> = truth.components.iter().map(|c| c.name()).collect();
    let weakly = if truth.optional { " (hardly)" } else { "" };
    names.join(", ") + weakly
}

fn said(told: &Told, text: &str) -> String {
    format!("posted  {}: {text}", told.name)
}

/// What each component has served.
fn ending(provider: &Provider) -> String {
    let mut line = format!("{}  over.", hour(provider.scenario().end));
    for tally in provider.tallies() {
        if tally.requests > 0 {
            let (failed, of) = (tally.failures, tally.requests);
            line.push_str(&format!(" {}: {failed} of {of} failed.", tally.component));
        }
    }
    line
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text
        .parse()
        .map_err(|_| format!("expected a number, found `{text}`"))?;
    if (0.01..=FASTEST).contains(&speed) {
        Ok(speed)
    } else {
        Err(format!("expected 0.01 to {FASTEST}, found {text}"))
    }
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let wanted = "expected a moment like 2023-11-08T03:40:00Z";
    Timestamp::parse(text).ok_or_else(|| format!("{wanted}, found `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_snippet_is_toml_and_names_the_key_by_its_variable() {
        let address = "127.0.0.1:8399".parse().unwrap();
        for keyed in [false, true] {
            let table: toml::Table = snippet(address, keyed).parse().unwrap();
            let service = &table["service"]["drill"];
            assert_eq!(
                service["base_url"].as_str(),
                Some("http://127.0.0.1:8399/v1")
            );
            assert_eq!(service.get("key").is_some(), keyed);
            assert_eq!(table["probe"].as_array().unwrap().len(), 2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_command_ends_with_the_story() {
        let args = SimulateArgs {
            scenario: DEFAULT.to_owned(),
            listen: "127.0.0.1:0".parse().unwrap(),
            speed: 60.0,
            seed: 1,
            from: None,
            key: None,
            repeat: false,
        };
        let began = tokio::time::Instant::now();
        play(args.clone()).await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 177);
        let from = Timestamp::parse("2023-11-09T00:00:00Z");
        let late = play(SimulateArgs { from, ..args }).await;
        assert!(matches!(late, Err(SimulateError::Outside { .. })));
    }
}
