//! What ends soon, told around silences, maintenances and a clock that was stepped.

use super::*;

impl Host {
    /// One whose `chat` sees a certificate that ends in six days.
    async fn with_an_end() -> Self {
        let mut host = Self::new();
        host.pass(MINUTE * 5, NONE).await;
        host.ends = Some(Deadline {
            topic: Topic::Certificate,
            subject: "llm.example.com:443".to_owned(),
            at: start() + DAY * 6,
        });
        host
    }

    /// The thresholds that were mailed.
    fn reminded(&self) -> Vec<u16> {
        let told = self.ears.0.lock().unwrap();
        told.reminders
            .iter()
            .map(|reminder| reminder.days)
            .collect()
    }

    fn stands(&self) -> usize {
        self.reader().notices().unwrap().len()
    }
}

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test(start_paused = true)]
async fn what_ends_soon_is_mailed_when_the_silence_or_the_maintenance_is_over_and_stands_meanwhile()
{
    for kind in [SpellKind::Silence, SpellKind::Maintenance] {
        for selector in ["openai", "openai/chat", "*"] {
            let mut host = Host::with_an_end().await;
            let wish = host.wish(kind, selector, 40);
            host.say(Ask::Begin(wish)).await;
            host.pass(MINUTE * 10, NONE).await;
            host.restart();
            host.pass(MINUTE * 20, NONE).await;
            assert_eq!((host.reminded(), host.stands()), (vec![], 1));
            host.pass(MINUTE * 20, NONE).await;
            assert_eq!(host.reminded(), [7], "{kind:?} of {selector}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_silence_of_others_keeps_no_reminder_back() {
    for selector in ["openai/image", "gateway"] {
        let mut host = Host::with_an_end().await;
        host.silence(selector, 40).await;
        host.pass(MINUTE, NONE).await;
        assert_eq!(host.reminded(), [7], "{selector}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_step_of_the_clock_by_more_than_a_day_nobody_is_reminded_before_a_day_is_over() {
    for years in [-10, 10] {
        let mut host = Host::with_an_end().await;
        let ten_years = DAY.as_micros() as i64 * 3650;
        host.turn(Vec::new(), vec![Input::ClockStep(years / 10 * ten_years)]);
        host.pass(DAY - MINUTE, NONE).await;
        assert_eq!(host.reminded(), Vec::<u16>::new());
        host.pass(MINUTE * 2, NONE).await;
        assert_eq!(host.reminded(), [7]);
    }
    let mut host = Host::with_an_end().await;
    host.turn(Vec::new(), vec![Input::ClockStep(7_200_000_000)]);
    host.pass(MINUTE, NONE).await;
    assert_eq!(host.reminded(), [7], "two hours are no matter of days");
}
