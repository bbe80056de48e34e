/** The checksum that IBANs and creditor references share: ISO 7064, modulus 97-10. */

/** Letters count as two digits from 10; the text may be longer than any number holds. */
export function remainder97(text: string): number {
  let remainder = 0;
  for (const character of text) {
    const value = Number.parseInt(character, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder;
}
