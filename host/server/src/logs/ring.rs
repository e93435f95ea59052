//! What is kept, within its bounds: lines by their number, and of each service the numbers of its own, so that neither
//! the oldest line of a service nor the oldest of all has to be searched for.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use super::{Filter, HOST_BYTES, SERVICE_BYTES, SERVICE_LINES, line::Line};

/// The lines.
#[derive(Default)]
pub(super) struct Ring {
    lines: BTreeMap<u64, Arc<Line>>,
    /// Those that have lines.
    services: HashMap<String, Kept>,
    bytes: usize,
    newest: u64,
    /// The newest of those that had to go.
    gone: u64,
    /// Nothing more is taken.
    pub(super) is_closed: bool,
}

/// What is kept of one service.
#[derive(Default)]
struct Kept {
    /// The oldest first.
    numbers: VecDeque<u64>,
    bytes: usize,
    /// The newest of those that had to go.
    gone: u64,
}

/// What one look found.
pub(super) struct Looked {
    /// Of the service that is meant, of any level.
    pub(super) lines: Vec<Arc<Line>>,
    /// Whether there are no others in this direction.
    pub(super) is_all: bool,
}

// === impl Ring ===

impl Ring {
    /// Keeps a line under the next number, which it answers.
    pub(super) fn push(&mut self, mut line: Line) -> u64 {
        if self.is_closed {
            return self.newest;
        }
        self.newest += 1;
        line.number = self.newest;
        let bytes = line.bytes();
        let kept = self.services.entry(line.service.clone()).or_default();
        kept.numbers.push_back(line.number);
        kept.bytes += bytes;
        self.bytes += bytes;
        let service = line.service.clone();
        self.lines.insert(line.number, Arc::new(line));
        while self.services.get(&service).is_some_and(Kept::is_over) {
            self.drop_oldest_of(&service);
        }
        while self.bytes > HOST_BYTES {
            let Some(oldest) = self.lines.first_key_value().map(|(_, line)| line.service.clone()) else { break };
            self.drop_oldest_of(&oldest);
        }
        self.newest
    }

    /// At most `limit` lines before a number, the newest first; the number moves on to the oldest of them.
    pub(super) fn look_back(&self, filter: &Filter, before: &mut u64, limit: usize) -> Looked {
        let lines: Vec<Arc<Line>> = match self.kept(filter) {
            None => self.lines.range(..*before).rev().take(limit).map(|(_, line)| line.clone()).collect(),
            Some(None) => Vec::new(),
            Some(Some(kept)) => {
                let end = kept.numbers.partition_point(|number| number < before);
                kept.numbers
                    .range(..end)
                    .rev()
                    .take(limit)
                    .filter_map(|number| self.lines.get(number).cloned())
                    .collect()
            }
        };
        *before = lines.last().map_or(*before, |line| line.number);
        Looked { is_all: lines.len() < limit, lines }
    }

    /// At most `limit` lines after a number, the oldest first; the number moves on to the newest that was looked at.
    pub(super) fn look_on(&self, filter: &Filter, after: &mut u64, limit: usize) -> Looked {
        let from = after.saturating_add(1);
        let lines: Vec<Arc<Line>> = match self.kept(filter) {
            None => self.lines.range(from..).take(limit).map(|(_, line)| line.clone()).collect(),
            Some(None) => Vec::new(),
            Some(Some(kept)) => {
                let begin = kept.numbers.partition_point(|number| *number < from);
                kept.numbers.range(begin..).take(limit).filter_map(|number| self.lines.get(number).cloned()).collect()
            }
        };
        let is_all = lines.len() < limit;
        *after = if is_all { self.newest } else { lines.last().map_or(self.newest, |line| line.number) };
        Looked { lines, is_all }
    }

    /// The newest line that had to go of those that are meant, as far as that is known.
    pub(super) fn gone(&self, filter: &Filter) -> u64 {
        match self.kept(filter) {
            Some(Some(kept)) => kept.gone,
            Some(None) | None => self.gone,
        }
    }

    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What is kept of the service that is meant, if one is meant.
    fn kept(&self, filter: &Filter) -> Option<Option<&Kept>> {
        filter.service.as_ref().map(|service| self.services.get(service.as_str()))
    }

    fn drop_oldest_of(&mut self, service: &str) {
        let Some(kept) = self.services.get_mut(service) else { return };
        let dropped = kept.numbers.pop_front().and_then(|number| self.lines.remove(&number));
        if let Some(line) = dropped {
            let bytes = line.bytes();
            kept.bytes -= bytes;
            self.bytes -= bytes;
            kept.gone = kept.gone.max(line.number);
            self.gone = self.gone.max(line.number);
        }
        if kept.numbers.is_empty() {
            self.services.remove(service);
        }
    }
}

// === impl Kept ===

impl Kept {
    fn is_over(&self) -> bool {
        self.numbers.len() > SERVICE_LINES || self.bytes > SERVICE_BYTES
    }
}
