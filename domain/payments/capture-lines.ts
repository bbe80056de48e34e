/**
 * Which of several captures of one charge a line of a settlement file is about. Some PSPs name the capture; others tell
 * the charge alone, and then only amounts and order are left to go by.
 */
import type { Units } from '../money.ts';

export type CaptureLine = {
  readonly naturalKey: string;
  readonly captureReference?: string | null;
  readonly asset: string;
  readonly gross: Units;
};

export type KnownCapture = {
  readonly subject: string;
  /** The PSP's name of the capture. */
  readonly captureReference: string | null;
  readonly asset: string;
  readonly gross: Units;
};

/**
 * One capture per line and one line per capture, null for a line that is left over. A line that was told before keeps
 * its capture; then the PSP's name decides, then the amount, then the order in which they were made.
 * @param told subjects by the natural keys of lines of any file so far
 */
export function matchCaptures<C extends KnownCapture>(
  lines: readonly CaptureLine[],
  captures: readonly C[],
  told: ReadonlyMap<string, string>,
): readonly (C | null)[] {
  const free = new Set(captures);
  const found = new Map<string, C>();
  for (const [naturalKey, subject] of told) {
    const capture = captures.find((known) => known.subject === subject);
    if (capture === undefined) continue;
    free.delete(capture);
    found.set(naturalKey, capture);
  }
  const take = (fits: (line: CaptureLine, capture: C) => boolean): void => {
    for (const line of lines) {
      if (found.has(line.naturalKey)) continue;
      const capture = [...free].find((known) => fits(line, known));
      if (capture === undefined) continue;
      free.delete(capture);
      found.set(line.naturalKey, capture);
    }
  };
  const isNamed = ({ captureReference }: CaptureLine): boolean => captureReference != null;
  // A name that is another capture's is none for this one, however well the amounts agree.
  const mayBe = (line: CaptureLine, capture: C): boolean =>
    !isNamed(line) || capture.captureReference === null;
  take((line, capture) => isNamed(line) && line.captureReference === capture.captureReference);
  take(
    (line, capture) => mayBe(line, capture) && line.asset === capture.asset && line.gross === capture.gross,
  );
  take(mayBe);
  return lines.map(({ naturalKey }) => found.get(naturalKey) ?? null);
}
