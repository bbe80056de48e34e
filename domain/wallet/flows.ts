/** Which accounts each journal code may touch: a balanced journal can still be a wrong one. */
import type { JournalCode, Posting } from './postings.ts';

const flows: Record<JournalCode, readonly RegExp[]> = {
  'deposit.capture': [/^cash$/, /^receivable$/, /^psp:[a-z0-9-]+:clearing$/],
  'withdrawal.reserve': [/^cash$/, /^held$/],
  'withdrawal.settle': [/^held$/, /^psp:[a-z0-9-]+:clearing$/],
  'withdrawal.release': [/^held$/, /^cash$/, /^receivable$/],
  'bet.place': [/^cash$/, /^bonus$/, /^house:casino:gaming$/],
  'bet.win': [/^cash$/, /^bonus$/, /^receivable$/, /^house:casino:gaming$/],
  'bet.rollback': [/^cash$/, /^bonus$/, /^receivable$/, /^house:casino:gaming$/],
  'bet.tombstone': [],
  'round.close': [],
  'bonus.award': [/^bonus$/, /^house:bonus-cost$/],
  'bonus.convert': [/^bonus$/, /^cash$/, /^receivable$/],
  'bonus.forfeit': [/^bonus$/, /^house:bonus-cost$/],
  'book.place': [/^cash$/, /^house:sportsbook:gaming$/],
  'book.settle': [/^cash$/, /^receivable$/, /^house:sportsbook:gaming$/],
  'book.void': [/^cash$/, /^receivable$/, /^house:sportsbook:gaming$/],
  'book.correct': [/^cash$/, /^receivable$/, /^house:sportsbook:gaming$/],
  'book.cash-out': [/^cash$/, /^receivable$/, /^house:sportsbook:gaming$/],
};

/** The first account that the code may not touch, or null. */
export function strayAccount(code: JournalCode, postings: readonly Posting[]): string | null {
  const allowed = flows[code];
  return postings.find((posting) => !allowed.some((form) => form.test(posting.account)))?.account ?? null;
}
