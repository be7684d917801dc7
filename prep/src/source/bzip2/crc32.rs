//! The checksum of bzip2: CRC-32 with the highest bit first (CRC-32/BZIP2), computed 16 bytes at a time.

const POLYNOMIAL: u32 = 0x04c1_1db7;
/// Bytes per step.
const STEP: usize = 16;

/// `TABLES[n][byte]`: the effect of a byte on the checksum after `n` more bytes ("slicing by 16").
static TABLES: [[u32; 256]; STEP] = tables();

const fn tables() -> [[u32; 256]; STEP] {
    let mut tables = [[0; 256]; STEP];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc >> 31 == 1 { (crc << 1) ^ POLYNOMIAL } else { crc << 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut step = 1;
    while step < STEP {
        byte = 0;
        while byte < 256 {
            let before = tables[step - 1][byte];
            tables[step][byte] = (before << 8) ^ tables[0][(before >> 24) as usize];
            byte += 1;
        }
        step += 1;
    }
    tables
}

/// The CRC-32/BZIP2 of some bytes.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let (steps, rest) = bytes.as_chunks::<STEP>();
    let crc = steps.iter().fold(!0u32, |crc, step| {
        let first = crc.to_be_bytes();
        let mut next = 0;
        for at in 0..STEP {
            let byte = if at < 4 { step[at] ^ first[at] } else { step[at] };
            next ^= TABLES[STEP - 1 - at][usize::from(byte)];
        }
        next
    });
    !rest.iter().fold(crc, |crc, byte| (crc << 8) ^ TABLES[0][((crc >> 24) as u8 ^ byte) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slicing_gives_the_bytewise_result() {
        assert_eq!(crc32(b"123456789"), 0xfc89_1918, "the check value of CRC-32/BZIP2");
        let bytes: Vec<u8> = (0..100u8).map(|byte| byte.wrapping_mul(37)).collect();
        for length in 0..bytes.len() {
            let bytewise = bytes[..length].iter().fold(!0u32, |crc, byte| (crc << 8) ^ TABLES[0][usize::from((crc >> 24) as u8 ^ byte)]);
            assert_eq!(crc32(&bytes[..length]), !bytewise, "{length}");
        }
    }
}
