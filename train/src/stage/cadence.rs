//! After which steps the training loop reads losses, evaluates and writes checkpoints.

/// The intervals of a run, in steps.
#[derive(Debug, Clone, Copy)]
pub struct Cadence {
    /// Steps between two evaluations, beside the one at the end of each epoch; 0 for those alone.
    pub eval_every: usize,
    /// Steps between two checkpoints, beside those at the end of each epoch; without it, each evaluation writes one.
    pub save_every: Option<usize>,
    /// Steps between two readings of the loss: each waits for the device.
    pub log_every: usize,
}

/// What is due after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Losses are read from the device and recorded.
    pub log: bool,
    /// The model is evaluated on dev.
    pub evaluate: bool,
    /// A checkpoint is written.
    pub save: bool,
}

impl Cadence {
    /// What is due after a step, counted from 1. The last step of an epoch and of the run (`is_last`) has all of it.
    pub fn due(&self, step: usize, is_last: bool) -> Due {
        let every = |steps: usize| steps > 0 && step.is_multiple_of(steps);
        let evaluate = is_last || every(self.eval_every);
        let save = is_last || self.save_every.map_or(evaluate, every);
        Due { log: evaluate || save || every(self.log_every), evaluate, save }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps of three epochs of five steps, stopped at step 13, at which each thing is due.
    fn check(eval_every: usize, save_every: Option<usize>, log_every: usize, evaluate: &[usize], save: &[usize], log: &[usize]) {
        let cadence = Cadence { eval_every, save_every, log_every };
        let due = |step: usize| cadence.due(step, step.is_multiple_of(5) || step == 13);
        let steps = |is_due: fn(Due) -> bool| (1..=13).filter(|&step| is_due(due(step))).collect::<Vec<_>>();
        assert_eq!(steps(|due| due.evaluate), evaluate);
        assert_eq!(steps(|due| due.save), save);
        assert_eq!(steps(|due| due.log), log);
    }

    #[test]
    fn ends_of_epochs_and_of_the_run_are_evaluated_and_saved() {
        check(0, None, 100, &[5, 10, 13], &[5, 10, 13], &[5, 10, 13]);
    }

    #[test]
    fn evaluations_write_checkpoints_unless_those_have_their_own_interval() {
        check(4, None, 100, &[4, 5, 8, 10, 12, 13], &[4, 5, 8, 10, 12, 13], &[4, 5, 8, 10, 12, 13]);
        check(4, Some(6), 100, &[4, 5, 8, 10, 12, 13], &[5, 6, 10, 12, 13], &[4, 5, 6, 8, 10, 12, 13]);
    }

    #[test]
    fn losses_are_read_at_their_interval_and_before_all_else() {
        check(0, None, 3, &[5, 10, 13], &[5, 10, 13], &[3, 5, 6, 9, 10, 12, 13]);
        check(0, None, 1, &[5, 10, 13], &[5, 10, 13], &(1..=13).collect::<Vec<_>>());
    }
}
