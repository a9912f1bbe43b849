//! Characters that nobody may send to anyone.

/// What the specification replaces, in its own words.
pub fn is_forbidden(character: char) -> bool {
    let code = u32::from(character);
    (code < 0x20 && character != '\t')
        || (0x7F..=0x9F).contains(&code)
        || [0x2028, 0x2029, 0x061C, 0x200E, 0x200F, 0xFEFF].contains(&code)
        || (0x202A..=0x202E).contains(&code)
        || (0x2060..=0x206F).contains(&code)
        || (0xFFF9..=0xFFFB).contains(&code)
        || (0xE0000..=0xE007F).contains(&code)
}
