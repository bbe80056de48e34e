/** The characters that every bank of SEPA passes on. Source: EPC217-08, "Best practices: SEPA requirements for an extended character set". */

const plain: Readonly<Record<string, string>> = {
  ß: 'ss',
  Æ: 'AE',
  æ: 'ae',
  Ø: 'O',
  ø: 'o',
  Œ: 'OE',
  œ: 'oe',
  Đ: 'D',
  đ: 'd',
  Ł: 'L',
  ł: 'l',
  Þ: 'TH',
  þ: 'th',
  ı: 'i',
  '&': '+',
  '@': '(at)',
  _: '-',
};

/** Writes `text` with what is allowed, at most `lengthMax` characters; what has no plain form becomes a full stop. */
export function sepaText(text: string, lengthMax: number): string {
  const separated = text.trim().replace(/./gu, (character) => plain[character] ?? character);
  return (
    separated
      .normalize('NFD')
      .replace(/\p{M}/gu, '')
      .replace(/[^a-zA-Z0-9/\-?:().,'+ ]/gu, '.')
      .replace(/\s+/g, ' ')
      // A line that begins with a slash or holds two of them means something else to some banks.
      .replace(/\/{2,}/g, '/')
      .replace(/^[/ ]+|[/ ]+$/g, '')
      .slice(0, lengthMax)
      .trim()
  );
}
