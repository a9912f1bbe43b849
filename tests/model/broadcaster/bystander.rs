//! What somebody who only reads may conclude about who is here: nobody is heard of before they have
//! joined, nor after they have left, whatever was gathered.

use std::collections::BTreeSet;

/// Who is here, from the lines alone.
#[derive(Debug, Default)]
pub struct Bystander {
    here: BTreeSet<String>,
    /// A notice named only some of many: from then on nothing can be concluded.
    is_unsure: bool,
    unread: Vec<u8>,
}

impl Bystander {
    pub fn read(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
        while let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
            let line = self.unread.drain(..=end).collect::<Vec<_>>();
            let line = String::from_utf8_lossy(&line[..end]).into_owned();
            self.read_line(&line);
        }
    }

    fn read_line(&mut self, line: &str) {
        if self.is_unsure {
            return;
        }
        let words = line.split(' ').collect::<Vec<_>>();
        match words[..] {
            ["*", name, ..] => self.is_here(name, line),
            [said, ..] if said.starts_with('<') => self.is_here(&said[1..said.len() - 1], line),
            ["--", old, "is", "now", new] => {
                self.leaves(old, line);
                self.joins(new, line);
            }
            // `and 3 more joined`, `and 3 more left (too slow)`.
            ["--", .., "and", _, "more", _]
            | ["--", .., "and", _, "more", _, _]
            | ["--", .., "and", _, "more", _, _, _] => self.is_unsure = true,
            ["--", ref names @ .., "joined"] => {
                for name in names {
                    self.joins(name, line);
                }
            }
            ["--", operator, "banned", ..] => {
                self.is_here(operator, line);
                self.are_banned(line);
            }
            ["--", operator, "kicked", name, _] => {
                self.is_here(operator, line);
                self.leaves(name.trim_end_matches(':'), line);
            }
            ["--", name, "left:", _] => self.leaves(name, line),
            ["--", ref names @ .., "left"]
            | ["--", ref names @ .., "left", "(idle)"]
            | ["--", ref names @ .., "left", "(too", "slow)"]
            | ["--", ref names @ .., "left", "(connection", "lost)"] => {
                for name in names {
                    self.leaves(name, line);
                }
            }
            _ => {}
        }
    }

    /// Who is banned and was here is here no more. Who left before may be named too.
    fn are_banned(&mut self, line: &str) {
        let (_, rest) = line.split_once(" banned ").expect("a ban");
        let (names, _) = rest.split_once(": ").expect("a text");
        let names = names.split(" for ").next().unwrap_or_default();
        let (names, more) = names.split_once(" and ").unwrap_or((names, ""));
        for name in names.split(", ") {
            self.here.remove(name);
        }
        self.is_unsure |= !more.is_empty();
    }

    fn is_here(&self, name: &str, line: &str) {
        assert!(self.here.contains(name), "{line:?}, but {name} is not here");
    }

    fn joins(&mut self, name: &str, line: &str) {
        let name = name.trim_end_matches(',');
        let is_new = self.here.insert(name.to_owned());
        assert!(is_new, "{line:?}, but {name} is here already");
    }

    fn leaves(&mut self, name: &str, line: &str) {
        let name = name.trim_end_matches(',');
        let was_here = self.here.remove(name);
        assert!(was_here, "{line:?}, but {name} is not here");
    }
}
