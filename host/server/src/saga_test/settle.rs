//! After a saga has ended: waits until all that was under way has arrived, and judges.

use std::time::{Duration, Instant};

use super::{
    bench::Bench,
    books::Reading,
    faults::Faults,
    follow::{LOOK, status},
    host::Host,
    run::Ran,
    verdict::{End, Judged, Net},
};

/// How long books may take to follow what has happened: plugins may act on events.
const FOLLOW: Duration = Duration::from_secs(2);

// === impl Bench ===

impl Bench {
    /// Waits until all has arrived, and judges. `completed` is what the books said after the case without a fault.
    pub(super) async fn judge(
        &self,
        ran: &mut Ran,
        host: &Host,
        faults: &Faults,
        end: &End,
        completed: Option<&[Reading]>,
    ) -> anyhow::Result<()> {
        let (case, late_answers) = (ran.case, u64::from(faults.late_answers()));
        let until = Instant::now() + 2 * self.time_out + FOLLOW;
        let (stands, counted) = loop {
            let saga = host.delivery().saga(&case.id()).await?;
            let counted = saga["lateAnswers"].as_u64().unwrap_or_default();
            if counted >= late_answers || Instant::now() >= until {
                break (status(&saga)?, counted);
            }
            tokio::time::sleep(LOOK).await;
        };
        self.wait_for_books(ran, host, faults, end, completed).await?;
        ran.wrong.extend(faults.wrong());
        if case.trouble.is_some() && faults.shown() == 0 {
            ran.wrong.push("the command was never sent, so that nothing could go wrong with it".to_owned());
        }
        if stands != end.status {
            ran.wrong.push(format!("it had ended {}, and then was {stands}", end.status));
        }
        if counted < late_answers {
            ran.wrong.push(format!("{late_answers} answers came late, and {counted} were counted"));
        }
        Ok(())
    }

    /// Reads the books until they balance, or their time is over.
    async fn wait_for_books(
        &self,
        ran: &mut Ran,
        host: &Host,
        faults: &Faults,
        end: &End,
        completed: Option<&[Reading]>,
    ) -> anyhow::Result<()> {
        let net = |step: &u32| Net { step: *step, times: faults.participants().net(*step) };
        let until = Instant::now() + FOLLOW;
        loop {
            let after = self.read_books(host, &ran.case).await?;
            ran.books.iter_mut().zip(after).for_each(|(entry, after)| entry.after = after);
            ran.nets = self.simulated.iter().map(net).collect();
            let (definition, case, nets, books) = (&self.definition, &ran.case, &ran.nets[..], &ran.books[..]);
            ran.wrong = Judged { definition, case, end, nets, books, completed }.wrong();
            if ran.wrong.is_empty() || self.books.is_empty() || Instant::now() >= until {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
