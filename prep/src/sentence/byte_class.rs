//! Classification of bytes for the boundary scanner.

/// The role of a byte in finding sentence boundaries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteClass {
    /// A letter or another byte without influence.
    Plain,
    /// `.`, `!` or `?`.
    Terminator,
    /// An opening bracket.
    Opener,
    /// A closing bracket.
    Closer,
    /// `"`.
    Quote,
    /// `'`.
    Apostrophe,
    /// The first byte of chars some of which have influence.
    Lead,
    /// The scanner gives up.
    Unknown,
}

/// The class of each byte.
pub(super) static BYTE_CLASSES: [ByteClass; 256] = {
    let mut classes = [ByteClass::Plain; 256];
    // First bytes of scripts with terminators of their own, except those that begin only letters.
    let mut byte = 0xdc;
    while byte < 256 {
        classes[byte] = match byte {
            0xe4..=0xe9 | 0xeb..=0xed => ByteClass::Plain,
            _ => ByteClass::Unknown,
        };
        byte += 1;
    }
    (classes[0xd6], classes[0xd8], classes[0xdb], classes[0xe3]) = (ByteClass::Lead, ByteClass::Lead, ByteClass::Lead, ByteClass::Lead);
    (classes[b'.' as usize], classes[b'!' as usize], classes[b'?' as usize]) =
        (ByteClass::Terminator, ByteClass::Terminator, ByteClass::Terminator);
    (classes[b'(' as usize], classes[b'[' as usize]) = (ByteClass::Opener, ByteClass::Opener);
    (classes[b'{' as usize], classes[b'<' as usize]) = (ByteClass::Opener, ByteClass::Opener);
    (classes[b')' as usize], classes[b']' as usize]) = (ByteClass::Closer, ByteClass::Closer);
    (classes[b'}' as usize], classes[b'>' as usize]) = (ByteClass::Closer, ByteClass::Closer);
    (classes[b'"' as usize], classes[b'\'' as usize]) = (ByteClass::Quote, ByteClass::Apostrophe);
    (classes[b'`' as usize], classes[b'@' as usize]) = (ByteClass::Unknown, ByteClass::Unknown);
    (classes[b'\\' as usize], classes[b'\n' as usize]) = (ByteClass::Unknown, ByteClass::Unknown);
    (classes[0xc2], classes[0xcd], classes[0xe1], classes[0xe2]) = (ByteClass::Lead, ByteClass::Unknown, ByteClass::Lead, ByteClass::Lead);
    classes
};
