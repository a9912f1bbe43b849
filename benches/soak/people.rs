//! People who chat, and the check that nothing of it is lost, doubled or out of order for anyone.

use std::collections::VecDeque;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::fanout::histogram::Histogram;
use crate::server::PATIENCE;

/// One of them speaks this often.
const PAUSE: Duration = Duration::from_millis(5);

/// Readers compare notes after so many lines.
const BATCH: usize = 64;

/// What the last line says, which comes after everything else was read.
const THE_END: &[u8] = b"<closer> the end";

/// A line of one of them: who said it, and which of their lines it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Said {
    author: u32,
    number: u32,
}

/// What all readers share.
struct Notes {
    begin: Instant,
    /// All lines, in the order in which one who says nothing has read them.
    order: RwLock<Vec<Said>>,
    delays: Mutex<Histogram>,
    read: AtomicU64,
    faults: Mutex<Vec<String>>,
}

/// What came of it.
pub struct Report {
    /// Lines that were said, and lines that were read, by all together.
    pub said: u64,
    pub read: u64,
    pub delays: Histogram,
    /// What was lost, doubled or out of order, in words.
    pub faults: Vec<String>,
}

/// Lets so many people chat while `meanwhile` happens, and says what came of it.
pub fn chat(server: SocketAddr, count: u32, meanwhile: impl FnOnce()) -> Report {
    let notes = Notes {
        begin: Instant::now(),
        order: RwLock::default(),
        delays: Mutex::default(),
        read: AtomicU64::new(0),
        faults: Mutex::default(),
    };
    let stop = AtomicBool::new(false);
    let join = |name: &str| Client::join(server, name).expect("there is a place");
    let people: Vec<Client> = (0..count)
        .map(|number| join(&format!("p{number}")))
        .collect();
    let recorder = join("recorder");
    let voices: Vec<TcpStream> = people
        .iter()
        .map(|person| person.stream().try_clone().expect("a socket can be shared"))
        .collect();
    let said = thread::scope(|scope| {
        let notes = &notes;
        scope.spawn(move || Reader::new(notes, None, count).read_all(recorder));
        for (number, person) in (0..).zip(people) {
            scope.spawn(move || Reader::new(notes, Some(number), count).read_all(person));
        }
        let talking = scope.spawn(|| talk(&voices, notes, &stop));
        meanwhile();
        stop.store(true, Ordering::Relaxed);
        let said = talking.join().expect("they talk");
        notes.wait_until_all_is_recorded(said);
        join("closer")
            .send("the end\n")
            .expect("the closer is heard");
        said
    });
    Report {
        said,
        read: notes.read.into_inner(),
        delays: notes.delays.into_inner().expect("no reader panicked"),
        faults: notes.faults.into_inner().expect("no reader panicked"),
    }
}

/// Lets one after the other say a line, until told to stop. Returns how many lines those were.
fn talk(voices: &[TcpStream], notes: &Notes, stop: &AtomicBool) -> u64 {
    let mut said = 0;
    for number in 0.. {
        for mut voice in voices {
            if stop.load(Ordering::Relaxed) {
                return said;
            }
            let now = notes.begin.elapsed().as_nanos();
            if let Err(error) = voice.write_all(format!("{number} {now}\n").as_bytes()) {
                notes.complain(format!("somebody cannot speak: {error}"));
            }
            said += 1;
            thread::sleep(PAUSE);
        }
    }
    said
}

impl Notes {
    fn complain(&self, fault: String) {
        self.faults.lock().expect("no reader panicked").push(fault);
    }

    fn wait_until_all_is_recorded(&self, said: u64) {
        let begin = Instant::now();
        let recorded = || self.order.read().expect("no reader panicked").len() as u64;
        while recorded() < said {
            if begin.elapsed() > PATIENCE {
                return self.complain(format!("{} of {said} lines arrived", recorded()));
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// One of the people as a reader, or the one who records.
struct Reader<'a> {
    notes: &'a Notes,
    /// Nobody reads their own lines. The recorder has none.
    own: Option<u32>,
    /// The next line of each.
    next: Vec<u32>,
    /// What was read and not compared yet.
    unchecked: VecDeque<Said>,
    /// How far it was compared.
    position: usize,
    delays: Vec<Duration>,
    read: u64,
}

impl<'a> Reader<'a> {
    fn new(notes: &'a Notes, own: Option<u32>, people: u32) -> Self {
        Self {
            notes,
            own,
            next: vec![0; people as usize],
            unchecked: VecDeque::new(),
            position: 0,
            delays: Vec::new(),
            read: 0,
        }
    }

    /// Reads to the last line.
    fn read_all(mut self, mut client: Client) {
        loop {
            match client.read_line() {
                Ok(THE_END) => break,
                Ok(line) => {
                    if let Some((said, at)) = parse(line) {
                        self.take(said, at);
                    }
                }
                Err(error) => {
                    let fault = format!("{:?} was cut off after {}: {error}", self.own, self.read);
                    self.notes.complain(fault);
                    break;
                }
            }
        }
        self.compare();
        if !self.unchecked.is_empty() {
            self.notes
                .complain(format!("{:?} read lines that nobody recorded", self.own));
        }
        let total = self.notes.order.read().expect("no reader panicked");
        let others = total[self.position..]
            .iter()
            .filter(|said| Some(said.author) != self.own);
        let missing = others.count();
        if missing > 0 {
            self.notes.complain(format!(
                "{:?} has not read the last {missing} lines",
                self.own
            ));
        }
        self.notes.read.fetch_add(self.read, Ordering::Relaxed);
    }

    fn take(&mut self, said: Said, at: Duration) {
        self.read += 1;
        self.delays
            .push(self.notes.begin.elapsed().saturating_sub(at));
        let next = &mut self.next[said.author as usize];
        if said.number != *next {
            self.notes
                .complain(format!("{:?} read {said:?} instead of {next}", self.own));
        }
        *next = said.number + 1;
        self.unchecked.push_back(said);
        if self.own.is_none() || self.unchecked.len() >= BATCH {
            self.compare();
        }
    }

    /// Compares what was read with what was recorded; the recorder records it.
    fn compare(&mut self) {
        let mut delays = self.notes.delays.lock().expect("no reader panicked");
        self.delays.drain(..).for_each(|delay| delays.add(delay, 1));
        drop(delays);
        let Some(own) = self.own else {
            let mut order = self.notes.order.write().expect("no reader panicked");
            order.extend(self.unchecked.drain(..));
            self.position = order.len();
            return;
        };
        let order = self.notes.order.read().expect("no reader panicked");
        for recorded in &order[self.position..] {
            if recorded.author != own {
                let Some(said) = self.unchecked.pop_front() else {
                    break;
                };
                if said != *recorded {
                    let fault = format!("{own} read {said:?} where others read {recorded:?}");
                    self.notes.complain(fault);
                }
            }
            self.position += 1;
        }
    }
}

/// Takes apart `<p12> 345 678900000`: who, which line of theirs, and when it was said.
fn parse(line: &[u8]) -> Option<(Said, Duration)> {
    let line = std::str::from_utf8(line).ok()?;
    let (author, text) = line.strip_prefix("<p")?.split_once("> ")?;
    let (number, at) = text.split_once(' ')?;
    let said = Said {
        author: author.parse().ok()?,
        number: number.parse().ok()?,
    };
    Some((said, Duration::from_nanos(at.parse().ok()?)))
}
