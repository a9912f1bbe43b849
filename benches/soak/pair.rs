//! Two people who chat, and how long each line takes from one to the other.

use std::io::Read;
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use memchr::memmem;
use rustix::net::{SendFlags, send};

use crate::client::Client;
use crate::fanout::histogram::Histogram;
use crate::load::is_for_later;
use crate::server::Server;

/// Each of the two says a line this often.
const PAUSE: Duration = Duration::from_millis(200);

/// How long a listener waits for anything before it looks whether the chat is over.
const WAIT: Duration = Duration::from_millis(50);

/// What they are called.
pub const NAMES: [&str; 2] = ["ann", "bob"];

/// Two people who have joined.
pub struct Pair {
    people: [Client; 2],
}

/// How long their lines took.
#[derive(Default)]
pub struct Delays {
    pub histogram: Histogram,
    /// Lines that they said, and those of them that were not heard before the end. These count with
    /// the time that they had waited by then.
    said: usize,
    unheard: usize,
}

/// A line that was said.
struct Line {
    said: Instant,
    delay: Option<Duration>,
}

/// Ends what goes on meanwhile when it goes itself, so also when something has failed.
pub struct End<'a>(pub &'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The lines of one of them, each at the number that it carries.
type Lines = Mutex<Vec<Line>>;

impl Pair {
    /// Lets both join.
    pub fn join(server: &Server) -> Self {
        let join = |name| Client::join(server.address(), name).expect("there is a place");
        Self::of(NAMES.map(join))
    }

    /// Two who are here already under their [`NAMES`].
    pub fn of(people: [Client; 2]) -> Self {
        Self { people }
    }

    /// Lets them chat while `meanwhile` happens.
    pub fn chat(&mut self, meanwhile: impl FnOnce()) -> Delays {
        let lines = [Lines::default(), Lines::default()];
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let [ann, bob] = self.people.each_ref().map(Client::stream);
            let (lines, is_over) = (&lines, &is_over);
            scope.spawn(|| listen(bob, NAMES[0], &lines[0], is_over));
            scope.spawn(|| listen(ann, NAMES[1], &lines[1], is_over));
            scope.spawn(|| talk([ann, bob], lines, is_over));
            let _end = End(is_over);
            meanwhile();
        });
        let mut delays = Delays::default();
        for line in lines.into_iter().flat_map(into_lines) {
            let delay = line.delay.unwrap_or_else(|| line.said.elapsed());
            delays.histogram.add(delay, 1);
            delays.said += 1;
            delays.unheard += usize::from(line.delay.is_none());
        }
        delays
    }
}

impl std::fmt::Display for Delays {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all = &self.histogram;
        let (half, p99) = (all.quantile(0.5), all.quantile(0.99));
        write!(
            f,
            "p50 {half:.1?}, p99 {p99:.1?}, max {:.1?}",
            all.longest()
        )?;
        write!(f, "; {} of {} lines unheard", self.unheard, self.said)
    }
}

fn into_lines(lines: Lines) -> Vec<Line> {
    lines.into_inner().expect("no listener panicked")
}

/// Says lines in turn, each at its time, whether or not those before were heard.
fn talk(people: [&TcpStream; 2], lines: &[Lines; 2], is_over: &AtomicBool) {
    let begin = Instant::now();
    for turn in 0_usize.. {
        let time = PAUSE / 2 * turn as u32;
        thread::sleep(time.saturating_sub(begin.elapsed()));
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let mut said = lines[turn % 2].lock().expect("no listener panicked");
        let text = format!("{}\n", said.len());
        said.push(Line {
            said: Instant::now(),
            delay: None,
        });
        drop(said);
        // What the kernel does not take now counts as a line that waits.
        let how = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        let _ = send(people[turn % 2], text.as_bytes(), how);
    }
}

/// Reads everything and notes when a line of this author comes.
fn listen(mut stream: &TcpStream, author: &str, lines: &Lines, is_over: &AtomicBool) {
    let head = format!("\n<{author}> ");
    let mut buffer = vec![0; 256 << 10];
    // What is kept from one read to the next begins with the end of a line.
    buffer[0] = b'\n';
    let mut kept = 1;
    stream.set_read_timeout(Some(WAIT)).expect("it is not zero");
    while !is_over.load(Ordering::Relaxed) {
        let filled = match stream.read(&mut buffer[kept..]) {
            Ok(count @ 1..) => kept + count,
            Err(error) if is_for_later(&error) => continue,
            // It was let go, and its lines stay unheard.
            Ok(0) | Err(_) => return,
        };
        let now = Instant::now();
        let whole = memchr::memrchr(b'\n', &buffer[..filled]).unwrap_or(0);
        for at in memmem::find_iter(&buffer[..whole], &head) {
            note(&buffer[at + head.len()..whole], lines, now);
        }
        buffer.copy_within(whole..filled, 0);
        kept = filled - whole;
    }
}

/// Notes that the line was heard whose number stands first in this text.
fn note(text: &[u8], lines: &Lines, now: Instant) {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    let number = digits.fold(0, |number, digit| 10 * number + usize::from(digit - b'0'));
    let mut lines = lines.lock().expect("no listener panicked");
    if let Some(line) = lines.get_mut(number) {
        line.delay = Some(now.duration_since(line.said));
    }
}
